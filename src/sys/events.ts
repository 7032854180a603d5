// sys/events/subscribe: events as they happen, over a WebSocket, as CloudEvents in JSON (Vault, "Events").
import { bool, list, or, text } from '../base/fields.ts'
import { Fault } from '../base/fault.ts'
import { isGlobMatch } from '../base/glob.ts'
import type { JsonObject } from '../base/json.ts'
import { type Ctx, type Path, path } from '../contract/module.ts'
import { type Reply, type Sink, stream } from '../contract/reply.ts'
import type { Token } from '../contract/token.ts'
import type { EventHub, Heard } from './event-hub.ts'

export interface EventDeps {
  readonly hub: EventHub
  /** The token as it is now; undefined once it is gone. */
  readonly alive: (hash: string) => Token | undefined
  /** Whether it may hear of an event about a path. */
  readonly hears: (token: Token, namespace: string, path: string, type: string) => boolean
  /** Who this server is to those who collect events of many. */
  readonly source: () => string
}

const input = {
  json: or(bool('Only true: events are sent as JSON.'), false),
  namespaces: or(list('Namespaces below this one to hear of too, with * for any text.'), []),
  filter: or(text('Refused: filters are not offered.'), ''),
}

/** A client that takes this many bytes too little is let go of, since what it does not take stays in memory. */
const MAX_WAITING = 1 << 20

interface Wish {
  readonly pattern: string
  readonly namespaces: readonly string[]
}

export function eventPaths(deps: EventDeps): Path[] {
  const type = { type: text('Type of event, with * for any text: kv-v2/data-write, kv*.') }
  return [
    path('events/subscribe/*type', 'Events as they happen.', type, (op) => ({
      read: op({ doc: 'Hear of events of a type, over a WebSocket.', input, run: (ctx, asked) => subscribe(deps, ctx, asked) }),
    })),
  ]
}

interface Asked {
  readonly type: string
  readonly json: boolean
  readonly namespaces: readonly string[]
  readonly filter: string
}

function subscribe(deps: EventDeps, ctx: Ctx, asked: Asked): Reply {
  const { caller } = ctx
  if (caller?.type !== 'service') throw new Fault('invalid', 'only service tokens can subscribe: a batch token can not be revoked')
  if (asked.type === '') throw new Fault('invalid', 'missing event type')
  if (!asked.json) throw new Fault('invalid', 'events are sent as JSON only: ask for them with json=true')
  if (asked.filter !== '') throw new Fault('invalid', 'filters are not supported')
  const home = ctx.mount.namespace
  const wish = { pattern: asked.type, namespaces: [home, ...asked.namespaces.map((one) => home + withSlash(one))] }
  return stream((sink) => open(deps, caller.hash, wish, sink))
}

/** Returns whether the subscription still holds. */
function open(deps: EventDeps, hash: string, wish: Wish, sink: Sink): () => boolean {
  const stop = deps.hub.listen({
    hear: (event) => tell(deps, hash, wish, sink, event),
    end: () => sink.close('the server is sealed or stops'),
  })
  sink.onClose(stop)
  return () => deps.alive(hash) !== undefined
}

function tell(deps: EventDeps, hash: string, { pattern, namespaces }: Wish, sink: Sink, event: Heard): void {
  const token = deps.alive(hash)
  if (!token) return sink.close('the token is gone')
  if (!isGlobMatch(pattern, event.type) || !namespaces.some((one) => isGlobMatch(one, event.namespace))) return
  if (!deps.hears(token, event.namespace, event.metadata['data_path'] ?? event.plugin.path, event.type)) return
  if (sink.waiting > MAX_WAITING) return sink.close('events are taken too slowly')
  sink.send(JSON.stringify(cloudEvent(deps.source(), pattern, event)))
}

function cloudEvent(source: string, pattern: string, { id, at, type, namespace, plugin, metadata }: Heard): JsonObject {
  const { accessor, class: of, path: mountPath, type: engine, version } = plugin
  return {
    id,
    source,
    specversion: '1.0',
    type: pattern,
    data: {
      event: { id, metadata: { ...metadata } },
      event_type: type,
      ...(namespace === '' ? {} : { namespace }),
      plugin_info: {
        mount_accessor: accessor,
        mount_class: of,
        mount_path: mountPath,
        plugin: engine,
        ...(version === undefined ? {} : { version }),
      },
    },
    datacontentype: 'application/cloudevents',
    time: new Date(at).toISOString(),
  }
}

function withSlash(namespace: string): string {
  return namespace === '*' || namespace.endsWith('/') ? namespace : `${namespace}/`
}

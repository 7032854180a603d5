// The server as a thing to operate: its processes, its machine, its loggers, its configuration, its versions.
import { or, text } from '../base/fields.ts'
import { Fault } from '../base/fault.ts'
import type { JsonObject } from '../base/json.ts'
import { type Path, path } from '../contract/module.ts'
import { data, empty, keys, plain, type Reply } from '../contract/reply.ts'
import { VAULT_VERSION } from './version.ts'

/** A request that is being answered. */
export interface InFlight {
  readonly id: string
  /** Wall time in milliseconds. */
  readonly since: number
  readonly peer: string
  readonly path: string
  readonly method: string
}

/** What all processes of the server know and do together. */
export interface ServerPort {
  readonly hostname: string
  /** What is in effect of the configuration, without anything secret. */
  readonly configuration: () => JsonObject
  /** Metrics as Prometheus text, and as Vault's JSON. */
  exposition(): Promise<string>
  measurements(): Promise<JsonObject>
  inFlight(): Promise<readonly InFlight[]>
  /** Levels by logger. */
  levels(): Readonly<Record<string, string>>
  /** Sets the level of a logger, or of all; without a level, back to that of the configuration. */
  setLevel(logger: string | undefined, level: string | undefined): Promise<void>
  /** The machine, as far as is known. */
  host(): Promise<JsonObject>
}

export function serverPaths(server: ServerPort): Path[] {
  return [...clusterPaths(server), ...loggerPaths(server), ...insightPaths(server)]
}

function clusterPaths({ hostname }: ServerPort): Path[] {
  const node = { active_node: true, api_address: '', cluster_address: '', hostname, last_echo: null, version: VAULT_VERSION }
  const off = { mode: 'disabled' }
  return [
    path('ha-status', 'The servers of the cluster: this one.', {}, (op) => ({
      read: op({ doc: 'List the servers.', run: () => data({ nodes: [node] }, { spread: true }) }),
    })),
    path('replication/status', 'Replication, which is not offered.', {}, (op) => ({
      read: op({ doc: 'Read that it is off.', access: 'open', run: () => data({ dr: off, performance: off }) }),
    })),
    path('replication/:kind/status', 'Replication of one kind, which is not offered.', { kind: text('dr or performance.') }, (op) => ({
      read: op({ doc: 'Read that it is off.', access: 'open', run: () => data(off) }),
    })),
    path('step-down', 'Giving up active duty.', {}, (op) => ({
      write: op({ doc: 'Does nothing, as there is no standby.', access: 'sudo', run: () => empty('there is no standby: this server stays active') }),
    })),
  ]
}

const level = or(text('trace, debug, info, warn or error.'), '')

function loggerPaths(server: ServerPort): Path[] {
  const set = async (logger: string | undefined, to: string) => {
    if (to === '') throw new Fault('invalid', 'level is required')
    await server.setLevel(known(server, logger), to)
    return empty()
  }
  const reset = async (logger?: string) => {
    await server.setLevel(known(server, logger), undefined)
    return empty()
  }
  return [
    path('loggers', 'How much each part of the server logs.', {}, (op) => ({
      read: op({ doc: 'Read all levels.', run: () => data({ ...server.levels() }) }),
      write: op({
        doc: 'Set the level of all, in every process, until it is reset.',
        input: { level },
        run: (_, input) => set(undefined, input.level),
      }),
      delete: op({ doc: 'Reset all levels to that of the configuration.', run: () => reset() }),
    })),
    path('loggers/:name', 'How much one part of the server logs.', { name: text('Name of the logger.') }, (op) => ({
      read: op({
        doc: 'Read the level.',
        run: (_, { name }) => data(Object.fromEntries(Object.entries(server.levels()).filter(([one]) => one === name))),
      }),
      write: op({ doc: 'Set the level, in every process, until it is reset.', input: { level }, run: (_, input) => set(input.name, input.level) }),
      delete: op({ doc: 'Reset the level to that of the configuration.', run: (_, { name }) => reset(name) }),
    })),
  ]
}

function known(server: ServerPort, logger: string | undefined): string | undefined {
  if (logger === undefined || Object.hasOwn(server.levels(), logger)) return logger
  throw new Fault('invalid', `logger ${JSON.stringify(logger)} not found`)
}

function insightPaths(server: ServerPort): Path[] {
  return [
    path('metrics', 'Metrics of all processes.', {}, (op) => ({
      read: op({ doc: 'Read them as JSON, or as Prometheus text.', input: metricsInput, run: (_, { format }) => metricsReply(server, format) }),
    })),
    path('in-flight-req', 'Requests that are being answered.', {}, (op) => ({
      read: op({
        doc: 'List them, of all processes, by their ids.',
        run: () => inFlightReply(server),
      }),
    })),
    path('host-info', 'The machine.', {}, (op) => ({
      read: op({ doc: 'Read processors, memory and disks.', access: 'sudo', run: async () => data(await server.host()) }),
    })),
    path('config/state/sanitized', 'The configuration in effect.', {}, (op) => ({
      read: op({ doc: 'Read it, without anything secret.', run: () => data(server.configuration()) }),
    })),
    path('config/ui/headers', 'Headers of a web interface, of which there is none.', {}, (op) => ({
      list: op({ doc: 'Lists nothing.', access: 'sudo', run: () => keys([]) }),
    })),
  ]
}

const metricsInput = { format: or(text('"prometheus", or nothing for JSON.'), '') }

export async function inFlightReply(server: ServerPort): Promise<Reply> {
  return plain(Object.fromEntries((await server.inFlight()).map(shown)))
}

export async function metricsReply(server: ServerPort, format: string): Promise<Reply> {
  if (format === '') return plain(await server.measurements())
  if (format !== 'prometheus') throw new Fault('invalid', `metric response format ${JSON.stringify(format)} unknown`)
  const body = Buffer.from(await server.exposition())
  return { kind: 'raw', status: 200, contentType: 'text/plain; version=0.0.4; charset=utf-8', body }
}

function shown({ id, since, peer, path: at, method }: InFlight): [string, JsonObject] {
  const start_time = new Date(since).toISOString()
  return [id, { client_id: '', client_remote_address: peer, request_method: method, request_path: at, start_time }]
}

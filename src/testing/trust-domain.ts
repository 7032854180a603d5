// A trust domain without a server around it: its rooms over a store in memory, and its paths as the line would call them.
import { randomBytes } from 'node:crypto'
import type { JsonObject } from '../base/json.ts'
import type { FetchBundle } from '../spiffe/federation.ts'
import { spiffeModule } from '../spiffe/module.ts'
import { openSpiffe, type Spiffe } from '../spiffe/rooms.ts'
import type { Upstream } from '../spiffe/upstream.ts'
import { follow } from '../store/follow.ts'
import { memory } from '../store/memory.ts'
import type { Store } from '../store/store.ts'
import { type SettableClock, settableClock, stillTimers } from './clock.ts'
import { openBench } from './run-op.ts'

/** What any of the replies has. */
export interface Asked {
  readonly kind: string
  readonly data: JsonObject
  readonly body: JsonObject
  readonly keys: string[]
  readonly info: Record<string, JsonObject>
  readonly warnings: string[]
}

export interface TrustDomainBench {
  readonly rooms: Spiffe
  readonly clock: SettableClock
  readonly store: Store
  ask(verb: 'read' | 'write' | 'list' | 'delete', path: string, input?: JsonObject): Promise<Asked>
}

/** Without a name where `name` is ''. */
export async function openTrustDomain(name = 'example.org', fetch?: FetchBundle, upstream?: Upstream): Promise<TrustDomainBench> {
  const store = memory({ timers: stillTimers })
  const clock = settableClock()
  const rooms = openSpiffe({ place: { store, ...follow(store) }, clock, random: { bytes: randomBytes }, upstream, ...(fetch ? { fetch } : {}) })
  const module = spiffeModule(() => rooms, { level: () => ({ current: 'info', launch: 'info' }), setLevel: async () => {} })
  const bench = openBench(module, { store, clock, mount: { path: 'spiffe/' } })
  const ask: TrustDomainBench['ask'] = async (verb, path, input = {}) => {
    const { reply, warnings } = await bench.call(verb, path, input)
    return { ...reply, warnings } as unknown as Asked
  }
  if (name) await ask('write', 'config', { trust_domain: name })
  return { ask, clock, rooms, store }
}

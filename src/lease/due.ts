// Due work: whatever has ended is taken back, lane by lane, as the time index says. Done by one process at a time.
import { Fault } from '../base/fault.ts'
import type { Log } from '../base/log.ts'
import type { Clock, Timers } from '../base/ports.ts'
import { children } from '../store/folder.ts'
import type { Follower } from '../store/follow.ts'
import type { Key, Store } from '../store/store.ts'
import { transact, type Tx } from '../store/transact.ts'
import { Breaker } from './breaker.ts'
import type { GiveBack } from './give-back.ts'
import { INDEX, indexKeys, parseDueKey, stored } from './lease.ts'
import { forEach } from './pool.ts'

export interface DueDeps {
  /** Behind the barrier, whole. */
  readonly store: Store
  readonly follower: Pick<Follower, 'cache'>
  readonly giveBack: GiveBack
  readonly clock: Clock
  readonly timers: Pick<Timers, 'turn'>
  readonly log: Log
}

export interface Due {
  /**
   * Begins what is due. May be called again before it resolves, which it does when all that it began is over: a slow target
   * takes as long as it takes, and holds up nothing but its own lane.
   */
  beat(): Promise<void>
}

interface Lane {
  readonly breaker: Breaker
  running: Promise<void> | undefined
}

/** Leases taken in hand at once, for the time it takes to look at them, and how many of them are with the target at the same time. */
const CHUNK = 128
const WIDTH = 16

export function openDue(deps: DueDeps): Due {
  const { store, follower, clock } = deps
  const lanes = new Map<string, Lane>()
  // Made anew only after the index changed, so that an idle server reads nothing.
  const heads = follower.cache(INDEX.due, () => readHeads(store))

  return {
    async beat() {
      const now = clock.now()
      const known = heads()
      for (const name of lanes.keys()) if (!known.has(name) && !lanes.get(name)?.running) lanes.delete(name)
      for (const [name, at] of known) if (at <= now) begin(name)
      await Promise.all([...lanes.values()].flatMap(({ running }) => running ?? []))
    },
  }

  function begin(name: string): void {
    const lane = lanes.get(name) ?? { breaker: new Breaker(), running: undefined }
    lanes.set(name, lane)
    lane.running ??= drain(deps, name, lane.breaker)
      .catch((error: unknown) => {
        if (!(error instanceof Fault && error.code === 'sealed')) deps.log.error('due leases could not be handled', { lane: name }, error)
      })
      .finally(() => {
        lane.running = undefined
      })
  }
}

/** The first due time of every lane. */
function readHeads(store: Store): ReadonlyMap<string, number> {
  const heads = new Map<string, number>()
  for (const folder of Array.from(children(store, INDEX.due))) {
    for (const key of store.keys({ prefix: INDEX.due + folder, limit: 1 })) heads.set(folder.slice(0, -1), parseDueKey(key).at)
  }
  return heads
}

async function drain(deps: DueDeps, lane: string, breaker: Breaker): Promise<void> {
  const { store, clock, timers } = deps
  for (;;) {
    const room = breaker.room(clock.now(), CHUNK)
    const keys = dueKeys(store, lane, clock.now(), room)
    if (keys.length === 0) return
    const writing = new Writing()
    await forEach(keys, WIDTH, async (key) => {
      if (breaker.room(clock.now(), 1) === 0) return
      if (leads(store, key)) note(deps, lane, breaker, await deps.giveBack(parseDueKey(key).id, (recorded) => writing.add(recorded)))
      else await dropStray(store, key)
    })
    await writing.done()
    await timers.turn() // requests first
  }
}

/** What is on its way to the disk, so that the next ask of the target need not wait for it. */
class Writing {
  readonly #under: Promise<void>[] = []
  #failure: { readonly error: unknown } | undefined

  add(recorded: Promise<void>): void {
    this.#under.push(
      recorded.catch((error: unknown) => {
        this.#failure ??= { error }
      }),
    )
  }

  /** Rejects where anything could not be written. */
  async done(): Promise<void> {
    await Promise.all(this.#under)
    if (this.#failure) throw this.#failure.error
  }
}

function dueKeys(store: Store, lane: string, now: number, limit: number): Key[] {
  if (limit === 0) return []
  return Array.from(store.keys({ prefix: `${INDEX.due}${lane}/`, limit })).filter((key) => parseDueKey(key).at <= now)
}

/** Whether the key still says when something is due: the lease may have been renewed, or taken back, since the key was read. */
function leads(from: Pick<Store, 'get'> | Tx, key: Key): boolean {
  const lease = stored(from, parseDueKey(key).id)
  return lease !== undefined && indexKeys(lease).includes(key)
}

function dropStray(store: Store, key: Key): Promise<void> {
  return transact(store, (tx) => {
    if (!leads(tx, key)) tx.delete(key)
  })
}

function note({ clock, log }: DueDeps, lane: string, breaker: Breaker, fault: Error | undefined): void {
  if (!fault && breaker.succeeded()) log.info('a target of leases is back', { lane })
  if (fault && breaker.failed(clock.now())) log.warn('a target of leases fails; it is left alone for a while', { lane, reason: fault.message })
}

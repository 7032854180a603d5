// SVIDs that have keys, one for each entry: made in batches, renewed at half their life, and let go of when nobody uses them and there are too many.
import type { Log } from '../base/log.ts'
import type { Clock, Random, Timers } from '../base/ports.ts'
import { type KeyType, newSigningKey, type SigningKey } from '../crypto/signing-key.ts'
import type { SpiffeId } from '../crypto/spiffe-id.ts'
import type { AgentMeter } from '../telemetry/agent-metrics.ts'
import { type AgentEntry, isSameRevision } from './entry.ts'
import type { Trust } from './trust.ts'

export interface HeldSvid {
  readonly id: SpiffeId
  readonly key: SigningKey
  /** Milliseconds. */
  readonly expiresAt: number
  readonly renewAt: number
  /** Of the entry it was made from. */
  readonly revision: number
  readonly createdAt: number
}

/** What differs between kinds of SVID. */
export interface HoldingDeps<S extends HeldSvid> {
  /** What they are called. */
  readonly what: string
  /** Asks the server: by entry id, an SVID or why there is none. Throws what the server said where it could not be asked. */
  readonly make: (entries: readonly AgentEntry[]) => Promise<ReadonlyMap<string, S | string>>
  /** Whether one is to be replaced at once. */
  readonly isTainted: (svid: S) => boolean
  /** Whether anybody would believe one; it is not given to workloads otherwise. */
  readonly isBelieved: (svid: S) => boolean
  /** Whether one is made before anybody asks. */
  readonly isPrefetched: (entry: AgentEntry) => boolean
  /** How many that nobody uses are kept. */
  readonly most: number
  readonly clock: Clock
  readonly log: Log
  readonly meter?: Pick<AgentMeter, 'made' | 'notMade'>
}

/** What kinds of SVID are asked for and checked with. */
export interface IssuingDeps<Ask> {
  readonly ask: Ask
  readonly trust: () => Trust | undefined
  readonly keyType: KeyType
  /** How many that nobody uses are kept. */
  readonly most: number
  readonly clock: Clock
  readonly random: Random
  readonly timers: Timers
  readonly log: Log
  readonly meter?: Pick<AgentMeter, 'made' | 'notMade'>
}

const BATCH = 500

export class HeldSvids<S extends HeldSvid> {
  readonly #deps: HoldingDeps<S>
  /** The least recently used first. */
  #held = new Map<string, S>()
  readonly #holders = new Map<string, number>()
  readonly #pending = new Map<string, Promise<void>>()
  /** Whether one was made since `refresh` told of changes last. */
  #made = false

  constructor(deps: HoldingDeps<S>) {
    this.#deps = deps
  }

  /** Undefined where there is none that is valid now. Counts as a use. */
  get(entry: AgentEntry): S | undefined {
    const svid = this.#held.get(entry.id)
    if (!svid || svid.expiresAt <= this.#deps.clock.now() || svid.id !== entry.spiffeId || !this.#deps.isBelieved(svid)) return undefined
    this.#held.delete(entry.id)
    this.#held.set(entry.id, svid)
    return svid
  }

  /** Gets those that are missing. Throws what the server said where it could not be asked. */
  need(entries: readonly AgentEntry[]): Promise<void> {
    return this.#getAll(entries.filter((entry) => !this.get(entry)))
  }

  /** Until the returned function is called, this entry's SVID is kept, and renewed. */
  hold(entryId: string): () => void {
    this.#holders.set(entryId, (this.#holders.get(entryId) ?? 0) + 1)
    return () => {
      const left = (this.#holders.get(entryId) ?? 1) - 1
      if (left > 0) this.#holders.set(entryId, left)
      else this.#holders.delete(entryId)
    }
  }

  /** Brings everything in line with the entries of now: gets, renews, lets go. True where anything changed. */
  async refresh(entries: ReadonlyMap<string, AgentEntry>): Promise<boolean> {
    const dropped = this.#letGo(entries)
    const due = this.#wanted(entries).filter((entry) => this.#isDue(entry))
    await this.#getAll(due)
    const changed = dropped || due.length > 0 || this.#made
    this.#made = false
    return changed
  }

  /** Every SVID that is held, by entry id. */
  all(): ReadonlyMap<string, S> {
    return this.#held
  }

  /** Holds these, from before a restart. */
  restore(svids: ReadonlyMap<string, S>): void {
    this.#held = new Map(svids)
  }

  forget(): void {
    this.#held.clear()
  }

  #isDue(entry: AgentEntry): boolean {
    const svid = this.#held.get(entry.id)
    const { clock, isTainted, isBelieved } = this.#deps
    if (!svid || svid.renewAt <= clock.now() || svid.id !== entry.spiffeId || !isSameRevision(svid, entry)) return true
    return isTainted(svid) || !isBelieved(svid)
  }

  #letGo(entries: ReadonlyMap<string, AgentEntry>): boolean {
    const gone = [...this.#held.keys()].filter((id) => !entries.has(id))
    const unused = [...this.#held.keys()].filter((id) => entries.has(id) && !this.#holders.has(id))
    const surplus = unused.slice(0, Math.max(0, unused.length - this.#deps.most))
    for (const id of [...gone, ...surplus]) this.#held.delete(id)
    return gone.length + surplus.length > 0
  }

  /** What is used or held, and as many of the rest as there is room for. */
  #wanted(entries: ReadonlyMap<string, AgentEntry>): AgentEntry[] {
    const all = [...entries.values()].filter(({ storeSvid }) => !storeSvid)
    const isKnown = ({ id }: AgentEntry) => this.#holders.has(id) || this.#held.has(id)
    const known = all.filter(isKnown)
    const unused = known.filter(({ id }) => !this.#holders.has(id)).length
    const rest = all.filter((entry) => this.#deps.isPrefetched(entry) && !isKnown(entry))
    return [...known, ...rest.slice(0, Math.max(0, this.#deps.most - unused))]
  }

  /** Each entry is asked for once at a time. */
  async #getAll(entries: readonly AgentEntry[]): Promise<void> {
    const waiting = new Set(entries.flatMap(({ id }) => this.#pending.get(id) ?? []))
    const mine = entries.filter(({ id }) => !this.#pending.has(id))
    for (let from = 0; from < mine.length; from += BATCH) {
      const batch = mine.slice(from, from + BATCH)
      const done = this.#getBatch(batch).finally(() => batch.forEach(({ id }) => this.#pending.delete(id)))
      batch.forEach(({ id }) => this.#pending.set(id, done))
      waiting.add(done)
    }
    await Promise.all(waiting)
  }

  async #getBatch(entries: readonly AgentEntry[]): Promise<void> {
    const { make, what, log, meter } = this.#deps
    const made = await make(entries)
    for (const entry of entries) {
      const svid = made.get(entry.id) ?? 'the server gave none'
      if (typeof svid === 'string') {
        log.warn(`no ${what}`, { entry: entry.id, spiffe_id: entry.spiffeId, reason: svid })
        meter?.notMade(what)
        continue
      }
      meter?.made(what, this.#held.has(entry.id) ? 'renewal' : 'first')
      this.#held.set(entry.id, svid)
    }
    this.#made = true
  }
}

/** A new key for each entry, by its id. */
export async function newKeys(entries: readonly AgentEntry[], keyType: KeyType, timers: Pick<Timers, 'turn'>): Promise<Map<string, SigningKey>> {
  const keys = new Map<string, SigningKey>()
  for (const { id } of entries) {
    keys.set(id, newSigningKey(keyType))
    if (keyType.startsWith('rsa')) await timers.turn() // such a key takes long enough for others to wait
  }
  return keys
}

// X509-SVIDs for entries: made in batches, renewed at half their life, and let go of when nobody uses them and there are too many.
import { Fault } from '../base/fault.ts'
import type { Log } from '../base/log.ts'
import type { Clock, Random, Timers } from '../base/ports.ts'
import { newCsr } from '../crypto/csr.ts'
import { type KeyType, newSigningKey, type SigningKey } from '../crypto/signing-key.ts'
import type { SpiffeId } from '../crypto/spiffe-id.ts'
import { type AgentEntry, isSameRevision } from './entry.ts'
import { checkGiven } from './identity.ts'
import { renewalTime } from './jitter.ts'
import { isTainted, type Trust } from './trust.ts'

export interface WorkloadSvid {
  readonly id: SpiffeId
  /** DER, leaf first. */
  readonly chain: readonly Buffer[]
  readonly key: SigningKey
  /** Milliseconds. */
  readonly expiresAt: number
  readonly renewAt: number
  /** Of the entry it was made from. */
  readonly revision: number
  readonly createdAt: number
}

/** Asks the server: by entry id, a chain or why there is none. */
export type AskX509 = (requests: readonly { readonly entryId: string; readonly csr: Buffer }[]) => Promise<Map<string, readonly Buffer[] | string>>

export interface X509SvidsDeps {
  readonly ask: AskX509
  readonly trust: () => Trust | undefined
  readonly keyType: KeyType
  /** How many that nobody uses are kept. */
  readonly most: number
  readonly clock: Clock
  readonly random: Random
  readonly timers: Timers
  readonly log: Log
}

const BATCH = 500

export class X509Svids {
  readonly #deps: X509SvidsDeps
  /** The least recently used first. */
  #held = new Map<string, WorkloadSvid>()
  readonly #holders = new Map<string, number>()
  readonly #pending = new Map<string, Promise<void>>()

  constructor(deps: X509SvidsDeps) {
    this.#deps = deps
  }

  /** Undefined where there is none that is valid now. Counts as a use. */
  get(entry: AgentEntry): WorkloadSvid | undefined {
    const svid = this.#held.get(entry.id)
    if (!svid || svid.expiresAt <= this.#deps.clock.now() || svid.id !== entry.spiffeId) return undefined
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
    return dropped || due.length > 0
  }

  /** Every SVID that is held, by entry id. */
  all(): ReadonlyMap<string, WorkloadSvid> {
    return this.#held
  }

  /** Holds these, from before a restart. */
  restore(svids: ReadonlyMap<string, WorkloadSvid>): void {
    this.#held = new Map(svids)
  }

  forget(): void {
    this.#held.clear()
  }

  #isDue(entry: AgentEntry): boolean {
    const svid = this.#held.get(entry.id)
    const trust = this.#deps.trust()
    if (!svid || svid.renewAt <= this.#deps.clock.now() || svid.id !== entry.spiffeId || !isSameRevision(svid, entry)) return true
    return trust !== undefined && isTainted(trust, svid.chain)
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
    const rest = all.filter((entry) => entry.prefetch && !isKnown(entry))
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
    const { ask, keyType, timers, log } = this.#deps
    const keys = new Map<string, SigningKey>()
    for (const { id } of entries) {
      keys.set(id, newSigningKey(keyType))
      if (keyType.startsWith('rsa')) await timers.turn() // such a key takes long enough for others to wait
    }
    const given = await ask([...keys].map(([entryId, key]) => ({ entryId, csr: newCsr(key) })))
    for (const entry of entries) {
      const chain = given.get(entry.id)
      const problem = typeof chain === 'string' ? chain : this.#take(entry, chain ?? [], keys.get(entry.id) as SigningKey)
      if (problem !== undefined) log.warn('no X509-SVID', { entry: entry.id, spiffe_id: entry.spiffeId, reason: problem })
    }
  }

  /** Why it is not taken; nothing where it is. */
  #take(entry: AgentEntry, chain: readonly Buffer[], key: SigningKey): string | undefined {
    const { clock, random, trust } = this.#deps
    const now = clock.now()
    try {
      const { id, expiresAt } = checkGiven(chain, key, trust(), now)
      if (id !== entry.spiffeId) return `the server gave the SVID of ${id}`
      const { revision, createdAt } = entry
      this.#held.set(entry.id, { id, chain, key, expiresAt, renewAt: renewalTime(now, expiresAt, random), revision, createdAt })
      return undefined
    } catch (error) {
      if (error instanceof Fault) return error.message
      throw error
    }
  }
}

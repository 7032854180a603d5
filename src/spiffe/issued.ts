// Which X509-SVIDs live, and for whom each was made: written together before they are given away, and read whole when some are looked for.
import type { Random } from '../base/ports.ts'
import type { SpiffeId } from '../crypto/spiffe-id.ts'
import type { CertificateId } from '../crypto/x509-svid.ts'
import { dueIndex } from '../store/due-index.ts'
import { encode } from '../store/records.ts'
import type { Key } from '../store/store.ts'
import { transact, type Tx } from '../store/transact.ts'
import type { Place } from './place.ts'
import type { SettingsRoom } from './settings.ts'

/** Where an SVID came by no entry, or through no agent, that is ''. */
export interface IssuedSvid extends CertificateId {
  readonly spiffeId: SpiffeId
  /** Id of the entry. */
  readonly entry: string
  /** SPIFFE ID of the agent that got it: for a workload, or for itself. */
  readonly agent: string
  /** Milliseconds. */
  readonly expiresAt: number
}

/** What SVIDs are looked for by. */
export type Trait = 'serial' | 'spiffeId' | 'entry' | 'agent'

export interface Issued {
  /** Writes down what is about to be given away, in one commit with what others are about to; nothing where that is switched off. */
  record(svids: readonly IssuedSvid[]): Promise<void>
  /** Part of a commit of somebody else's, whatever is switched off. */
  put(tx: Tx, svids: readonly IssuedSvid[]): void
  /** The same of the authority of a server below, whatever is switched off. */
  recordAuthority(authority: IssuedSvid): Promise<void>
  /** Whether the authority of a server below lives. */
  hasAuthority(): boolean
  /** Those that live and have one of these values. Reads the records of all, with pauses in which others have their turn. */
  find(trait: Trait, ...values: readonly string[]): Promise<IssuedSvid[]>
  /** Removes the records of those that ended, at most `limit` of them. */
  sweep(limit: number): Promise<void>
}

export interface IssuedDeps {
  readonly place: Place
  readonly clock: { now(): number }
  readonly random: Random
  readonly settings: SettingsRoom
  /** Lets others have their turn. */
  readonly turn: () => Promise<void>
}

/** As stored: what has no names takes less room. */
type Stored = readonly (readonly [authority: string, serial: string, spiffeId: SpiffeId, entry: string, agent: string, expiresAt: number])[]

/** By the end of the last SVID in each record. */
export const issued = dueIndex('issued/')
/** Of authorities of servers below. */
const below = dueIndex('issued-below/')
/** In one record, so that even the longest IDs fit into a value. */
const AT_ONCE = 100
/** Requests whose SVIDs are recorded in one commit. */
const TOGETHER = 64
const PAGE = 500
const KEY_BYTES = 12

export function openIssued({ place, clock, random, settings, turn }: IssuedDeps): Issued {
  const { store } = place

  function put(tx: Tx, svids: readonly IssuedSvid[]): void {
    for (let from = 0; from < svids.length; from += AT_ONCE) {
      const some = svids.slice(from, from + AT_ONCE)
      const [key] = issued.entry(Math.max(...some.map(({ expiresAt }) => expiresAt)), random.bytes(KEY_BYTES).toString('hex'))
      tx.put(key, encode(stored(some)))
    }
  }

  const record = together(TOGETHER, turn, (requests: readonly (readonly IssuedSvid[])[]) => transact(store, (tx) => put(tx, requests.flat())))

  return {
    put,
    async record(svids) {
      if (svids.length > 0 && settings.need().trackSvids) await record(svids)
    },
    recordAuthority: (authority) =>
      transact(store, (tx) => {
        put(tx, [authority])
        below.put(tx, authority.expiresAt, authority.serial)
      }),
    hasAuthority: () => [...store.keys({ prefix: below.prefix, limit: 1, reverse: true })].some((last) => below.timeOf(last) > clock.now()),
    async find(trait, ...values) {
      const found: IssuedSvid[] = []
      const now = clock.now()
      const wanted = new Set(values)
      const sole = values.length === 1 ? (values[0] ?? '') : ''
      for (let after: Key | undefined, more = values.length > 0; more; await turn()) {
        const page = [...store.range({ prefix: issued.prefix, limit: PAGE, ...(after === undefined ? {} : { after }) })]
        for (const one of page) {
          if (!one.value.includes(sole)) continue // which is quicker than to read it
          found.push(...opened(one.value).filter((svid) => wanted.has(svid[trait]) && svid.expiresAt > now))
        }
        after = page.at(-1)?.key
        more = page.length === PAGE
      }
      return found
    },
    async sweep(limit) {
      const now = clock.now()
      const over = [...issued.keysBefore(store, now, limit), ...below.keysBefore(store, now, limit)]
      if (over.length > 0) await transact(store, (tx) => over.forEach((key) => tx.delete(key)))
    },
  }
}

/** What comes while `run` is busy is done next, at most `most` at once: of many at the same time each costs a part of a commit. */
function together<T>(most: number, turn: () => Promise<void>, run: (all: readonly T[]) => Promise<void>): (one: T) => Promise<void> {
  let waiting: { readonly one: T; readonly done: PromiseWithResolvers<void> }[] = []
  let busy = false

  async function work(): Promise<void> {
    busy = true
    while (waiting.length > 0) {
      await turn() // those who heard of the last commit, and come again, go with this one
      const some = waiting.slice(0, most)
      waiting = waiting.slice(most)
      await run(some.map(({ one }) => one)).then(
        () => some.forEach(({ done }) => done.resolve()),
        (error: unknown) => some.forEach(({ done }) => done.reject(error)),
      )
    }
    busy = false
  }

  return (one) => {
    const done = Promise.withResolvers<void>()
    waiting.push({ one, done })
    if (!busy) void work()
    return done.promise
  }
}

const stored = (svids: readonly IssuedSvid[]): Stored =>
  svids.map(({ authority, serial, spiffeId, entry, agent, expiresAt }) => [authority, serial, spiffeId, entry, agent, expiresAt])

/** Numbers in it are times, so the language's own reading will do, which is many times as fast. */
function opened(value: Buffer): IssuedSvid[] {
  const svids = JSON.parse(value.toString()) as Stored
  return svids.map(([authority, serial, spiffeId, entry, agent, expiresAt]) => ({ authority, serial, spiffeId, entry, agent, expiresAt }))
}

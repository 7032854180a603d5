// Registration entries, stored with an index by parent, by which an agent's authorised set is found without reading all.
import { createHash } from 'node:crypto'
import { Fault } from '../base/fault.ts'
import { uuid } from '../base/ids.ts'
import type { Clock, Random } from '../base/ports.ts'
import type { SpiffeId, TrustDomain } from '../crypto/spiffe-id.ts'
import { dueIndex } from '../store/due-index.ts'
import { encode, records } from '../store/records.ts'
import type { Key, Store } from '../store/store.ts'
import { transact, type Tx } from '../store/transact.ts'
import type { Place } from './place.ts'
import { checkEntry, type Entry, type EntrySpec, identityOf } from './entry.ts'
import type { SettingsRoom } from './settings.ts'

export interface EntriesDeps {
  readonly place: Place
  readonly clock: Clock
  readonly random: Random
  readonly settings: SettingsRoom
}

export interface Child {
  readonly id: string
  readonly spiffeId: SpiffeId
}

export interface Entries {
  get(id: string): Entry | undefined
  /** In the order of their ids, after `after`, at most `limit`. */
  page(after: string, limit: number): Entry[]
  /** The entries that give this SPIFFE ID, in the order of their ids. */
  of(spiffeId: SpiffeId): Entry[]
  /** The entries right below a parent, in the order of their ids. */
  below(parent: SpiffeId): readonly Child[]
  count(): number
  /** The new entry, or the one that was there already with the same ID, parent and selectors. Throws `invalid`. */
  create(spec: EntrySpec): Promise<{ entry: Entry; existed: boolean }>
  /** Throws `missing`, or `invalid`. */
  update(id: string, change: (before: Entry) => EntrySpec): Promise<Entry>
  /** False where it was not there. */
  remove(id: string): Promise<boolean>
  /** Removes what expired, at most `limit`. */
  sweep(limit: number): Promise<void>
}

export const entries = records<Entry>('entry/')
export const COUNT = 'entry-count'
const NOTHING = Buffer.alloc(0)
const due = dueIndex('entry-due/')
/** Touched by every change of an entry: `entry-below/<hash of its parent>/<id>`, with its SPIFFE ID. */
export const BELOW = 'entry-below/'
/** SPIFFE IDs may be longer than keys. */
const hashOf = (spiffeId: SpiffeId): string => createHash('sha256').update(spiffeId).digest('base64url')
const belowKey = (parent: SpiffeId, id: string): string => `${BELOW}${hashOf(parent)}/${id}`
const ofKey = (spiffeId: SpiffeId, id: string): string => `entry-of/${hashOf(spiffeId)}/${id}`
const sameKey = (entry: Parameters<typeof identityOf>[0]): string => `entry-same/${identityOf(entry)}`
const federatesKey = (trustDomain: TrustDomain, id: string): string => `entry-federates/${trustDomain}/${id}`
/** What entries are found by: all keys of these folders. */
export const INDEXES = [BELOW, 'entry-of/', 'entry-same/', 'entry-federates/', due.prefix]
const CACHED = 20_000

export function openEntries({ place, clock, random, settings }: EntriesDeps): Entries {
  const { store } = place
  const cached = place.keyed(entries.key(''), (id) => entries.get(store, id), CACHED)
  const children = place.keyed(
    BELOW,
    (hash) => readChildren(store, `${BELOW}${hash}/`),
    CACHED,
    (rest) => rest.slice(0, rest.indexOf('/')),
  )

  const remove = (id: string): Promise<boolean> => transact(store, (tx) => removeIn(tx, id))

  return {
    get: cached,
    page: (after, limit) => entries.ids(store, { limit, ...(after === '' ? {} : { after }) }).flatMap((id) => cached(id) ?? []),
    of: (spiffeId) => idsUnder(store, ofKey(spiffeId, '')).flatMap((id) => cached(id) ?? []),
    below: (parent) => children(hashOf(parent)) ?? [],
    count: () => Number(store.get(COUNT)?.value.toString() ?? '0'),
    async create(spec) {
      const checked = checkEntry(spec, settings.need().trustDomain)
      const entry: Entry = { ...checked, id: spec.id ?? uuid(random), createdAt: clock.now(), revision: 0 }
      return transact(store, (tx) => {
        const same = tx.get(sameKey(entry))
        const known = same && entries.get(tx, same.value.toString())
        if (known) return { entry: known, existed: true }
        if (entries.get(tx, entry.id)) throw new Fault('invalid', `an entry with the ID "${entry.id}" exists already`)
        put(tx, entry)
        return { entry, existed: false }
      })
    },
    async update(id, change) {
      return transact(store, (tx) => {
        const before = entries.get(tx, id)
        if (!before) throw new Fault('missing', `no entry has the ID "${id}"`)
        const checked = checkEntry(change(before), settings.need().trustDomain)
        const after: Entry = { ...checked, id, createdAt: before.createdAt, revision: before.revision + 1 }
        const same = tx.get(sameKey(after))
        if (same && same.value.toString() !== id)
          throw new Fault('invalid', `entry "${same.value.toString()}" has this ID, parent and selectors already`)
        take(tx, before)
        put(tx, after)
        return after
      })
    },
    remove,
    async sweep(limit) {
      for (const id of due.before(store, clock.now(), limit)) await remove(id)
    },
  }
}

/** Ids of the entries that federate with a trust domain, in order. */
export function idsFederatingWith(store: Pick<Store, 'keys'>, trustDomain: TrustDomain): string[] {
  return idsUnder(store, federatesKey(trustDomain, ''))
}

function idsUnder(store: Pick<Store, 'keys'>, prefix: string): string[] {
  return Array.from(store.keys({ prefix }), (key) => key.slice(prefix.length))
}

/** Part of a commit of somebody else's: the entry goes. False where it was not there. */
export function removeIn(tx: Tx, id: string): boolean {
  const entry = entries.get(tx, id)
  if (entry) take(tx, entry)
  return entry !== undefined
}

/** Part of a commit of somebody else's: the entry federates with this trust domain no more. */
export function dissociate(tx: Tx, id: string, trustDomain: TrustDomain): void {
  const before = entries.get(tx, id)
  if (!before) return
  take(tx, before)
  put(tx, { ...before, federatesWith: before.federatesWith.filter((one) => one !== trustDomain), revision: before.revision + 1 })
}

function readChildren(store: Store, prefix: string): readonly Child[] {
  return Array.from(store.range({ prefix }), ({ key, value }) => ({ id: key.slice(prefix.length), spiffeId: value.toString() as SpiffeId }))
}

/** What an entry is found by. */
export function indexes(entry: Entry): [key: Key, value: Buffer][] {
  const { id, parentId, spiffeId, federatesWith, expiresAt } = entry
  return [
    [belowKey(parentId, id), Buffer.from(spiffeId)],
    [ofKey(spiffeId, id), NOTHING],
    [sameKey(entry), Buffer.from(id)],
    ...federatesWith.map((one): [Key, Buffer] => [federatesKey(one, id), NOTHING]),
    ...(expiresAt > 0 ? [due.entry(expiresAt, id)] : []),
  ]
}

function put(tx: Tx, entry: Entry): void {
  entries.put(tx, entry.id, entry)
  for (const [key, value] of indexes(entry)) tx.put(key, value)
  count(tx, 1)
}

function take(tx: Tx, entry: Entry): void {
  entries.delete(tx, entry.id)
  for (const [key] of indexes(entry)) tx.delete(key)
  count(tx, -1)
}

function count(tx: Tx, by: number): void {
  tx.put(COUNT, encode(Number(tx.get(COUNT)?.value.toString() ?? '0') + by))
}

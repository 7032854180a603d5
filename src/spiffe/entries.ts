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
import { checkEntryOf, checkPower, type Part, type Parts } from './parts.ts'
import type { Place } from './place.ts'
import { checkEntry, type Entry, type EntrySpec, identityOf, isAlias } from './entry.ts'
import { formatSelector, type Selector } from './selectors.ts'
import type { SettingsRoom } from './settings.ts'

export interface EntriesDeps {
  readonly place: Place
  readonly clock: Clock
  readonly random: Random
  readonly settings: SettingsRoom
  /** What namespaces have; without it they have nothing. */
  readonly parts?: Pick<Parts, 'all'>
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
  /** The node aliases whose first selector is this one, in the order of their ids. */
  aliases(selector: string): readonly Entry[]
  count(): number
  /** The new entry, or the one that was there already with the same ID, parent and selectors. Throws `invalid`. */
  create(spec: EntrySpec): Promise<{ entry: Entry; existed: boolean }>
  /** Throws `missing`, or `invalid`. */
  update(id: string, change: (before: Entry) => EntrySpec): Promise<Entry>
  /** False where it was not there. */
  remove(id: string): Promise<boolean>
  /** Takes the steps in their order; one that can't be taken changes nothing and stops no other. An outcome for each. */
  apply(steps: readonly EntryStep[]): Promise<EntryOutcome[]>
  /** The entries of a namespace alone, which makes none but in its part. */
  within(part: Part): Entries
  /** Removes what expired, at most `limit`. */
  sweep(limit: number): Promise<void>
}

export type EntryStep =
  | { readonly kind: 'create'; readonly spec: EntrySpec }
  | { readonly kind: 'update'; readonly id: string; readonly change: (before: Entry) => EntrySpec }
  | { readonly kind: 'remove'; readonly id: string }

export interface EntryOutcome {
  /** Why the step was not taken. */
  readonly fault?: Fault
  /** As it is now; as it was, where it was removed. */
  readonly entry?: Entry
  /** Of `create`: it was there already, and is unchanged. */
  readonly existed?: boolean
}

export const entries = records<Entry>('entry/')
export const COUNT = 'entry-count'
const NOTHING = Buffer.alloc(0)
const due = dueIndex('entry-due/')
/** Touched by every change of an entry: `entry-below/<hash of its parent>/<id>`, with its SPIFFE ID. */
export const BELOW = 'entry-below/'
/** SPIFFE IDs may be longer than keys. */
export const hashOf = (spiffeId: SpiffeId): string => createHash('sha256').update(spiffeId).digest('base64url')
const belowKey = (parent: SpiffeId, id: string): string => `${BELOW}${hashOf(parent)}/${id}`
const ofKey = (spiffeId: SpiffeId, id: string): string => `${OF}${hashOf(spiffeId)}/${id}`
const OF = 'entry-of/'
const sameKey = (entry: Parameters<typeof identityOf>[0]): string => `entry-same/${identityOf(entry)}`
const federatesKey = (trustDomain: TrustDomain, id: string): string => `entry-federates/${trustDomain}/${id}`
/**
 * Of node aliases: `entry-alias/<hash of the first selector>/<id>`. A node that an alias describes has that selector, so that of thousands
 * of aliases few are looked at.
 */
export const ALIAS = 'entry-alias/'
export const aliasHashOf = (selector: string): string => createHash('sha256').update(selector).digest('base64url')
const aliasKey = (first: Selector, id: string): string => `${ALIAS}${aliasHashOf(formatSelector(first))}/${id}`
/** Of entries that were made in a namespace, by its id. */
export const OWNER = 'entry-owner/'
const ownerKey = (namespace: string, id: string): string => `${OWNER}${namespace}/${id}`
/** What entries are found by: all keys of these folders. */
export const INDEXES = [BELOW, 'entry-of/', 'entry-same/', 'entry-federates/', ALIAS, OWNER, due.prefix]
const CACHED = 20_000
/** Each writes a handful of keys, and stores bound what one commit may hold. */
const STEPS_PER_COMMIT = 10

export function openEntries(deps: EntriesDeps): Entries {
  const { place, clock } = deps
  const { store } = place
  const cached = place.keyed(entries.key(''), (id) => entries.get(store, id), CACHED)
  const children = place.keyed(BELOW, (hash) => readChildren(store, `${BELOW}${hash}/`), CACHED, folderOf)
  const aliases = place.keyed(ALIAS, (hash) => idsUnder(store, `${ALIAS}${hash}/`), CACHED, folderOf)

  const page = (after: string, limit: number) => entries.ids(store, { limit, ...(after === '' ? {} : { after }) }).flatMap((id) => cached(id) ?? [])
  return {
    ...changing(deps),
    get: cached,
    page,
    of: (spiffeId) => idsUnder(store, ofKey(spiffeId, '')).flatMap((id) => cached(id) ?? []),
    below: (parent) => children(hashOf(parent)) ?? [],
    aliases: (selector) => (aliases(aliasHashOf(selector)) ?? []).flatMap((id) => cached(id) ?? []),
    count: () => Number(store.get(COUNT)?.value.toString() ?? '0'),
    within: (part) => confined(deps, part, cached),
    async sweep(limit) {
      for (const id of due.before(store, clock.now(), limit)) await transact(store, (tx) => removeIn(tx, id))
    },
  }
}

/** Of a key within an index, whose folders are named by hashes. */
export const folderOf = (rest: string): string => rest.slice(0, rest.indexOf('/'))

/** Where `part` is given, by its namespace. */
function changing(deps: EntriesDeps, part?: Part): Pick<Entries, 'create' | 'update' | 'remove' | 'apply'> {
  const { store } = deps.place
  return {
    create: (spec) => transact(store, (tx) => make(deps, tx, spec, part)),
    async update(id, change) {
      const { entry } = await transact(store, (tx) => runStep(deps, tx, { kind: 'update', id, change }, part))
      return entry as Entry
    },
    remove: (id) =>
      transact(store, (tx) => {
        const entry = entries.get(tx, id)
        return entry !== undefined && isOf(entry, part) && removeIn(tx, id)
      }),
    async apply(steps) {
      const outcomes: EntryOutcome[] = []
      for (let done = 0; done < steps.length; done += STEPS_PER_COMMIT) {
        const some = steps.slice(done, done + STEPS_PER_COMMIT)
        outcomes.push(...(await transact(store, (tx) => some.map((step) => attempt(() => runStep(deps, tx, step, part))))))
      }
      return outcomes
    },
  }
}

function confined(deps: EntriesDeps, part: Part, get: Entries['get']): Entries {
  const { store } = deps.place
  const own = (id: string): Entry | undefined => {
    const entry = get(id)
    return entry && isOf(entry, part) ? entry : undefined
  }
  const prefix = ownerKey(part.namespace, '')
  const ids = (span: { readonly after?: string; readonly limit?: number } = {}) =>
    Array.from(store.keys({ prefix, ...span, ...(span.after ? { after: prefix + span.after } : {}) }), (key) => key.slice(prefix.length))
  return {
    ...changing(deps, part),
    get: own,
    page: (after, limit) => ids({ limit, ...(after === '' ? {} : { after }) }).flatMap((id) => own(id) ?? []),
    below: () => [],
    aliases: () => [],
    of: (spiffeId) => idsUnder(store, ofKey(spiffeId, '')).flatMap((id) => own(id) ?? []),
    count: () => ids().length,
    within: (other) => confined(deps, other, own),
    sweep: async () => {},
  }
}

const isOf = ({ namespace }: Pick<Entry, 'namespace'>, part: Part | undefined): boolean => part === undefined || namespace === part.namespace

/** Removes entries of a namespace, at most `limit`; true where none is left. */
export async function removeOwned(store: Store, namespace: string, limit: number): Promise<boolean> {
  const prefix = ownerKey(namespace, '')
  const ids = Array.from(store.keys({ prefix, limit }), (key) => key.slice(prefix.length))
  for (const id of ids) await transact(store, (tx) => removeIn(tx, id))
  return ids.length < limit
}

/** Reads before it writes: where it throws, the transaction is as it was. */
function runStep(deps: EntriesDeps, tx: Tx, step: EntryStep, part?: Part): EntryOutcome {
  if (step.kind === 'create') return make(deps, tx, step.spec, part)
  const before = entries.get(tx, step.id)
  if (!before || !isOf(before, part)) throw new Fault('missing', `no entry has the ID "${step.id}"`)
  if (step.kind === 'update') return { entry: alter(deps, tx, before, step.change, part) }
  take(tx, before)
  return { entry: before }
}

function check({ settings, parts }: EntriesDeps, spec: EntrySpec, part: Part | undefined): EntrySpec {
  const checked = checkEntry(spec, settings.need().trustDomain)
  if (part) checkEntryOf(part, checked)
  if (checked.admin || checked.downstream) checkPower(parts?.all() ?? [], checked.spiffeId)
  return checked
}

function make(deps: EntriesDeps, tx: Tx, spec: EntrySpec, part?: Part): Required<Omit<EntryOutcome, 'fault'>> {
  const { clock, random } = deps
  const checked = check(deps, spec, part)
  if (part && spec.id !== undefined) throw new Fault('invalid', 'ids of entries are made at random in a namespace')
  const entry: Entry = { ...checked, id: spec.id ?? uuid(random), createdAt: clock.now(), revision: 0, namespace: part?.namespace ?? '' }
  const same = tx.get(sameKey(entry))
  const known = same && entries.get(tx, same.value.toString())
  if (known && !isOf(known, part)) throw new Fault('invalid', 'another namespace has an entry with this SPIFFE ID, parent and selectors')
  if (known) return { entry: known, existed: true }
  if (entries.get(tx, entry.id)) throw new Fault('invalid', `an entry with the ID "${entry.id}" exists already`)
  put(tx, entry)
  return { entry, existed: false }
}

function alter(deps: EntriesDeps, tx: Tx, before: Entry, change: (before: Entry) => EntrySpec, part?: Part): Entry {
  const checked = check(deps, change(before), part)
  const after: Entry = { ...checked, id: before.id, namespace: before.namespace, createdAt: before.createdAt, revision: before.revision + 1 }
  const same = tx.get(sameKey(after))
  if (same && same.value.toString() !== before.id)
    throw new Fault('invalid', `entry "${same.value.toString()}" has this ID, parent and selectors already`)
  take(tx, before)
  put(tx, after)
  return after
}

/** Ids of the entries that federate with a trust domain, in order. */
export function idsFederatingWith(store: Pick<Store, 'keys'>, trustDomain: TrustDomain): string[] {
  return idsUnder(store, federatesKey(trustDomain, ''))
}

/** Ids of the entries that give the SPIFFE ID with this hash. */
export function idsGiving(store: Pick<Store, 'keys'>, hash: string): string[] {
  return idsUnder(store, `${OF}${hash}/`)
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

function idsUnder(store: Pick<Store, 'keys'>, prefix: string): string[] {
  return Array.from(store.keys({ prefix }), (key) => key.slice(prefix.length))
}

function attempt(run: () => EntryOutcome): EntryOutcome {
  try {
    return run()
  } catch (error) {
    if (error instanceof Fault) return { fault: error }
    throw error
  }
}

function readChildren(store: Store, prefix: string): readonly Child[] {
  return Array.from(store.range({ prefix }), ({ key, value }) => ({ id: key.slice(prefix.length), spiffeId: value.toString() as SpiffeId }))
}

/** What an entry is found by. */
export function indexes(entry: Entry): [key: Key, value: Buffer][] {
  const { id, parentId, spiffeId, federatesWith, expiresAt, namespace } = entry
  const [first] = entry.selectors
  return [
    [belowKey(parentId, id), Buffer.from(spiffeId)],
    [ofKey(spiffeId, id), NOTHING],
    [sameKey(entry), Buffer.from(id)],
    ...federatesWith.map((one): [Key, Buffer] => [federatesKey(one, id), NOTHING]),
    ...(first && isAlias(entry) ? [[aliasKey(first, id), NOTHING] as [Key, Buffer]] : []),
    ...(expiresAt > 0 ? [due.entry(expiresAt, id)] : []),
    ...(namespace === '' ? [] : [[ownerKey(namespace, id), NOTHING] as [Key, Buffer]]),
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

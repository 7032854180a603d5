// Looks for half states: a lease without one of its keys, a key without its lease, a count that does not add up.
import { namespacePrefix } from '../store/layout.ts'
import { checkIndexed } from '../store/check-index.ts'
import { decode, encode } from '../store/records.ts'
import type { Key, Store } from '../store/store.ts'
import { ALL, countFolder, countKeys } from './counts.ts'
import { FOLDER, INDEX, indexKeys, type Lease, recordKey, stored } from './lease.ts'
import { byName, byPlace, placeId, type Quota } from './quotas.ts'

/**
 * What is wrong with the leases of all namespaces (by id), one line each; nothing where all is well.
 * `store` is the whole store behind the barrier, and must not change meanwhile.
 */
export function* checkLeases(store: Store, namespaces: readonly string[]): Generator<string> {
  const counted = new Map<Key, number>()
  for (const namespace of namespaces) yield* checkNamespace(store, namespace, counted)
  const said = new Map([ALL, ...namespaces.map(countFolder)].flatMap((prefix) => countsUnder(store, prefix)))
  for (const key of new Set([...counted.keys(), ...said.keys()])) {
    const [there, count] = [counted.get(key) ?? 0, said.get(key) ?? 0]
    if (there !== count) yield `${key} is ${count}, but there are ${there}`
  }
  for (const prefix of Object.values(INDEX)) yield* strays(store, prefix)
  yield* checkLeaseQuotas(store)
}

function* checkNamespace(store: Store, namespace: string, counted: Map<Key, number>): Generator<string> {
  for (const folder of [FOLDER.ids, FOLDER.intents]) {
    for (const { key, value } of store.range({ prefix: namespacePrefix(namespace) + folder })) {
      const lease = decode<Lease>(value)
      if (key !== recordKey(lease)) yield `${key} holds the lease ${lease.id}`
      if (lease.certain && store.get(recordKey({ ...lease, certain: false }))) yield `${lease.id} is both a lease and an intent`
      for (const index of indexKeys(lease)) if (!store.get(index)) yield `${lease.id} is not found by ${index}`
      for (const of of countKeys(lease)) counted.set(of, (counted.get(of) ?? 0) + 1)
    }
  }
}

function countsUnder(store: Store, prefix: Key): [Key, number][] {
  return Array.from(store.range({ prefix }), ({ key, value }) => [key, decode<number>(value)])
}

function* strays(store: Store, prefix: Key): Generator<string> {
  for (const key of store.keys({ prefix })) {
    const lease = owner(store, key)
    if (!lease || !indexKeys(lease).includes(key)) yield `${key} leads to no such lease`
  }
}

/** An id has slashes, and so may what stands before it: every tail of the key is tried. */
function owner(store: Store, key: Key): Lease | undefined {
  for (let at = key.indexOf('/'); at >= 0; at = key.indexOf('/', at + 1)) {
    const found = stored(store, key.slice(at + 1))
    if (found) return found
  }
  return undefined
}

/** Quotas are found by what they are of. */
function checkLeaseQuotas(store: Store): Generator<string> {
  const indexes = (quota: Quota): [Key, Buffer][] => [[byPlace.key(placeId(quota)), encode(quota.name)]]
  return checkIndexed(store, { records: byName, idOf: ({ name }) => name, indexes, folders: [byPlace.key('')] })
}

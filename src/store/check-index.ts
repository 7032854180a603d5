// Looks for half states between records and the keys that they are found by.
import { type Records, decode } from './records.ts'
import type { Key, Store } from './store.ts'

/** Records, and what is written and removed in the same commits. */
export interface Indexed<T> {
  readonly records: Records<T>
  /** The id that a record says it has; undefined where it says none. */
  readonly idOf?: (record: T) => string
  /** The other keys, with their values. */
  readonly indexes: (record: T, id: string) => Iterable<readonly [key: Key, value: Uint8Array]>
  /** Folders in which there is nothing else than such keys. */
  readonly folders: readonly Key[]
}

/** One line for each thing that is wrong; returns how many records there are. */
export function* checkIndexed<T>(store: Store, { records, idOf, indexes, folders }: Indexed<T>): Generator<string, number> {
  const owners = new Map<Key, Key>()
  let count = 0
  for (const { key, value } of store.range({ prefix: records.key('') })) {
    const record = decode<T>(value)
    const id = key.slice(records.key('').length)
    count++
    if (idOf && idOf(record) !== id) yield `${key} holds ${idOf(record)}`
    for (const [index, wanted] of indexes(record, id)) {
      if (!store.get(index)?.value.equals(wanted)) yield `${key} is not found by ${index}`
      owners.set(index, key)
    }
  }
  for (const prefix of folders) for (const key of store.keys({ prefix })) if (!owners.has(key)) yield `${key} leads nowhere`
  return count
}

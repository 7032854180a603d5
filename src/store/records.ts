// Typed JSON records under a prefix of a store, so that rooms speak of things and not of bytes.
import { type Json, parseJson } from '../base/json.ts'
import type { Key, Span, Store } from './store.ts'
import type { Tx } from './transact.ts'

/** Anything with a `get`: a store, or a transaction on it. */
type Reader = Pick<Store, 'get'> | Pick<Tx, 'get'>

export interface Records<T> {
  key(id: string): Key
  get(from: Reader, id: string): T | undefined
  put(tx: Tx, id: string, record: T): void
  delete(tx: Tx, id: string): void
  /** Ids in order, without the prefix. */
  ids(store: Pick<Store, 'keys'>, span?: Partial<Span>): string[]
}

/**
 * @example const roles = records<Role>('role/'); roles.get(store, 'web'); await transact(store, (tx) => roles.put(tx, 'web', role))
 */
export function records<T>(prefix: string): Records<T> {
  return {
    key: (id) => prefix + id,
    get(from, id) {
      const entry = from.get(prefix + id)
      return entry && decode<T>(entry.value)
    },
    put: (tx, id, record) => tx.put(prefix + id, encode(record)),
    delete: (tx, id) => tx.delete(prefix + id),
    ids(store, span = {}) {
      const after = span.after === undefined ? {} : { after: prefix + span.after }
      return Array.from(store.keys({ ...span, ...after, prefix: prefix + (span.prefix ?? '') }), (key) => key.slice(prefix.length))
    },
  }
}

export function encode(record: unknown): Buffer {
  return Buffer.from(JSON.stringify(record))
}

/** Stored by us, so the limits of the door don't apply; numbers keep their text. */
export function decode<T>(value: Buffer): T {
  return parseJson(value, STORED) as Json as T
}

const STORED = { depth: Number.POSITIVE_INFINITY, values: Number.POSITIVE_INFINITY, stringBytes: Number.POSITIVE_INFINITY }

// Ids sorted by the time at which something is due for them, so that due work is a short scan and needs no timer each.
import type { Key, Store } from './store.ts'
import type { Tx } from './transact.ts'

export interface DueIndex {
  readonly prefix: string
  /** The key and value of an id. */
  entry(at: number, id: string): [key: Key, value: Buffer]
  /** `at` in wall milliseconds. */
  put(tx: Tx, at: number, id: string): void
  delete(tx: Tx, at: number, id: string): void
  /** At most `limit` ids whose time came by `now`, the longest due first. */
  before(store: Store, now: number, limit: number): string[]
  /** Their keys. */
  keysBefore(store: Pick<Store, 'keys'>, now: number, limit: number): Key[]
  /** When a key is due. */
  timeOf(key: Key): number
}

const DIGITS = 15
const NOTHING = Buffer.alloc(0)

/** @example const due = dueIndex('token/due/'); due.put(tx, token.expiresAt, token.hash) */
export function dueIndex(prefix: string): DueIndex {
  const key = (at: number, id: string) => `${prefix}${String(at).padStart(DIGITS, '0')}/${id}`
  const timeOf = (found: Key): number => Number(found.slice(prefix.length, prefix.length + DIGITS))
  function keysBefore(store: Pick<Store, 'keys'>, now: number, limit: number): Key[] {
    const found: Key[] = []
    for (const each of store.keys({ prefix, limit })) {
      if (timeOf(each) > now) break
      found.push(each)
    }
    return found
  }
  return {
    prefix,
    entry: (at, id) => [key(at, id), NOTHING],
    put: (tx, at, id) => tx.put(key(at, id), NOTHING),
    delete: (tx, at, id) => tx.delete(key(at, id)),
    before: (store, now, limit) => keysBefore(store, now, limit).map((found) => found.slice(prefix.length + DIGITS + 1)),
    keysBefore,
    timeOf,
  }
}

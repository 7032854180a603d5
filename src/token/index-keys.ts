// Where tokens lie in the store: by hash, by accessor, under their parent, and by the time they expire.
import type { Token } from '../contract/token.ts'
import { records } from '../store/records.ts'
import type { Key, Store } from '../store/store.ts'
import type { Tx } from '../store/transact.ts'

const PAGE = 100
const NOTHING = Buffer.alloc(0)

export const ids = records<Token>('token/id/')
export const accessors = records<string>('token/accessor/')

/** `token/child/<parent>/<child>`, and `token/dead/<hash>` for the dead whose descendants are still to be removed. */
export const children = {
  put: (tx: Tx, parent: string, child: string) => tx.put(`token/child/${parent}/${child}`, NOTHING),
  delete: (tx: Tx, parent: string, child: string) => tx.delete(`token/child/${parent}/${child}`),
  page: (store: Store, parent: string) => names(store, `token/child/${parent}/`, PAGE),
  unburied: (store: Store) => names(store, 'token/dead/', PAGE),
}

/** `token/due/<milliseconds, 15 digits>/<hash>`: sorted by time of expiry. */
export const due = {
  put(tx: Tx, token: Token) {
    if (token.expiresAt !== undefined) tx.put(dueKey(token.expiresAt, token.hash), NOTHING)
  },
  delete(tx: Tx, token: Token) {
    if (token.expiresAt !== undefined) tx.delete(dueKey(token.expiresAt, token.hash))
  },
  /** Hashes of at most `limit` tokens whose time came by `now`. */
  before(store: Store, now: number, limit: number): string[] {
    const hashes: string[] = []
    for (const key of store.keys({ prefix: 'token/due/', limit })) {
      const [, , at = '', hash = ''] = key.split('/')
      if (Number(at) > now) break
      hashes.push(hash)
    }
    return hashes
  },
}

/** Removes the token itself in this transaction; true where descendants or belongings remain to be buried. */
export function markDead(tx: Tx, hash: string): boolean {
  const token = ids.get(tx, hash)
  if (!token) return false
  ids.delete(tx, hash)
  accessors.delete(tx, token.accessor)
  due.delete(tx, token)
  if (token.parent !== undefined) children.delete(tx, token.parent, hash)
  tx.put(`token/dead/${hash}`, NOTHING)
  return true
}

function names(store: Store, prefix: string, limit: number): string[] {
  return Array.from(store.keys({ prefix, limit }), (key) => key.slice(prefix.length))
}

function dueKey(at: number, hash: string): Key {
  return `token/due/${String(at).padStart(15, '0')}/${hash}`
}

// Where tokens lie in the store: by hash, by accessor, under their parent, and by the time they expire.
import type { Token } from '../contract/token.ts'
import { records } from '../store/records.ts'
import type { Key, Store } from '../store/store.ts'
import type { Tx } from '../store/transact.ts'

const PAGE = 100
const NOTHING = Buffer.alloc(0)

export const ids = records<Token>('token/id/')
export const accessors = records<string>('token/accessor/')

/** `token/child/<parent>/<child>`. */
export const children = {
  key: (parent: string, child: string): Key => `token/child/${parent}/${child}`,
  put: (tx: Tx, parent: string, child: string) => tx.put(children.key(parent, child), NOTHING),
  delete: (tx: Tx, parent: string, child: string) => tx.delete(children.key(parent, child)),
  page: (store: Store, parent: string) => names(store, `token/child/${parent}/`, PAGE),
}

/** What becomes of the children of a token that died: they end with it, or live on without a parent. */
export type Fate = 'end' | 'orphan'

/** `token/dead/<hash>`: tokens that died and whose descendants and belongings are still to be seen to. */
export const dead = {
  put: (tx: Tx, hash: string, fate: Fate) => tx.put(`token/dead/${hash}`, Buffer.from(fate)),
  delete: (tx: Tx, hash: string) => tx.delete(`token/dead/${hash}`),
  fate: (from: Pick<Tx, 'get'>, hash: string) => from.get(`token/dead/${hash}`)?.value.toString() as Fate | undefined,
  page: (store: Store) => names(store, 'token/dead/', PAGE),
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

/** Removes a token that can't have children, if it still has the uses that `token` has; false where it hasn't. */
export function takeUnspent(tx: Tx, token: Token): boolean {
  const current = ids.get(tx, token.hash)
  if (current?.numUses !== token.numUses) return false
  remove(tx, current)
  return true
}

/** `token/lease/<path>/h<hash>`: by where it was made. A root token that came with the server was made nowhere. */
export const places = {
  folder: 'token/lease/',
  /** Undefined for a token that has none. */
  key: (token: Token): Key | undefined => (token.path === FIRST ? undefined : placeKey(token)),
  put(tx: Tx, token: Token) {
    if (token.path !== FIRST) tx.put(placeKey(token), NOTHING)
  },
  delete: (tx: Tx, token: Token) => tx.delete(placeKey(token)),
}

const FIRST = 'auth/token/root'

/** Removes the token itself, and leaves its descendants and belongings. */
function remove(tx: Tx, token: Token): void {
  ids.delete(tx, token.hash)
  accessors.delete(tx, token.accessor)
  due.delete(tx, token)
  places.delete(tx, token)
  if (token.parent !== undefined) children.delete(tx, token.parent, token.hash)
}

/** Removes the token, and remembers to bury what it leaves; false where there is none. */
export function markDead(tx: Tx, hash: string, fate: Fate): boolean {
  const token = ids.get(tx, hash)
  if (!token) return false
  remove(tx, token)
  dead.put(tx, hash, fate)
  return true
}

function names(store: Store, prefix: string, limit: number): string[] {
  return Array.from(store.keys({ prefix, limit }), (key) => key.slice(prefix.length))
}

function placeKey({ path, hash }: Token): Key {
  return `${places.folder}${path}/h${hash}`
}

export function dueKey(at: number, hash: string): Key {
  return `token/due/${String(at).padStart(15, '0')}/${hash}`
}

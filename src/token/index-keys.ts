// Where tokens lie in the store: in their namespace by hash, by accessor and under their parent; all together by the time they expire.
import type { Token } from '../contract/token.ts'
import { namespaceIdOf, namespacePrefix } from '../store/layout.ts'
import { decode, encode, records } from '../store/records.ts'
import type { Key, Store } from '../store/store.ts'
import type { Tx } from '../store/transact.ts'

export const PAGE = 100
const NOTHING = Buffer.alloc(0)

type Reader = Pick<Tx, 'get'>

/** What a namespace has of tokens: `id/`, `accessor/` and `child/`. */
export function tokenFolder(namespaceId: string): Key {
  return `${namespacePrefix(namespaceId)}token/`
}

/** Hashes and accessors end in the id of their namespace, so that one alone tells where it lies. */
function folderOf(id: string): Key {
  return tokenFolder(namespaceIdOf(id))
}

/** Where the record of a token is. */
export const tokenKey = (hash: string): Key => `${folderOf(hash)}id/${hash}`

export const ids = {
  get(from: Reader, hash: string): Token | undefined {
    const entry = from.get(tokenKey(hash))
    return entry && decode<Token>(entry.value)
  },
  put: (tx: Tx, token: Token) => tx.put(tokenKey(token.hash), encode(token)),
  delete: (tx: Tx, hash: string) => tx.delete(tokenKey(hash)),
  /** Hashes of a namespace's tokens, from after one on. */
  page: (store: Store, namespaceId: string, after?: string) => names(store, `${tokenFolder(namespaceId)}id/`, PAGE, after),
}

/** All ids' keys start with it; the hash is what follows `/token/id/`. */
export const ALL_IDS: Key = 'ns/'
const ID_FOLDER = '/token/id/'

export function hashOf(rest: string): string | undefined {
  const at = rest.indexOf(ID_FOLDER)
  return at > 0 && rest.indexOf('/') === at ? rest.slice(at + ID_FOLDER.length) : undefined
}

export const accessors = {
  key: (accessor: string): Key => `${folderOf(accessor)}accessor/${accessor}`,
  get(from: Reader, accessor: string): string | undefined {
    const entry = from.get(accessors.key(accessor))
    return entry && decode<string>(entry.value)
  },
  put: (tx: Tx, token: Token) => tx.put(accessors.key(token.accessor), encode(token.hash)),
  delete: (tx: Tx, accessor: string) => tx.delete(accessors.key(accessor)),
  folder: (namespaceId: string): Key => `${tokenFolder(namespaceId)}accessor/`,
  /** Of a namespace, sorted. */
  list: (store: Store, namespaceId: string) => records<string>(accessors.folder(namespaceId)).ids(store),
}

/** `child/<parent>/<child>` in the parent's namespace. */
export const children = {
  key: (parent: string, child: string): Key => `${folderOf(parent)}child/${parent}/${child}`,
  put: (tx: Tx, parent: string, child: string) => tx.put(children.key(parent, child), NOTHING),
  delete: (tx: Tx, parent: string, child: string) => tx.delete(children.key(parent, child)),
  page: (store: Store, parent: string) => names(store, children.key(parent, ''), PAGE),
}

/** What becomes of the children of a token that died: they end with it, or live on without a parent. */
export type Fate = 'end' | 'orphan'

/** `token-dead/<hash>`: tokens that died and whose descendants and belongings are still to be seen to. */
export const dead = {
  put: (tx: Tx, hash: string, fate: Fate) => tx.put(`token-dead/${hash}`, Buffer.from(fate)),
  delete: (tx: Tx, hash: string) => tx.delete(`token-dead/${hash}`),
  fate: (from: Pick<Tx, 'get'>, hash: string) => from.get(`token-dead/${hash}`)?.value.toString() as Fate | undefined,
  page: (store: Store, after: string) => names(store, 'token-dead/', PAGE, after),
}

/** `token-due/<milliseconds, 15 digits>/<hash>`: sorted by time of expiry. */
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
    for (const key of store.keys({ prefix: 'token-due/', limit })) {
      const [, at = '', hash = ''] = key.split('/')
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

/** `lease/<path>/h<hash>`: by where it was made. A root token that came with the server was made nowhere. */
export const places = {
  folder: (namespaceId: string): Key => `${tokenFolder(namespaceId)}lease/`,
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

function names(store: Store, prefix: string, limit: number, after = ''): string[] {
  return Array.from(store.keys({ prefix, limit, after: prefix + after }), (key) => key.slice(prefix.length))
}

function placeKey({ path, hash }: Token): Key {
  return `${places.folder(namespaceIdOf(hash))}${path}/h${hash}`
}

export function dueKey(at: number, hash: string): Key {
  return `token-due/${String(at).padStart(15, '0')}/${hash}`
}

// Finding and repairing what does not fit together in the token store: every step is one small transaction that looks again.
import type { Token } from '../contract/token.ts'
import { ROOT_ID } from '../store/layout.ts'
import type { Store } from '../store/store.ts'
import { transact, type Tx } from '../store/transact.ts'
import type { Cemetery } from './bury.ts'
import { accessors, children, dead, due, dueKey, ids, places, tokenFolder } from './index-keys.ts'

export interface TidyDeps {
  readonly store: Store
  /** Whose tokens are looked at; with those of the root, also what is due in all. */
  readonly namespaceId: string
  /** The live token with this hash. */
  readonly living: (hash: string) => Token | undefined
  readonly end: (token: Token) => Promise<void>
  /** Names of what tokens own (their cubbyholes), sorted, from after one of them on; each begins with a token's hash, maybe with `@…` behind. */
  readonly owners: (after: string, limit: number) => readonly string[]
  readonly cemetery: Cemetery
  /** Lets other work run between two pages. */
  readonly turn: () => Promise<void>
}

/** How much was found of each. */
export interface Found {
  /** Tokens that no longer worked and were still stored. */
  ended: number
  /** Entries of indexes that a token lacked. */
  added: number
  /** Entries of indexes that led to no token. */
  removed: number
  /** Belongings of tokens that are gone. */
  wiped: number
}

const PAGE = 100

/** Safe to run beside everything else, and more than once at a time. */
export async function tidy(deps: TidyDeps): Promise<Found> {
  const found: Found = { ended: 0, added: 0, removed: 0, wiped: 0 }
  const folder = tokenFolder(deps.namespaceId)
  for await (const key of pages(deps, `${folder}id/`)) await checkToken(deps, key.slice(`${folder}id/`.length), found)
  const indexes = [`${folder}accessor/`, `${folder}child/`, places.folder(deps.namespaceId), ...(deps.namespaceId === ROOT_ID ? ['token-due/'] : [])]
  for (const prefix of indexes) {
    for await (const key of pages(deps, prefix)) await checkEntry(deps, key, found)
  }
  for await (const hash of owners(deps)) await checkOwner(deps, hash, found)
  return found
}

async function checkToken({ store, living, end }: TidyDeps, hash: string, found: Found): Promise<void> {
  const token = ids.get(store, hash)
  if (!token) return
  if (!living(hash)) {
    if (isBeingBuried(store, token)) return
    await end(token)
    found.ended++
    return
  }
  found.added += await transact(store, (tx) => complete(tx, hash))
}

/** Whether one that it descends from has died and those who bury it will come here: they know whether this one goes or stays. */
function isBeingBuried(store: Store, token: Token): boolean {
  let hash = token.parent
  while (hash !== undefined) {
    const parent = ids.get(store, hash)
    if (!parent) return dead.fate(store, hash) !== undefined
    hash = parent.parent
  }
  return false
}

/** Puts the index entries that a token lacks. */
function complete(tx: Tx, hash: string): number {
  const token = ids.get(tx, hash)
  if (!token) return 0
  const { accessor, parent, expiresAt } = token
  const lacks = (key: string) => tx.get(key) === undefined
  let added = 0
  if (lacks(accessors.key(accessor))) {
    accessors.put(tx, token)
    added++
  }
  if (parent !== undefined && lacks(children.key(parent, hash))) {
    children.put(tx, parent, hash)
    added++
  }
  if (expiresAt !== undefined && lacks(dueKey(expiresAt, hash))) {
    due.put(tx, token)
    added++
  }
  const place = places.key(token)
  if (place !== undefined && lacks(place)) {
    places.put(tx, token)
    added++
  }
  return added
}

async function checkEntry({ store }: TidyDeps, key: string, found: Found): Promise<void> {
  const removed = await transact(store, (tx) => {
    if (isTrue(tx, key)) return 0
    tx.delete(key)
    return 1
  })
  found.removed += removed
}

/** Whether an index entry leads to a token that leads back to it. Children of the dead are left to those who bury them. */
function isTrue(tx: Tx, key: string): boolean {
  const hash = key.slice(key.lastIndexOf('/') + 1)
  if (key.startsWith('token-due/')) return dueKey(ids.get(tx, hash)?.expiresAt ?? -1, hash) === key
  const [, namespaceId = '', , index, first = '', second = ''] = key.split('/')
  if (key.startsWith(places.folder(namespaceId))) return isPlace(tx, key)
  if (index === 'accessor') return ids.get(tx, accessors.get(tx, first) ?? '')?.accessor === first
  return ids.get(tx, second)?.parent === first || dead.fate(tx, first) !== undefined
}

function isPlace(tx: Tx, key: string): boolean {
  const token = ids.get(tx, key.slice(key.lastIndexOf('/h') + 2))
  return token !== undefined && places.key(token) === key
}

async function checkOwner({ store, cemetery }: TidyDeps, name: string, found: Found): Promise<void> {
  const hash = name.replace(/@.*$/, '')
  if (ids.get(store, hash) || dead.fate(store, hash) !== undefined) return
  await cemetery(hash)
  found.wiped++
}

async function* pages({ store, turn }: TidyDeps, prefix: string): AsyncGenerator<string> {
  const page = (after: string | undefined) => Array.from(store.keys({ prefix, limit: PAGE, ...(after === undefined ? {} : { after }) }))
  for (let keys = page(undefined); keys.length > 0; keys = page(keys.at(-1))) {
    yield* keys
    await turn()
  }
}

async function* owners({ owners: page, turn }: TidyDeps): AsyncGenerator<string> {
  for (let hashes = page('', PAGE); hashes.length > 0; hashes = page(hashes.at(-1) ?? '', PAGE)) {
    yield* hashes
    await turn()
  }
}

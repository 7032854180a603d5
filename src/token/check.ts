// Looks for half states among tokens: one without one of its keys, a key without its token, a child that nobody will bury.
import type { Token } from '../contract/token.ts'
import { decode } from '../store/records.ts'
import type { Key, Store } from '../store/store.ts'
import { accessors, children, dead, dueKey, ids, places, tokenFolder } from './index-keys.ts'

/**
 * What is wrong with the tokens of all namespaces (by id), one line each; nothing where all is well.
 * `store` is the whole store behind the barrier, and must not change meanwhile.
 */
export function* checkTokens(store: Store, namespaces: readonly string[]): Generator<string> {
  for (const namespace of namespaces) yield* checkNamespace(store, namespace)
  for (const key of store.keys({ prefix: 'token-due/' })) {
    const hash = key.slice(key.lastIndexOf('/') + 1)
    const token = ids.get(store, hash)
    if (token?.expiresAt === undefined || dueKey(token.expiresAt, hash) !== key) yield `${key} leads to no such token`
  }
}

function* checkNamespace(store: Store, namespace: string): Generator<string> {
  const folder = tokenFolder(namespace)
  for (const { key, value } of store.range({ prefix: `${folder}id/` })) {
    const token = decode<Token>(value)
    if (key !== `${folder}id/${token.hash}`) yield `${key} holds the token ${token.hash}`
    for (const index of indexKeys(token)) if (!store.get(index)) yield `token ${token.hash} is not found by ${index}`
    if (token.accessor !== '' && accessors.get(store, token.accessor) !== token.hash) yield `token ${token.hash} is not the one of its accessor`
    yield* checkParent(store, token)
  }
  for (const kind of ['accessor/', 'child/', 'lease/']) yield* strays(store, folder, kind)
}

function indexKeys(token: Token): Key[] {
  const place = places.key(token)
  return [
    ...(token.expiresAt === undefined ? [] : [dueKey(token.expiresAt, token.hash)]),
    ...(token.parent === undefined ? [] : [children.key(token.parent, token.hash)]),
    ...(place === undefined ? [] : [place]),
  ]
}

/** A token whose parent is gone must be found by the burial that is still to come. */
function* checkParent(store: Store, { hash, parent }: Token): Generator<string> {
  if (parent === undefined || ids.get(store, parent) || dead.fate(store, parent) !== undefined) return
  yield `token ${hash} has a parent that is gone, and nobody will bury it`
}

function* strays(store: Store, folder: Key, kind: string): Generator<string> {
  for (const { key, value } of store.range({ prefix: folder + kind })) {
    const rest = key.slice(folder.length + kind.length)
    const hash =
      kind === 'accessor/' ? decode<string>(value) : kind === 'child/' ? rest.slice(rest.indexOf('/') + 1) : rest.slice(rest.lastIndexOf('/h') + 2)
    const token = ids.get(store, hash)
    const own = token && (kind === 'accessor/' ? accessors.key(token.accessor) === key : indexKeys(token).includes(key))
    // A child that was revoked by itself while its parent is being buried leaves its entry for the burial.
    if (!own && !(kind === 'child/' && dead.fate(store, rest.slice(0, rest.indexOf('/'))) !== undefined)) yield `${key} leads to no such token`
  }
}

/** Hashes of all tokens that are there or whose belongings are still to be removed. */
export function holdsToken(store: Store, hash: string): boolean {
  return ids.get(store, hash) !== undefined || dead.fate(store, hash) !== undefined
}

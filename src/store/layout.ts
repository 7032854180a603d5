// Where things lie in the store behind the barrier: what belongs to a namespace, what each mount stores, what is due.
import type { Key } from './store.ts'

/** The id of the namespace that all others are in. */
export const ROOT_ID = 'root'

/** What a namespace has besides its mounts' data: its mount table, policies and tokens. */
export function namespacePrefix(id: string): Key {
  return `ns/${id}/`
}

/**
 * What a mount stores, by its slice: a short text that no other mount ever has. It says neither where the mount is nor in which
 * namespace, so that a mount moves without its data, which stays bound to the same keys.
 */
export function dataPrefix(slice: string): Key {
  return `data/${slice}/`
}

/** All slices that are guarded by a namespace's own seal start with it: their names do with the id of that namespace. */
export function guardedData(seal: string): Key {
  return `data/${seal}.`
}

/** A new slice, by its number. */
export function sliceName(seal: string, number: number): string {
  return (seal === '' ? '' : `${seal}.`) + number.toString(36)
}

/** What the store of a namespace's own seal holds: its keys, of use only to those with its shares. */
export function sealFolder(id: string): Key {
  return `${namespacePrefix(ROOT_ID)}seal/${id}/`
}

/**
 * The id of the namespace whose own seal guards the value of a key; '' for none. `sealOf` says it of the namespace with an id. Tokens
 * and leases are not guarded, since they end while it is sealed too.
 */
export function guardOf(key: Key, sealOf: (namespaceId: string) => string): string {
  if (key.startsWith('data/')) return guardOfSlice(key)
  if (!key.startsWith('ns/') || key.startsWith(ROOT)) return ''
  const slash = key.indexOf('/', 'ns/'.length)
  if (key.startsWith('token/', slash + 1) || key.startsWith('lease/', slash + 1)) return ''
  return sealOf(key.slice('ns/'.length, slash))
}

function guardOfSlice(key: Key): string {
  const dot = key.indexOf('.', 'data/'.length)
  return dot > 0 && dot < key.indexOf('/', 'data/'.length) ? key.slice('data/'.length, dot) : ''
}

const ROOT = namespacePrefix(ROOT_ID)

/**
 * The namespace that a token's id, an accessor or a lease id is of, by the suffix `.<namespace id>` that all but root's carry.
 * @example namespaceIdOf('hvs.CAESIJ.a1B2c3') // 'a1B2c3'
 * @example namespaceIdOf('hvs.CAESIJ') // 'root'
 */
export function namespaceIdOf(id: string): string {
  return SUFFIX.exec(id)?.[1] ?? ROOT_ID
}

const SUFFIX = /\.([0-9A-Za-z]{6})$/

/** What ids of a namespace end with: nothing for root's. */
export function idSuffix(namespaceId: string): string {
  return namespaceId === ROOT_ID ? '' : `.${namespaceId}`
}

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

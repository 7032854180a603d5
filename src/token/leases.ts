// Tokens as leases: each is one, at the path where it was made, by an id that tells its record (Vault, "Lease, Renew, and Revoke").
import type { Token } from '../contract/token.ts'
import { children, type Page } from '../store/folder.ts'
import type { Store } from '../store/store.ts'
import { ids, places } from './index-keys.ts'
import type { Tokens } from './tokens.ts'

/** Namespaces are named by their ids. */
export interface TokenLeases {
  /** The live token whose lease this is. */
  find(leaseId: string): Token | undefined
  /** Also one that does not work any more, while its record is there. */
  stored(leaseId: string): Token | undefined
  /** Names directly under a prefix that is empty or ends in a slash. */
  children(namespace: string, prefix: string, page?: Page): Iterable<string>
  /** Lease ids that start with a prefix, at most a page of them, after one. */
  under(namespace: string, prefix: string, after?: string): string[]
}

const PAGE = 200
const HASH = /\/h([0-9a-f]{64}(?:\.[0-9A-Za-z]{6})?)$/

export function leaseId({ path, hash }: Pick<Token, 'path' | 'hash'>): string {
  return `${path}/h${hash}`
}

/** `store` is behind the barrier, whole. */
export function openTokenLeases(store: Store, tokens: Pick<Tokens, 'byHash'>): TokenLeases {
  const named = (id: string, read: (hash: string) => Token | undefined): Token | undefined => {
    const hash = HASH.exec(id)?.[1]
    const token = hash === undefined ? undefined : read(hash)
    return token && leaseId(token) === id ? token : undefined
  }
  return {
    find: (id) => named(id, (hash) => tokens.byHash(hash)),
    stored: (id) => named(id, (hash) => ids.get(store, hash)),
    children: (namespace, prefix, page) => children(store, places.folder(namespace) + prefix, page),
    under(namespace, prefix, after) {
      const folder = places.folder(namespace)
      const span = { prefix: folder + prefix, limit: PAGE, ...(after === undefined ? {} : { after: folder + after }) }
      return Array.from(store.keys(span), (key) => key.slice(folder.length))
    },
  }
}

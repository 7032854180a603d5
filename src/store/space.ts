// A namespace's part of the store, together with caches that its commits invalidate.
import type { Follower } from './follow.ts'
import type { Store } from './store.ts'
import { view } from './view.ts'

export interface Space {
  readonly store: Store
  /** The key prefix of this space in the whole store. */
  readonly prefix: string
  /** What `load` made of the keys under `prefix`, made anew after any of them changed. */
  cache<T>(prefix: string, load: () => T): () => T
  /** The same by id, for at most `max` ids. */
  keyed<T>(prefix: string, load: (id: string) => T | undefined, max: number): (id: string) => T | undefined
}

export function openSpace(store: Store, follower: Follower, prefix: string): Space {
  return {
    store: view(store, prefix),
    prefix,
    cache: (inner, load) => follower.cache(prefix + inner, load),
    keyed: (inner, load, max) => follower.keyed(prefix + inner, load, max),
  }
}

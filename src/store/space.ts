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
  /** Lets go of its caches. Those who still hold one read the store at every call. */
  close(): void
}

/** `prefix` is a folder two levels deep, such as a namespace's. */
export function openSpace(store: Store, follower: Follower, prefix: string): Space {
  const scope = follower.scope(prefix)
  return { store: view(store, prefix), prefix, cache: scope.cache, close: scope.close }
}

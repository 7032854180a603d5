// Listing one level of a tree of keys, page by page, without walking what lies deeper.
import type { Key, Store } from './store.ts'

export interface Page {
  /** The last name of the page before. */
  readonly after?: string
  readonly limit?: number
}

/** The names directly under `prefix` (which ends in `/` or is empty), sorted; a folder's name ends in `/`. Memory is that of one page. */
export function* children(store: Pick<Store, 'keys'>, prefix: string, page: Page = {}): Generator<string> {
  let left = page.limit ?? Number.POSITIVE_INFINITY
  let after = page.after ? lastOf(store, prefix + page.after) : prefix
  while (left > 0) {
    let folder: string | undefined
    for (const key of store.keys({ prefix, after })) {
      const name = key.slice(prefix.length)
      const slash = name.indexOf('/')
      if (slash >= 0) {
        folder = name.slice(0, slash + 1)
        break
      }
      yield name
      if (--left <= 0) return
    }
    if (folder === undefined) return
    after = lastOf(store, prefix + folder)
    yield folder
    left--
  }
}

/** The last key that a name covers: a folder's deepest, or its own where it holds none. */
function lastOf(store: Pick<Store, 'keys'>, path: Key): Key {
  if (!path.endsWith('/')) return path
  for (const last of store.keys({ prefix: path, reverse: true, limit: 1 })) return last
  return path
}

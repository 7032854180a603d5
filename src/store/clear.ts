// Removing everything under a prefix, in bounded commits: it can be interrupted and called again.
import type { Store } from './store.ts'

const PAGE = 500

export async function clear(store: Store, prefix: string): Promise<void> {
  await clearWhile(store, prefix, () => true)
}

/** Stops between two commits once `more` says no. True where nothing is left. */
export async function clearWhile(store: Store, prefix: string, more: () => boolean): Promise<boolean> {
  const page = () => Array.from(store.keys({ prefix, limit: PAGE }))
  for (let keys = page(); keys.length > 0; keys = page()) {
    if (!more()) return false
    await store.commit({ ops: keys.map((key) => ({ key, value: undefined })) })
  }
  return true
}

// Removing everything under a prefix, in bounded commits: it can be interrupted and called again.
import type { Store } from './store.ts'

const PAGE = 500

export async function clear(store: Store, prefix: string): Promise<void> {
  const page = () => Array.from(store.keys({ prefix, limit: PAGE }))
  for (let keys = page(); keys.length > 0; keys = page()) {
    await store.commit({ ops: keys.map((key) => ({ key, value: undefined })) })
  }
}

// What follows a token's death: its descendants are removed and its belongings wiped, in bounded steps that a crash can interrupt.
import { transact } from '../store/transact.ts'
import type { Store } from '../store/store.ts'
import { children, markDead } from './index-keys.ts'

/** Wipes what belonged to a dead token (its cubbyhole); may be called again for the same one. */
export type Cemetery = (hash: string) => Promise<void>

/**
 * Buries the dead token and all below it. They stopped working when it died, since a token without a living parent is refused;
 * `token/dead/` remembers what is left to do.
 */
export async function bury(store: Store, cemetery: Cemetery, root: string): Promise<void> {
  const pending = [root]
  for (let hash = pending.pop(); hash !== undefined; hash = pending.pop()) {
    for (let page = children.page(store, hash); page.length > 0; page = children.page(store, hash)) {
      await killChildren(store, hash, page)
      pending.push(...page)
    }
    await cemetery(hash)
    await transact(store, (tx) => tx.delete(`token/dead/${hash}`))
  }
}

function killChildren(store: Store, parent: string, hashes: readonly string[]): Promise<void> {
  return transact(store, (tx) => {
    for (const hash of hashes) {
      if (!markDead(tx, hash)) children.delete(tx, parent, hash)
    }
  })
}

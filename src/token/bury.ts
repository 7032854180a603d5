// What follows a token's death: its descendants are removed or set free and its belongings wiped, in bounded steps that a crash can interrupt.
import { unlessSealed } from '../base/fault.ts'
import { transact, type Tx } from '../store/transact.ts'
import type { Store } from '../store/store.ts'
import { children, dead, ids, markDead } from './index-keys.ts'

/** Wipes what belonged to a dead token (its cubbyhole); may be called again for the same one. Throws `sealed` where that has to wait. */
export type Cemetery = (hash: string) => Promise<void>

/**
 * Buries the dead token and all below it. They stopped working when it died, since a token without a living parent is refused;
 * `token-dead/` remembers what is left to do. Several processes may bury the same one.
 */
export async function bury(store: Store, cemetery: Cemetery, root: string): Promise<void> {
  const pending = [root]
  for (let hash = pending.pop(); hash !== undefined; hash = pending.pop()) {
    const fate = dead.fate(store, hash)
    if (fate === undefined) continue
    const parent = hash
    for (let page = children.page(store, hash); page.length > 0; page = children.page(store, hash)) {
      await transact(store, (tx) => page.forEach((child) => (fate === 'orphan' ? setFree(tx, parent, child) : kill(tx, parent, child))))
      if (fate === 'end') pending.push(...page)
    }
    if (await unlessSealed(() => cemetery(hash))) await transact(store, (tx) => dead.delete(tx, parent))
  }
}

/** Takes a token from its parent. */
export function setFree(tx: Tx, parent: string, child: string): void {
  children.delete(tx, parent, child)
  const token = ids.get(tx, child)
  if (token) ids.put(tx, { ...token, parent: undefined, orphan: true })
}

function kill(tx: Tx, parent: string, child: string): void {
  if (!markDead(tx, child, 'end')) children.delete(tx, parent, child)
}

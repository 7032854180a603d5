// Removing a namespace: it is closed at once; what it lent, its tokens, mounts and all else follow in steps that a crash may cut short.
import { Fault } from '../base/fault.ts'
import type { Clock } from '../base/ports.ts'
import type { Namespace } from '../contract/namespace.ts'
import { clear, clearWhile } from '../store/clear.ts'
import { namespacePrefix } from '../store/layout.ts'
import { records } from '../store/records.ts'
import type { Store } from '../store/store.ts'
import { transact, type Tx } from '../store/transact.ts'
import { within } from '../store/within.ts'
import { GRACE_MS, type Gone, markGone } from './gone.ts'
import { entries } from './mount-entries.ts'
import { MOUNTS } from './mount-guard.ts'
import { byPath, NAMESPACES, pathById } from './namespace-entries.ts'

export interface RemovalDeps {
  /** Behind the barrier, whole. */
  readonly store: Store
  readonly clock: Clock
  /** Takes back what the mounts lent once they are gone. */
  readonly gone: Pick<Gone, 'holds' | 'sweep'>
  /** Ends the tokens of the namespace with this id; false while there are others. */
  readonly endTokens: (id: string) => Promise<boolean>
  /** Once it says no, the rest is left for the next time. */
  readonly more: () => boolean
}

interface Leaving {
  readonly path: string
  /** Wall milliseconds of when it was closed. */
  readonly since: number
}

/** What is being removed, by id. It stays until no request that began before can still write. */
const leaving = records<Leaving>('namespace-gone/')
const PAGE = 100

/** Closes a namespace: from now on nobody finds it. False where it is not there. Throws `invalid` where others are within it. */
export function closeNamespace(store: Store, path: string, now: number): Promise<boolean> {
  return transact(store, (tx) => {
    const namespace = byPath.get(tx, path)
    if (!namespace) return false
    if (namespace.doomed) return true
    for (const _ of tx.range({ prefix: NAMESPACES + path, after: NAMESPACES + path, limit: 1 })) {
      throw new Fault('invalid', 'unable to delete namespace containing child namespaces')
    }
    byPath.put(tx, path, { ...namespace, doomed: true })
    leaving.put(tx, namespace.id, { path, since: now })
    return true
  })
}

/** Takes every removal as far as it goes. */
export async function sweepNamespaces(deps: RemovalDeps): Promise<void> {
  for (const id of leaving.ids(deps.store)) {
    const { path, since } = leaving.get(deps.store, id) ?? { path: '', since: 0 }
    const namespace = byPath.get(deps.store, path)
    if (namespace?.id === id) await remove(deps, namespace)
    else await forget(deps, id, since)
  }
}

async function remove({ store, clock, gone, endTokens, more }: RemovalDeps, namespace: Namespace): Promise<void> {
  if (!(await endTokens(namespace.id))) return
  while (await transact(store, (tx) => dropMounts(tx, namespace.id, clock.now()))) {
    // One page after the other, until the table is empty.
  }
  await gone.sweep(more)
  // Leases are the namespace's: they must not be removed before they were taken back.
  if (gone.holds(namespace.id)) return
  if (!(await clearWhile(store, namespacePrefix(namespace.id), more))) return
  await transact(store, (tx) => {
    byPath.delete(tx, namespace.path)
    pathById.delete(tx, namespace.id)
  })
}

/** Whether there were any. */
function dropMounts(tx: Tx, id: string, now: number): boolean {
  const own = within(tx, namespacePrefix(id))
  const paths = Array.from(own.range({ prefix: MOUNTS, limit: PAGE }), ({ key }) => key.slice(MOUNTS.length))
  for (const path of paths) {
    const mount = entries.get(own, path)
    entries.delete(own, path)
    if (mount) markGone(tx, mount, now)
  }
  return paths.length > 0
}

async function forget({ store, clock }: RemovalDeps, id: string, since: number): Promise<void> {
  await clear(store, namespacePrefix(id))
  if (since + GRACE_MS < clock.now()) await transact(store, (tx) => leaving.delete(tx, id))
}

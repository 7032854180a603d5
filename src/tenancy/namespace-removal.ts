// Removing a namespace: it is closed at once; what it lent, its tokens, mounts and all else follow in steps that a crash may cut short.
import { Fault, unlessSealed } from '../base/fault.ts'
import type { Clock } from '../base/ports.ts'
import type { Namespace } from '../contract/namespace.ts'
import { clear, clearWhile } from '../store/clear.ts'
import { guardedData, namespacePrefix, sealFolder } from '../store/layout.ts'
import { decode, records } from '../store/records.ts'
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
  /** Forgets the leases of one that is erased. */
  readonly forgetLeases: (id: string) => Promise<void>
  /** Forgets the keys of one with a seal of its own, by its id, in all processes. */
  readonly forgetKeys: (id: string) => Promise<void>
  /** Once it says no, the rest is left for the next time. */
  readonly more: () => boolean
}

interface Leaving {
  readonly path: string
  /** Wall milliseconds of when it was closed. */
  readonly since: number
  /** Removed while it is sealed, with all within it: there are no keys to read any of it by. */
  readonly erased?: true
}

/** What is being removed, by id. It stays until no request that began before can still write. */
const leaving = records<Leaving>('namespace-gone/')
const PAGE = 100

/** Whether the namespace with this id is being removed. */
export function isLeaving(store: Store, id: string): boolean {
  return leaving.get(store, id) !== undefined
}

/** Closes a namespace: from now on nobody finds it. False where it is not there. Throws `invalid` where others are within it. */
export function closeNamespace(store: Store, path: string, now: number): Promise<boolean> {
  return transact(store, (tx) => {
    const namespace = byPath.get(tx, path)
    if (!namespace) return false
    if (namespace.doomed) return true
    if (hasChildren(tx, path)) throw new Fault('invalid', 'unable to delete namespace containing child namespaces')
    byPath.put(tx, path, { ...namespace, doomed: true })
    leaving.put(tx, namespace.id, { path, since: now })
    return true
  })
}

/**
 * Closes a sealed namespace for good: the keys of its seal go at once, and with them all chance to read what it holds. False where it
 * is not there. Throws `invalid` where others are within it, unless they are to go too.
 */
export function eraseNamespace(store: Store, path: string, force: boolean, now: number): Promise<boolean> {
  return transact(store, (tx) => {
    const namespace = byPath.get(tx, path)
    if (!namespace) return false
    if (!force && hasChildren(tx, path)) throw new Fault('invalid', LEFTOVER)
    for (const { key } of tx.range({ prefix: sealFolder(namespace.id) })) tx.delete(key)
    byPath.put(tx, path, { ...namespace, doomed: true })
    leaving.put(tx, namespace.id, { path, since: now, erased: true })
    return true
  })
}

const LEFTOVER =
  'sealed namespace has leftover child namespaces; pass force=true to delete the entire tree, or unseal the namespace and delete children individually'

function hasChildren(tx: Tx, path: string): boolean {
  for (const _ of tx.range({ prefix: NAMESPACES + path, after: NAMESPACES + path, limit: 1 })) return true
  return false
}

/** Takes every removal as far as it goes. */
export async function sweepNamespaces(deps: RemovalDeps): Promise<void> {
  for (const id of leaving.ids(deps.store)) {
    const { path, since, erased = false } = leaving.get(deps.store, id) ?? { path: '', since: 0 }
    const namespace = byPath.get(deps.store, path)
    if (namespace?.id !== id) await forget(deps, id, since)
    else if (erased) await eraseTree(deps, namespace)
    else await unlessSealed(() => remove(deps, namespace))
  }
}

async function remove(deps: RemovalDeps, namespace: Namespace): Promise<void> {
  const { store, clock, gone, endTokens, more } = deps
  if (!(await endTokens(namespace.id))) return
  while (await transact(store, (tx) => dropMounts(tx, namespace.id, clock.now()))) {
    // One page after the other, until the table is empty.
  }
  await gone.sweep(more)
  // Leases are the namespace's: they must not be removed before they were taken back.
  if (gone.holds(namespace.id)) return
  if (!(await clearWhile(store, namespacePrefix(namespace.id), more))) return
  await strike(deps, namespace)
}

/** The last step: after it nothing says that the namespace was there. */
async function strike({ store, forgetKeys }: RemovalDeps, { id, path, seal }: Namespace): Promise<void> {
  await clear(store, sealFolder(id))
  if (seal === id) await forgetKeys(id)
  await transact(store, (tx) => {
    // Another process may have been first, and someone may have made a new one of the same name since.
    if (byPath.get(tx, path)?.id === id) byPath.delete(tx, path)
    pathById.delete(tx, id)
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
  for (const prefix of [namespacePrefix(id), guardedData(id)]) await clear(store, prefix)
  if (since + GRACE_MS < clock.now()) await transact(store, (tx) => leaving.delete(tx, id))
}

async function eraseTree(deps: RemovalDeps, top: Namespace): Promise<void> {
  const { store, clock } = deps
  const page = () =>
    Array.from(store.range({ prefix: NAMESPACES + top.path, after: NAMESPACES + top.path, limit: PAGE }), ({ value }) => decode<Namespace>(value))
  for (let below = page(); below.length > 0; below = page()) {
    for (const namespace of below) {
      await transact(store, (tx) => leaving.put(tx, namespace.id, { path: namespace.path, since: clock.now(), erased: true }))
      if (!(await erase(deps, namespace))) return
    }
  }
  await erase(deps, top)
}

/** False where a step was not enough. */
async function erase(deps: RemovalDeps, namespace: Namespace): Promise<boolean> {
  const { store, endTokens, forgetLeases, more } = deps
  const { id } = namespace
  if (!(await endTokens(id))) return false
  await forgetLeases(id)
  for (const prefix of [namespacePrefix(id), guardedData(id)]) if (!(await clearWhile(store, prefix, more))) return false
  await strike(deps, namespace)
  return true
}

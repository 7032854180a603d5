// What the rooms need of namespaces: the store as their seals guard it, who of them can be reached, and what lies where in them.
import { Fault } from '../base/fault.ts'
import type { Random } from '../base/ports.ts'
import type { Mount } from '../contract/mount.ts'
import { cubbyholePrefix, foreignCubbyholePrefix } from '../engines/cubbyhole.ts'
import { guarded } from '../seal/guarded.ts'
import { clear } from '../store/clear.ts'
import { isSettlingDue } from '../seal/share-sets.ts'
import { guardOf, namespaceIdOf, sealFolder } from '../store/layout.ts'
import type { Key, Store } from '../store/store.ts'
import { view } from '../store/view.ts'
import type { KeyDeps } from '../sys/keys.ts'
import type { SystemDeps } from '../sys/system.ts'
import { closeNamespace, eraseNamespace } from '../tenancy/namespace-removal.ts'
import type { Namespaces } from '../tenancy/namespaces.ts'
import type { Cemetery } from '../token/bury.ts'
import type { KernelDeps } from './kernel.ts'
import { makeSealed } from './namespace-seals.ts'
import type { Rights } from './rights.ts'
import type { Tenants } from './tenants.ts'

/** The whole store, as the seals of namespaces guard it. `namespaces` are themselves read from it. */
export function guardedStore(barrier: Store, rings: KernelDeps['rings'], namespaces: () => Pick<Namespaces, 'sealOf'>, random: Random): Store {
  const sealOf = (id: string) => namespaces().sealOf(id)
  return guarded({ store: barrier, rings, guardOf: (key) => guardOf(key, sealOf), random })
}

/** Whether anything of the namespace with this id can be reached. */
export function isAlive(namespaces: Namespaces, id: string): boolean {
  const namespace = namespaces.byId(id)
  return namespace !== undefined && !namespaces.isSealed(namespace)
}

/** Ids of the namespace at a path and of all within it. */
export function idsWithin(namespaces: Namespaces, path: string): string[] {
  const namespace = namespaces.at(path)
  return namespace ? [namespace, ...namespaces.list(namespace, 'all')].map(({ id }) => id) : []
}

/** Where the answer lies that is wrapped for the token with this hash. */
export function answerPlace(namespaces: Namespaces, tenants: Tenants, hash: string): Key {
  const namespace = namespaces.byId(namespaceIdOf(hash))
  if (!namespace) throw new Fault('missing', 'namespace not found')
  const { mounts } = tenants.of(namespace)
  return mounts.placeOf(mounts.at('cubbyhole/') as Mount, `${cubbyholePrefix({ hash })}response`)
}

/** Wipes the cubbyholes of the dead; a namespace that goes takes all of its with it. */
export function openCemetery(namespaces: Namespaces, tenants: Tenants): Cemetery {
  return async (hash) => {
    const namespace = namespaces.byId(namespaceIdOf(hash))
    const mounts = namespace && tenants.of(namespace).mounts
    const mount = mounts?.at('cubbyhole/')
    if (!mounts || !mount) return
    for (const prefix of [cubbyholePrefix({ hash }), foreignCubbyholePrefix({ hash })]) await clear(mounts.storeOf(mount), prefix)
  }
}

/** The keys of a namespace with a seal of its own are changed there, all others by the server's. */
export function keyHolder({ seal, namespaceSeals }: KernelDeps, namespaces: Namespaces): KeyDeps['holderOf'] {
  return ({ mount }) => {
    const namespace = namespaces.at(mount.namespace)
    if (!namespace || namespace.seal !== namespace.id) return seal
    const { id } = namespace
    return {
      rotate: () => namespaceSeals.rotate(id),
      rotateRoot: () => namespaceSeals.rotateRoot(id),
      rekey: (_, step) => namespaceSeals.rekey(id, step),
      generateRoot: () => Promise.reject(new Fault('invalid', 'operation unavailable in namespaces')),
    }
  }
}

/** Ends the time in which shares before a rekey are good as well, of namespaces that are unsealed. */
export async function settleNamespaces({ rings, namespaceSeals, ports }: KernelDeps, inside: Store): Promise<void> {
  for (const [id, ring] of rings.all()) {
    if (isSettlingDue(view(inside, sealFolder(id)), ring, ports.clock.now())) await namespaceSeals.settle(id)
  }
}

/** What sys/namespaces needs. */
export function namespacing(deps: KernelDeps, store: Store, namespaces: Namespaces, rights: Pick<Rights, 'isSudo'>): SystemDeps['namespaces'] {
  const { ports, rings } = deps
  const now = () => ports.clock.now()
  return {
    namespaces,
    close: (path) => closeNamespace(store, path, now()),
    erase: (path, force) => eraseNamespace(store, path, force, now()),
    seals: deps.namespaceSeals,
    makeSealed: makeSealed({ namespaces, rings, ports }),
    isSudo: ({ caller, mount, request }) => caller !== undefined && rights.isSudo(caller, mount.namespace, request.path),
  }
}

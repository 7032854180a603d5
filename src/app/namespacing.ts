// What the rooms need of namespaces: the store as their seals guard it, who of them can be reached, and what lies where in them.
import { Fault } from '../base/fault.ts'
import type { Mount } from '../contract/mount.ts'
import { cubbyholePrefix, foreignCubbyholePrefix } from '../engines/cubbyhole.ts'
import { barrier } from '../seal/barrier.ts'
import { guarded } from '../seal/guarded.ts'
import type { Keyring } from '../seal/keyring.ts'
import { openRotation, type Rotation } from '../seal/rotation.ts'
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
import type { UnsealedDeps } from './unsealed.ts'

/** The whole store, as the seals of namespaces guard it. `namespaces` are themselves read from it. */
export function guardedStore(barrier: Store, { rings, ringUsage, ports }: UnsealedDeps, namespaces: () => Pick<Namespaces, 'sealOf'>): Store {
  const sealOf = (id: string) => namespaces().sealOf(id)
  return guarded({ store: barrier, rings, guardOf: (key) => guardOf(key, sealOf), random: ports.random, count: ringUsage.take })
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
      generateRoot: (step) => namespaceSeals.generateRoot(id, step),
    }
  }
}

/** When new terms of keys begin by themselves: of those that a path is about, as above. `whole` is the store behind the server's barrier. */
export function keyRotation(deps: UnsealedDeps, whole: Store, namespaces: Namespaces, own: Rotation): KeyDeps['rotationOf'] {
  return ({ mount }) => {
    const namespace = namespaces.at(mount.namespace)
    const ring = namespace && namespace.seal === namespace.id ? deps.rings.of(namespace.id) : undefined
    return namespace && ring ? rotationIn(deps, whole, namespace.id, ring) : own
  }
}

function rotationIn({ namespaceSeals, ringUsage, ports }: UnsealedDeps, whole: Store, id: string, keyring: Keyring): Rotation {
  const store = view(whole, sealFolder(id))
  return openRotation({
    inside: barrier(store, keyring, ports.random, (term, count) => ringUsage.take(id, term, count)),
    store,
    keyring,
    clock: ports.clock,
    unspent: (term) => namespaceSeals.unspent(id, term),
    rotate: (term) => namespaceSeals.rotate(id, term),
  })
}

/**
 * What is due for the keys of namespaces that are unsealed: the end of the time in which shares before a rekey are good as well, and
 * new terms.
 */
export async function tendNamespaces(deps: UnsealedDeps, whole: Store): Promise<void> {
  for (const [id, ring] of deps.rings.all()) {
    if (ring.sealed) continue
    if (isSettlingDue(view(whole, sealFolder(id)), ring, deps.ports.clock.now())) await deps.namespaceSeals.settle(id)
    await rotationIn(deps, whole, id, ring).sweep()
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

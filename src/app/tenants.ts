// The rooms of each namespace, opened when first needed; those that were not used for long are let go of.
import { Fault, permissionDenied } from '../base/fault.ts'
import type { CanonPath } from '../base/path.ts'
import type { Ports } from '../base/ports.ts'
import type { Mount } from '../contract/mount.ts'
import { type Namespace, ROOT } from '../contract/namespace.ts'
import type { Token } from '../contract/token.ts'
import { openPolicies } from '../policy/policies.ts'
import type { Follower } from '../store/follow.ts'
import { dataPrefix, namespacePrefix } from '../store/layout.ts'
import { openSpace, type Space } from '../store/space.ts'
import type { Store } from '../store/store.ts'
import { tied } from '../store/tied.ts'
import { view } from '../store/view.ts'
import type { Tenant } from '../sys/tenant.ts'
import type { Gone } from '../tenancy/gone.ts'
import { openMounts } from '../tenancy/mounts.ts'
import type { Namespaces } from '../tenancy/namespaces.ts'
import type { TakeSlice } from '../tenancy/slices.ts'
import { tokenKey } from '../token/index-keys.ts'

export interface TenantsDeps extends Pick<Ports, 'clock' | 'random'> {
  /** Behind the barrier, whole. */
  readonly store: Store
  readonly follower: Follower
  readonly namespaces: Namespaces
  readonly takeSlice: TakeSlice
  readonly gone: Pick<Gone, 'empty'>
}

interface Open {
  readonly tenant: Tenant
  readonly space: Space
}

/** The tables of a namespace with ten mounts take some ten kilobytes. */
const MAX_OPEN = 500

export class Tenants {
  readonly #deps: TenantsDeps
  readonly #root: Tenant
  /** A map's order is the order of use. */
  readonly #open = new Map<string, Open>()

  constructor(deps: TenantsDeps) {
    this.#deps = deps
    this.#root = this.#make(ROOT).tenant
  }

  #make(namespace: Namespace): Open {
    const { store, follower, takeSlice, gone, clock, random } = this.#deps
    const space = openSpace(store, follower, namespacePrefix(namespace.id))
    const mounts = openMounts({ store, space, place: namespace, takeSlice, gone, random, clock })
    return { space, tenant: { namespace, mounts, policies: openPolicies(space, clock) } }
  }

  of(namespace: Namespace): Tenant {
    if (namespace.id === ROOT.id) return this.#root
    const open = this.#open.get(namespace.id) ?? this.#make(namespace)
    this.#open.delete(namespace.id)
    this.#open.set(namespace.id, open)
    if (this.#open.size > MAX_OPEN) this.#closeOldest()
    return open.tenant
  }

  #closeOldest(): void {
    const [id, { space }] = this.#open.entries().next().value as [string, Open]
    this.#open.delete(id)
    space.close()
  }

  /** By path. Throws `missing` where there is no such namespace, or none any more. */
  at(path: string): Tenant {
    const namespace = this.#deps.namespaces.at(path)
    if (!namespace) throw new Fault('missing', 'namespace not found')
    return this.of(namespace)
  }

  /** By id, also while it is being removed. */
  byId(id: string): Tenant | undefined {
    const namespace = this.#deps.namespaces.storedById(id)
    return namespace && this.of(namespace)
  }

  /** Where a path within a namespace leads, which may go on into others. */
  below(namespace: string, path: CanonPath): { readonly tenant: Tenant; readonly path: CanonPath } {
    const resolved = this.#deps.namespaces.resolve(namespace.slice(0, -1), path)
    return resolved ? { tenant: this.of(resolved.tenant), path: resolved.path } : { tenant: this.at(namespace), path }
  }

  policyExists(namespace: string, name: string): boolean {
    return this.at(namespace).policies.get(name) !== undefined
  }

  /** The slice of a mount; of cubbyhole, that of the token's own namespace, which alone knows when the token ends. */
  storeOf(mount: Mount, caller: Token | undefined): Store {
    if (mount.type === 'cubbyhole' && caller?.type === 'service') return this.#cubbyholeOf(mount, caller)
    return this.at(mount.namespace).mounts.storeOf(mount)
  }

  /** Nothing is written for a token that is gone, since what it had was wiped when it went. */
  #cubbyholeOf(mount: Mount, caller: Token): Store {
    const isForeign = caller.namespace !== mount.namespace
    const home = isForeign ? this.at(caller.namespace).mounts.at(mount.path) : mount
    return view(tied(this.#deps.store, tokenKey(caller.hash), permissionDenied), dataPrefix((home ?? mount).slice))
  }

  /** Whether the mount that gave the token is still where it was. */
  mountAlive(token: Token): boolean {
    const namespace = this.#deps.namespaces.at(token.namespace)
    const mount = namespace && this.of(namespace).mounts.byAccessor(token.mountAccessor)
    return mount !== undefined && mount.moving === undefined && token.path.startsWith(mount.path)
  }
}

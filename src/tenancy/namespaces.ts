// The tree of namespaces: which one a request is for, and how they are made, changed, locked and listed.
import { Fault } from '../base/fault.ts'
import { base62, uuid } from '../base/ids.ts'
import type { CanonPath } from '../base/path.ts'
import type { Random } from '../base/ports.ts'
import { type Namespace, ROOT } from '../contract/namespace.ts'
import type { Follower } from '../store/follow.ts'
import { children } from '../store/folder.ts'
import { namespacePrefix, ROOT_ID } from '../store/layout.ts'
import { decode } from '../store/records.ts'
import type { Store } from '../store/store.ts'
import { transact, type Tx } from '../store/transact.ts'
import { within } from '../store/within.ts'
import { addMount, assertEnterable, clashingMount } from './mount-entries.ts'
import { watch } from './mount-guard.ts'
import type { MountSpec } from './mount-spec.ts'
import { byPath, NAMESPACES, pathById } from './namespace-entries.ts'
import { isReserved, lineage, namespaceFolder, parentPath } from './namespace-names.ts'
import type { TakeSlice } from './slices.ts'

export interface Resolved {
  readonly tenant: Namespace
  /** What is left of the path, within the namespace. */
  readonly path: CanonPath
}

export interface Namespaces {
  /** Where a request goes, by its header and its path together; undefined where the header names none that is there. */
  resolve(header: string, path: CanonPath): Resolved | undefined
  /** One that can be entered, by its path; the root by ''. */
  at(path: string): Namespace | undefined
  byId(id: string): Namespace | undefined
  /** By its path, also one that is being removed. */
  stored(path: string): Namespace | undefined
  /** By its id, also one that is being removed. */
  storedById(id: string): Namespace | undefined
  /** The one that the one with this id is in; undefined for the root. */
  above(id: string): Namespace | undefined
  /** Directly within one, or at whatever depth, sorted by path. */
  list(of: Pick<Namespace, 'path'>, depth: 'children' | 'all'): Namespace[]
  /** Names of those directly within the one with this path that can be entered, each with a slash. */
  names(path: string): string[]
  /** At most `limit` of all but the root, from after a path on. */
  page(after: string, limit: number): Namespace[]
  /** Makes it, or gives it other metadata. `name` is one folder; with `own` it gets a seal of its own. Throws `invalid` where it can't be. */
  put(parent: Namespace, name: string, metadata: Namespace['metadata'], own?: OwnSeal): Promise<Namespace>
  /** An id that no namespace has. */
  freshId(): string
  /** Changes what is stored of one; undefined where it is not there. */
  change(path: string, to: (now: Namespace) => Namespace): Promise<Namespace | undefined>
  /** The topmost of it and those above it that is locked. */
  lockOf(namespace: Namespace): Namespace | undefined
  /** The id of the one whose own seal guards what is in the one with this id; '' for none. */
  sealOf(id: string): string
  /** Whether its own seal, or that of one above it, is closed: nobody can read or change what is in it. */
  isSealed(namespace: Namespace): boolean
}

/** What a namespace gets with a seal of its own. */
export interface OwnSeal {
  /** By `freshId`. */
  readonly id: string
  /** Writes the keys of the seal, in the same commit. */
  readonly also: (tx: Tx) => void
}

export interface NamespacesDeps {
  /** Behind the barrier, whole. */
  readonly store: Store
  readonly follower: Follower
  readonly takeSlice: TakeSlice
  readonly random: Random
  /** What every namespace has from the start. */
  readonly mounts: readonly MountSpec[]
  /** Whether this process has the keys of the namespace with this id, which has a seal of its own. */
  readonly hasKeys: (id: string) => boolean
}

/** A path that is no namespace is remembered as well, since most requests ask whether their mount's name is one. */
interface Kept {
  readonly namespace: Namespace | undefined
}

const ID_LENGTH = 6
const MAX_KEPT = 5_000

export function openNamespaces(deps: NamespacesDeps): Namespaces {
  return new NamespaceTree(deps)
}

class NamespaceTree implements Namespaces {
  readonly #deps: NamespacesDeps
  readonly #kept: (path: string) => Kept | undefined
  readonly #pathOf: (id: string) => string | undefined
  /** What guards those that are being made, by id. */
  readonly #making = new Map<string, string>()

  constructor(deps: NamespacesDeps) {
    const { store, follower } = deps
    this.#deps = deps
    this.#kept = follower.keyed(NAMESPACES, (path) => ({ namespace: byPath.get(store, path) }), MAX_KEPT)
    this.#pathOf = follower.keyed(pathById.key(''), (id) => pathById.get(store, id), MAX_KEPT)
  }

  resolve(header: string, path: CanonPath): Resolved | undefined {
    let tenant = ROOT
    for (const above of lineage(namespaceFolder(header))) {
      const next = this.at(above)
      if (!next) return undefined
      tenant = next
    }
    return this.#deepest(tenant, path)
  }

  /** The path may go on into namespaces below. */
  #deepest(tenant: Namespace, path: string): Resolved {
    const slash = path.indexOf('/')
    const name = slash < 0 ? path : path.slice(0, slash)
    const child = isReserved(name) ? undefined : this.at(`${tenant.path}${name}/`)
    return child ? this.#deepest(child, slash < 0 ? '' : path.slice(slash + 1)) : { tenant, path: path as CanonPath }
  }

  at(path: string): Namespace | undefined {
    const found = this.stored(path)
    return found?.doomed ? undefined : found
  }

  byId(id: string): Namespace | undefined {
    const found = this.storedById(id)
    return found?.doomed ? undefined : found
  }

  storedById(id: string): Namespace | undefined {
    if (id === ROOT_ID) return ROOT
    const path = this.#pathOf(id)
    const found = path === undefined ? undefined : this.stored(path)
    return found?.id === id ? found : undefined
  }

  above(id: string): Namespace | undefined {
    const found = this.storedById(id)
    const path = found && parentPath(found.path)
    return path === undefined ? undefined : this.stored(path)
  }

  stored(path: string): Namespace | undefined {
    return path === '' ? ROOT : this.#kept(path)?.namespace
  }

  list(of: Pick<Namespace, 'path'>, depth: 'children' | 'all'): Namespace[] {
    const { store } = this.#deps
    const prefix = NAMESPACES + of.path
    if (depth === 'all') return Array.from(store.range({ prefix, after: prefix }), (entry) => decode<Namespace>(entry.value))
    return Array.from(children(store, prefix)).flatMap((name) => this.stored(of.path + name) ?? [])
  }

  names(path: string): string[] {
    return Array.from(children(this.#deps.store, NAMESPACES + path)).filter((name) => this.at(path + name) !== undefined)
  }

  page(after: string, limit: number): Namespace[] {
    const span = { prefix: NAMESPACES, after: NAMESPACES + after, limit }
    return Array.from(this.#deps.store.range(span), (entry) => decode<Namespace>(entry.value))
  }

  async put(parent: Namespace, name: string, metadata: Namespace['metadata'], own?: OwnSeal): Promise<Namespace> {
    const id = own?.id ?? this.freshId()
    const seal = own?.id ?? parent.seal
    const { mounts, takeSlice } = this.#deps
    const first = await Promise.all(mounts.map(async (spec) => ({ spec, slice: await takeSlice(seal) })))
    this.#making.set(id, seal)
    try {
      return await transact(this.#deps.store, (tx) => {
        const { before, after } = this.#put(tx, parent, name, metadata, { id, seal })
        if (before && own) throw new Fault('invalid', 'cannot modify existing namespace seal config')
        own?.also(tx)
        if (!before) for (const { spec, slice } of first) addMount(tx, after, spec, slice, this.#deps.random)
        return after
      })
    } finally {
      this.#making.delete(id)
    }
  }

  #put(tx: Tx, parent: Namespace, name: string, metadata: Namespace['metadata'], made: Pick<Namespace, 'id' | 'seal'>) {
    const path = parent.path + name
    const home = assertEnterable(tx, parent)
    const before = byPath.get(tx, path)
    if (before?.doomed) throw new Fault('invalid', 'namespace with that name exists and is currently tainted')
    // Whoever closes the namespace above at the same time sees that there is one within it.
    if (!before && home) byPath.put(tx, parent.path, home)
    const after = before ? { ...before, metadata } : this.#create(tx, parent, path, { ...made, metadata })
    byPath.put(tx, path, after)
    return { before, after }
  }

  #create(tx: Tx, parent: Namespace, path: string, given: Pick<Namespace, 'id' | 'seal' | 'metadata'>): Namespace {
    const { random } = this.#deps
    if (pathById.get(tx, given.id) !== undefined) throw new Fault('unavailable', 'try again')
    const above = within(tx, namespacePrefix(parent.id))
    watch(above, path.slice(parent.path.length))
    const clash = clashingMount(above, path.slice(parent.path.length))
    if (clash !== undefined) throw new Fault('invalid', `new namespace conflicts with existing mount: ${parent.path}${clash}`)
    const made: Namespace = { ...given, uuid: uuid(random), path, unlockKey: '', doomed: false }
    pathById.put(tx, made.id, path)
    return made
  }

  change(path: string, to: (now: Namespace) => Namespace): Promise<Namespace | undefined> {
    return transact(this.#deps.store, (tx) => {
      const now = byPath.get(tx, path)
      const after = now && to(now)
      if (after) byPath.put(tx, path, after)
      return after
    })
  }

  lockOf({ path }: Namespace): Namespace | undefined {
    for (const above of lineage(path)) {
      const one = this.stored(above)
      if (one && one.unlockKey !== '') return one
    }
    return undefined
  }

  sealOf(id: string): string {
    return this.#making.get(id) ?? this.storedById(id)?.seal ?? ''
  }

  isSealed({ path, seal }: Namespace): boolean {
    if (seal === '') return false
    for (const above of lineage(path)) {
      const one = this.stored(above)
      if (one && one.seal === one.id && !this.#deps.hasKeys(one.id)) return true
    }
    return false
  }

  freshId(): string {
    for (;;) {
      const id = base62(this.#deps.random, ID_LENGTH)
      if (pathById.get(this.#deps.store, id) === undefined) return id
    }
  }
}

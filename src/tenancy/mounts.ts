// The mount table of a namespace: which module serves which part of the path tree, and the data each owns.
import { Fault } from '../base/fault.ts'
import { mountAccessor, uuid } from '../base/ids.ts'
import { type CanonPath, parsePath } from '../base/path.ts'
import type { Random } from '../base/ports.ts'
import type { Mount, MountClass } from '../contract/mount.ts'
import { clear } from '../store/clear.ts'
import { encode, records } from '../store/records.ts'
import type { Space } from '../store/space.ts'
import type { Key, Store } from '../store/store.ts'
import { transact, type Tx } from '../store/transact.ts'
import { view } from '../store/view.ts'
import { newMount, type MountSpec } from './mount-spec.ts'

export interface Mounts {
  /** The mount whose path is the longest that starts this one. */
  match(path: CanonPath): Mount | undefined
  /** By its own path, ending in a slash. */
  at(path: string): Mount | undefined
  byAccessor(accessor: string): Mount | undefined
  list(of: MountClass): readonly Mount[]
  /** The mount's own slice of the store. */
  storeOf(mount: Mount): Store
  /** Where a key of that slice lies in the store of the namespace, for commits that span both. */
  placeOf(mount: Mount, key: Key): Key
  enable(spec: MountSpec): Promise<Mount>
  /** Replaces what `change` returns; the module has agreed before. */
  tune(mount: Mount, change: Partial<Pick<Mount, 'description' | 'config' | 'options'>>): Promise<Mount>
  /** Takes the mount out of the table at once, then removes its data. */
  disable(mount: Mount): Promise<void>
  /** Finishes removals that a crash cut short. */
  sweep(): Promise<void>
}

const entries = records<Mount>('mount/')
/** Every change of the table touches it, so that two changes can't miss each other. */
const GUARD = 'mount-guard'
const GONE = 'mount-gone/'

interface Table {
  readonly byPath: ReadonlyMap<string, Mount>
  readonly byAccessor: ReadonlyMap<string, Mount>
}

export function openMounts(space: Space, random: Random): Mounts {
  const { store } = space
  const table = space.cache('mount/', () => load(store))
  const slices = new WeakMap<Mount, Store>()

  function storeOf(mount: Mount): Store {
    const known = slices.get(mount)
    if (known) return known
    const slice = view(store, dataPrefix(mount.uuid))
    slices.set(mount, slice)
    return slice
  }

  async function enable(spec: MountSpec): Promise<Mount> {
    const path = mountPath(spec.path)
    const accessor = mountAccessor(spec.class === 'auth' ? 'auth_' : '', spec.type, random)
    const mount = newMount({ ...spec, path }, { uuid: uuid(random), accessor })
    await transact(store, (tx) => {
      touch(tx)
      const clash = conflicting(load(store), path)
      if (clash !== undefined) throw new Fault('invalid', `path is already in use at ${clash}`)
      entries.put(tx, path, mount)
    })
    return mount
  }

  async function tune(mount: Mount, change: Partial<Mount>): Promise<Mount> {
    const tuned = { ...mount, ...change }
    await transact(store, (tx) => {
      if (entries.get(tx, mount.path)?.uuid !== mount.uuid) throw new Fault('invalid', `no mount at ${mount.path}`)
      entries.put(tx, mount.path, tuned)
    })
    return tuned
  }

  async function disable(mount: Mount): Promise<void> {
    await transact(store, (tx) => {
      touch(tx)
      if (entries.get(tx, mount.path)?.uuid !== mount.uuid) return
      entries.delete(tx, mount.path)
      tx.put(GONE + mount.uuid, Buffer.alloc(0))
    })
    await purge(store, mount.uuid)
  }

  return {
    match: (path) => longest(table().byPath, path),
    at: (path) => table().byPath.get(path),
    byAccessor: (accessor) => table().byAccessor.get(accessor),
    list: (of) => [...table().byPath.values()].filter((mount) => mount.class === of || (of === 'secret' && mount.class === 'system')),
    storeOf,
    placeOf: (mount, key) => dataPrefix(mount.uuid) + key,
    enable,
    tune,
    disable,
    async sweep() {
      for (const key of Array.from(store.keys({ prefix: GONE }))) await purge(store, key.slice(GONE.length))
    },
  }
}

function load(store: Store): Table {
  const mounts = Array.from(store.range({ prefix: 'mount/' }), (entry) => JSON.parse(entry.value.toString()) as Mount)
  return { byPath: new Map(mounts.map((mount) => [mount.path, mount])), byAccessor: new Map(mounts.map((mount) => [mount.accessor, mount])) }
}

function longest(byPath: ReadonlyMap<string, Mount>, path: CanonPath): Mount | undefined {
  for (let slash = path.lastIndexOf('/'); slash > 0; slash = path.lastIndexOf('/', slash - 1)) {
    const mount = byPath.get(path.slice(0, slash + 1))
    if (mount) return mount
  }
  return undefined
}

/** A mount at, above or below `path`. */
function conflicting({ byPath }: Table, path: string): string | undefined {
  return [...byPath.keys()].find((other) => other.startsWith(path) || path.startsWith(other))
}

function mountPath(raw: string): string {
  const path = parsePath(raw.replace(/^\/+|\/+$/g, ''))
  if (path === '' || path === 'auth') throw new Fault('invalid', 'missing mount path')
  if (/[*+]/.test(path)) throw new Fault('invalid', 'mount path cannot contain "*" or "+"')
  return `${path}/`
}

function touch(tx: Tx): void {
  const count = Number(tx.get(GUARD)?.value.toString() ?? '0')
  tx.put(GUARD, encode(count + 1))
}

function dataPrefix(mountUuid: string): string {
  return `data/${mountUuid}/`
}

async function purge(store: Store, mountUuid: string): Promise<void> {
  await clear(store, dataPrefix(mountUuid))
  await store.commit({ ops: [{ key: GONE + mountUuid, value: undefined }] })
}

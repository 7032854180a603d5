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
  /** Also one that is gone, while what it lent is still out. */
  byUuid(uuid: string): Mount | undefined
  list(of: MountClass): readonly Mount[]
  /** The mount's own slice of the store. */
  storeOf(mount: Mount): Store
  /** Where a key of that slice lies in the store of the namespace, for commits that span both. */
  placeOf(mount: Mount, key: Key): Key
  enable(spec: MountSpec): Promise<Mount>
  /** Replaces what `change` returns; the module has agreed before. */
  tune(mount: Mount, change: Partial<Pick<Mount, 'description' | 'config' | 'options'>>): Promise<Mount>
  /** Takes the mount out of the table at once, then removes its data; false where that has to wait for what it lent. */
  disable(mount: Mount): Promise<boolean>
  /** Finishes removals that a crash cut short. */
  sweep(): Promise<void>
}

/** Takes back what a mount gave out that takes no requests any more; false while anything is still out. `awaited`: by a client. */
export type Vacate = (mount: Mount, awaited: boolean) => Promise<boolean>

const entries = records<Mount>('mount/')
/** Every change of the table touches it, so that two changes can't miss each other. */
const GUARD = 'mount-guard'
/** Mounts that were taken out of the table, and whose data is still there. */
const gone = records<Mount>('mount-gone/')

interface Table {
  readonly byPath: ReadonlyMap<string, Mount>
  readonly byAccessor: ReadonlyMap<string, Mount>
  readonly byUuid: ReadonlyMap<string, Mount>
}

export function openMounts(space: Space, random: Random, vacate: Vacate = async () => true): Mounts {
  const { store } = space
  const table = space.cache('mount/', () => load(store))
  const leaving = space.cache(gone.key(''), () => gone.ids(store).map((uuid) => gone.get(store, uuid) as Mount))
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

  async function disable(mount: Mount): Promise<boolean> {
    const removed = await transact(store, (tx) => {
      touch(tx)
      if (!isMounted(tx, mount)) return false
      entries.delete(tx, mount.path)
      gone.put(tx, mount.uuid, mount)
      return true
    })
    return !removed || clean(mount, true)
  }

  async function clean(mount: Mount, awaited: boolean): Promise<boolean> {
    const vacant = await vacate(mount, awaited)
    if (vacant) await purge(store, mount.uuid)
    return vacant
  }

  return {
    match: (path) => longest(table().byPath, path),
    at: (path) => table().byPath.get(path),
    byAccessor: (accessor) => table().byAccessor.get(accessor),
    byUuid: (uuid) => table().byUuid.get(uuid) ?? leaving().find((mount) => mount.uuid === uuid),
    list: (of) => [...table().byPath.values()].filter((mount) => mount.class === of || (of === 'secret' && mount.class === 'system')),
    storeOf,
    placeOf: (mount, key) => dataPrefix(mount.uuid) + key,
    enable,
    tune: (mount, change) => tune(store, mount, change),
    disable,
    async sweep() {
      for (const mount of leaving()) await clean(mount, false)
    },
  }
}

async function tune(store: Store, mount: Mount, change: Partial<Mount>): Promise<Mount> {
  const tuned = { ...mount, ...change }
  await transact(store, (tx) => {
    if (!isMounted(tx, mount)) throw new Fault('invalid', `no mount at ${mount.path}`)
    entries.put(tx, mount.path, tuned)
  })
  return tuned
}

/** Whether the mount is still in its namespace's table; what is done on that ground in the same transaction can't miss its end. */
export function isMounted(tx: Pick<Tx, 'get'>, { path, uuid }: Mount): boolean {
  return entries.get(tx, path)?.uuid === uuid
}

function load(store: Store): Table {
  const mounts = Array.from(store.range({ prefix: 'mount/' }), (entry) => JSON.parse(entry.value.toString()) as Mount)
  const by = (key: 'path' | 'accessor' | 'uuid') => new Map(mounts.map((mount) => [mount[key], mount]))
  return { byPath: by('path'), byAccessor: by('accessor'), byUuid: by('uuid') }
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
  await store.commit({ ops: [{ key: gone.key(mountUuid), value: undefined }] })
}

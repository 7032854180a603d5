// The mount table of a namespace: which module serves which part of the path tree, and the data each owns.
import { Fault } from '../base/fault.ts'
import type { CanonPath } from '../base/path.ts'
import type { Clock, Random } from '../base/ports.ts'
import type { Mount, MountClass } from '../contract/mount.ts'
import { dataPrefix } from '../store/layout.ts'
import type { Space } from '../store/space.ts'
import type { Key, Store } from '../store/store.ts'
import { transact, type Tx } from '../store/transact.ts'
import { view } from '../store/view.ts'
import { within } from '../store/within.ts'
import { type Gone, markGone } from './gone.ts'
import { addMount, entries, type Place } from './mount-entries.ts'
import { MOUNTS, unguard } from './mount-guard.ts'
import type { MountSpec } from './mount-spec.ts'
import type { TakeSlice } from './slices.ts'

export interface Mounts {
  /** The mount whose path is the longest that starts this one. */
  match(path: CanonPath): Mount | undefined
  /** By its own path, ending in a slash. */
  at(path: string): Mount | undefined
  byAccessor(accessor: string): Mount | undefined
  byUuid(uuid: string): Mount | undefined
  list(of: MountClass): readonly Mount[]
  /** The mount's own slice of the store. */
  storeOf(mount: Mount): Store
  /** Where a key of that slice lies in the whole store, for commits that span more. */
  placeOf(mount: Mount, key: Key): Key
  /** `approve` sees what would be made, and throws to refuse it. */
  enable(spec: MountSpec, approve?: (mount: Mount) => void): Promise<Mount>
  /** Replaces the settings of the mount as it is now by what `change` returns, or throws. It may be called several times. */
  tune(mount: Mount, change: (now: Mount) => Settings): Promise<Mount>
  /** Takes the mount out of the table at once, then removes its data; false where that has to wait for what it lent. */
  disable(mount: Mount): Promise<boolean>
}

export interface MountsDeps {
  /** Behind the barrier, whole: mounts of all namespaces keep their data side by side. */
  readonly store: Store
  /** The namespace's own part of it. */
  readonly space: Space
  readonly place: Place
  readonly takeSlice: TakeSlice
  readonly gone: Pick<Gone, 'empty'>
  readonly random: Random
  readonly clock: Clock
}

/** What can change while a mount stays where it is. */
export type Settings = Pick<Mount, 'description' | 'config' | 'options'>

interface Table {
  readonly byPath: ReadonlyMap<string, Mount>
  readonly byAccessor: ReadonlyMap<string, Mount>
  readonly byUuid: ReadonlyMap<string, Mount>
}

export function openMounts({ store, space, place, takeSlice, gone, random, clock }: MountsDeps): Mounts {
  const table = space.cache(MOUNTS, () => load(space.store))
  const slices = new WeakMap<Mount, Store>()

  function storeOf(mount: Mount): Store {
    const known = slices.get(mount)
    if (known) return known
    const slice = view(store, dataPrefix(mount.slice))
    slices.set(mount, slice)
    return slice
  }

  function tune({ path, uuid }: Mount, change: (now: Mount) => Settings): Promise<Mount> {
    return transact(space.store, (tx) => {
      const now = entries.get(tx, path)
      if (now?.uuid !== uuid) throw new Fault('invalid', `no mount at ${path}`)
      const { description, config, options } = change(now)
      const tuned = { ...now, description, config, options }
      entries.put(tx, path, tuned)
      return tuned
    })
  }

  async function disable(mount: Mount): Promise<boolean> {
    const removed = await transact(store, (tx) => {
      const own = within(tx, space.prefix)
      unguard(own, mount.path)
      if (!isMounted(own, mount)) return false
      entries.delete(own, mount.path)
      markGone(tx, mount, clock.now())
      return true
    })
    return !removed || gone.empty(mount, true)
  }

  return {
    match(path) {
      const mount = longest(table().byPath, path)
      return mount?.moving === undefined ? mount : undefined
    },
    at: (path) => table().byPath.get(path),
    byAccessor: (accessor) => table().byAccessor.get(accessor),
    byUuid: (uuid) => table().byUuid.get(uuid),
    list: (of) => [...table().byPath.values()].filter((mount) => mount.class === of || (of === 'secret' && mount.class === 'system')),
    storeOf,
    placeOf: (mount, key) => dataPrefix(mount.slice) + key,
    async enable(spec, approve) {
      const slice = await takeSlice(place.seal)
      return transact(store, (tx) => {
        const mount = addMount(tx, place, spec, slice, random)
        approve?.(mount)
        return mount
      })
    },
    tune,
    disable,
  }
}

/** Whether the mount is still in its namespace's table; what is done on that ground in the same transaction can't miss its end. */
export function isMounted(own: Pick<Tx, 'get'>, { path, uuid }: Mount): boolean {
  return entries.get(own, path)?.uuid === uuid
}

/** The same, but for one that moves. */
export function isServing(own: Pick<Tx, 'get'>, mount: Mount): boolean {
  return isMounted(own, mount) && entries.get(own, mount.path)?.moving === undefined
}

function load(store: Store): Table {
  const mounts = Array.from(store.range({ prefix: MOUNTS }), (entry) => JSON.parse(entry.value.toString()) as Mount)
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

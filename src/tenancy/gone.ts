// Mounts that are gone: what they lent is taken back, then their data is removed, and looked for again until no request can still write.
import { unlessSealed } from '../base/fault.ts'
import type { Clock } from '../base/ports.ts'
import type { Mount } from '../contract/mount.ts'
import { clearWhile } from '../store/clear.ts'
import type { Follower } from '../store/follow.ts'
import { dataPrefix } from '../store/layout.ts'
import { records } from '../store/records.ts'
import type { Store } from '../store/store.ts'
import { transact, type Tx } from '../store/transact.ts'

/** Takes back what a mount gave out that takes no requests any more; false while anything is still out. `awaited`: by a client. */
export type Vacate = (mount: Mount, awaited: boolean) => Promise<boolean>

export interface GoneDeps {
  /** Behind the barrier, whole. */
  readonly store: Store
  readonly follower: Follower
  readonly clock: Clock
  readonly vacate: Vacate
}

export interface Gone {
  /** A mount that is gone while what it lent is still out; of whatever namespace. */
  find(uuid: string): Mount | undefined
  /** Whether mounts of the namespace with this id still have something out. */
  holds(namespaceId: string): boolean
  /** Takes the removal of one as far as it goes; false where that has to wait for what it lent. */
  empty(mount: Mount, awaited: boolean): Promise<boolean>
  /** Takes all removals as far as they go, as long as `more` says yes. */
  sweep(more: () => boolean): Promise<void>
}

/** Longer than any request takes. */
export const GRACE_MS = 120_000

interface Record {
  readonly mount: Mount
  /** Wall milliseconds of when it went. */
  readonly since: number
  /** Nothing is out any more. */
  readonly vacant: boolean
}

/** By slice. */
const gone = records<Record>('gone/')

/** Slices of mounts whose data is still to be removed. */
export function goneSlices(store: Store): string[] {
  return gone.ids(store)
}

/** To be called in the transaction that takes the mount out of its table. */
export function markGone(tx: Tx, mount: Mount, now: number): void {
  gone.put(tx, mount.slice, { mount, since: now, vacant: false })
}

export function openGone({ store, follower, clock, vacate }: GoneDeps): Gone {
  const all = follower.cache(gone.key(''), () => gone.ids(store).flatMap((slice) => gone.get(store, slice) ?? []))

  async function empty(mount: Mount, awaited: boolean, more = () => true): Promise<boolean> {
    const record = gone.get(store, mount.slice)
    if (!record) return true
    if (!record.vacant && !(await vacate(mount, awaited))) return false
    if (!record.vacant) await transact(store, (tx) => gone.put(tx, mount.slice, { ...record, vacant: true }))
    const cleared = await clearWhile(store, dataPrefix(mount.slice), more)
    if (cleared && record.since + GRACE_MS < clock.now()) await transact(store, (tx) => gone.delete(tx, mount.slice))
    return true
  }

  return {
    find: (uuid) => all().find(({ mount }) => mount.uuid === uuid)?.mount,
    holds: (namespaceId) => all().some(({ mount, vacant }) => !vacant && mount.namespaceId === namespaceId),
    empty: (mount, awaited) => empty(mount, awaited),
    async sweep(more) {
      for (const { mount } of all()) if (more()) await unlessSealed(() => empty(mount, false, more))
    },
  }
}

// Moving a mount, within its namespace or to another: its entry changes tables in one commit, its data stays where it lies.
import { Fault, unlessSealed } from '../base/fault.ts'
import { uuid } from '../base/ids.ts'
import type { Clock, Random } from '../base/ports.ts'
import type { Mount } from '../contract/mount.ts'
import { namespacePrefix, ROOT_ID } from '../store/layout.ts'
import { records } from '../store/records.ts'
import type { Store } from '../store/store.ts'
import { transact, type Tx } from '../store/transact.ts'
import { view } from '../store/view.ts'
import { within } from '../store/within.ts'
import { assertEnterable, clashing, entries, type Place, settleMount } from './mount-entries.ts'
import { unguard } from './mount-guard.ts'

export interface Spot {
  readonly place: Place
  /** As in the mount table, ending in a slash. */
  readonly path: string
}

export interface Migration {
  readonly from: Spot
  readonly to: Spot
  /** Path of the namespace in which the move was asked for. */
  readonly asked: string
  /** Wall milliseconds of when it was asked for. */
  readonly at: number
  readonly status: 'in-progress' | 'success' | 'failure'
}

export interface MigrationDeps {
  /** Behind the barrier, whole. */
  readonly store: Store
  readonly clock: Clock
  readonly random: Random
  /** Ends what the mount lent and the tokens that it gave, none of which outlives the move; false while something is left. */
  readonly beforeMove: (mount: Mount) => Promise<boolean>
  /** Takes along what is kept elsewhere about the mount, as it is after the move. */
  readonly afterMove: (tx: Tx, mount: Mount) => void
}

export interface Migrations {
  /** Closes the mount and remembers the move. Throws `invalid` where it can't be. */
  start(from: Spot, to: Spot, asked: string): Promise<string>
  /** Takes a move as far as it goes. */
  advance(id: string): Promise<void>
  read(id: string): Migration | undefined
  /** Takes all moves as far as they go, and forgets those that ended long ago. */
  sweep(): Promise<void>
}

const stored = records<Migration>(`${namespacePrefix(ROOT_ID)}migration/`)
const KEPT_MS = 86_400_000
/** All its data would have to be sealed anew. */
const BETWEEN_SEALS = 'a mount cannot be moved into or out of a namespace with a seal of its own'

export function openMigrations({ store, clock, random, beforeMove, afterMove }: MigrationDeps): Migrations {
  function start(from: Spot, to: Spot, asked: string): Promise<string> {
    return transact(store, (tx) => {
      const table = within(tx, namespacePrefix(from.place.id))
      const mount = entries.get(table, from.path)
      if (!mount || mount.moving !== undefined)
        throw new Fault('invalid', `no matching mount at "${(from.place.path + from.path).slice(asked.length)}"`)
      if (from.place.seal !== to.place.seal) throw new Fault('invalid', BETWEEN_SEALS)
      assertEnterable(tx, to.place)
      const clash = clashing(tx, to.place, to.path)
      if (clash !== undefined) throw new Fault('invalid', `path already in use at "${to.place.path}${clash}"`)
      const id = uuid(random)
      entries.put(table, from.path, { ...mount, moving: id })
      stored.put(tx, id, { from, to, asked, at: clock.now(), status: 'in-progress' })
      return id
    })
  }

  async function advance(id: string): Promise<void> {
    const migration = stored.get(store, id)
    if (migration?.status !== 'in-progress') return
    const mount = entries.get(view(store, namespacePrefix(migration.from.place.id)), migration.from.path)
    if (mount?.moving === id && !(await beforeMove(mount))) return
    try {
      await transact(store, (tx) => settle(tx, id, migration, afterMove))
    } catch (error) {
      if (!(error instanceof Fault)) throw error
      await transact(store, (tx) => giveUp(tx, id, migration))
    }
  }

  return {
    start,
    advance,
    read: (id) => stored.get(store, id),
    async sweep() {
      for (const id of stored.ids(store)) {
        const { status, at } = stored.get(store, id) ?? { status: 'failure', at: 0 }
        if (status === 'in-progress') await unlessSealed(() => advance(id))
        else if (at + KEPT_MS < clock.now()) await transact(store, (tx) => stored.delete(tx, id))
      }
    },
  }
}

/** The move itself. Whoever else settled it meanwhile has left nothing to do. */
function settle(tx: Tx, id: string, migration: Migration, afterMove: MigrationDeps['afterMove']): void {
  if (stored.get(tx, id)?.status !== 'in-progress') return
  const { from, to } = migration
  const table = within(tx, namespacePrefix(from.place.id))
  const mount = entries.get(table, from.path)
  if (mount?.moving !== id) throw new Fault('invalid', 'the mount is gone')
  unguard(table, from.path)
  entries.delete(table, from.path)
  const { moving: _, ...still } = mount
  const after = { ...still, path: to.path, namespace: to.place.path, namespaceId: to.place.id }
  settleMount(tx, to.place, after)
  afterMove(tx, after)
  stored.put(tx, id, { ...migration, status: 'success' })
}

/** The mount stays where it was. */
function giveUp(tx: Tx, id: string, migration: Migration): void {
  const table = within(tx, namespacePrefix(migration.from.place.id))
  const mount = entries.get(table, migration.from.path)
  if (mount?.moving === id) {
    const { moving: _, ...still } = mount
    entries.put(table, migration.from.path, still)
  }
  stored.put(tx, id, { ...migration, status: 'failure' })
}

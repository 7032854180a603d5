// Changing a namespace's mount table within a transaction: what may stand where.
import { Fault } from '../base/fault.ts'
import { mountAccessor, uuid } from '../base/ids.ts'
import { parsePath } from '../base/path.ts'
import type { Random } from '../base/ports.ts'
import type { Mount } from '../contract/mount.ts'
import type { Namespace } from '../contract/namespace.ts'
import { namespacePrefix, ROOT_ID } from '../store/layout.ts'
import { records } from '../store/records.ts'
import type { Tx } from '../store/transact.ts'
import { within } from '../store/within.ts'
import { guard, MOUNTS } from './mount-guard.ts'
import { type MountSpec, newMount } from './mount-spec.ts'
import { byPath } from './namespace-entries.ts'

export const entries = records<Mount>(MOUNTS)

/** Where a table is: of its namespace the id, the path, and what guards it. */
export type Place = Pick<Namespace, 'id' | 'path' | 'seal'>

/** Adds a mount. `tx` is on the whole store; `slice` is one that was never given out before. Throws `invalid` where its path can't be taken. */
export function addMount(tx: Tx, place: Place, spec: MountSpec, slice: string, random: Random): Mount {
  const path = mountPath(spec.path)
  const accessor = mountAccessor(spec.class === 'auth' ? 'auth_' : '', spec.type, random)
  const mount = newMount({ ...spec, path }, { uuid: uuid(random), accessor, slice, namespace: place.path, namespaceId: place.id })
  settleMount(tx, place, mount)
  return mount
}

/** Writes a mount where no other is in its way. */
export function settleMount(tx: Tx, place: Place, mount: Mount): void {
  assertEnterable(tx, place)
  const own = within(tx, namespacePrefix(place.id))
  guard(own, mount.path)
  const clash = clashing(tx, place, mount.path)
  if (clash !== undefined) throw new Fault('invalid', `path is already in use at ${mount.class === 'auth' ? clash.slice('auth/'.length) : clash}`)
  entries.put(own, mount.path, mount)
}

/** Nothing is made in what is going or gone; the read guards the commit against its going at the same time. Returns what is stored, of all but the root. */
export function assertEnterable(tx: Tx, { id, path }: Place): Namespace | undefined {
  if (id === ROOT_ID) return undefined
  const now = byPath.get(tx, path)
  if (now?.id !== id || now.doomed) throw new Fault('missing', 'namespace not found')
  return now
}

/** What is in the way of a mount at `path`, which ends in a slash: another at, above or below it, or a namespace that would be asked instead. */
export function clashing(tx: Tx, place: Place, path: string): string | undefined {
  const name = path.slice(0, path.indexOf('/') + 1)
  return clashingMount(within(tx, namespacePrefix(place.id)), path) ?? (byPath.get(tx, place.path + name) && name)
}

export function clashingMount(own: Tx, path: string): string | undefined {
  for (const { key } of own.range({ prefix: MOUNTS + path, limit: 1 })) return key.slice(MOUNTS.length)
  for (let slash = path.indexOf('/'); slash >= 0; slash = path.indexOf('/', slash + 1)) {
    const above = path.slice(0, slash + 1)
    if (entries.get(own, above)) return above
  }
  return undefined
}

function mountPath(raw: string): string {
  const path = parsePath(raw.replace(/^\/+|\/+$/g, ''))
  if (path === '' || path === 'auth') throw new Fault('invalid', 'missing mount path')
  if (/[*+]/.test(path)) throw new Fault('invalid', 'mount path cannot contain "*" or "+"')
  return `${path}/`
}

// Looks for half states among namespaces and mounts: an entry without its counterpart, data that belongs to nobody.
import type { Mount } from '../contract/mount.ts'
import type { Namespace } from '../contract/namespace.ts'
import { dataPrefix, namespacePrefix, ROOT_ID } from '../store/layout.ts'
import { decode } from '../store/records.ts'
import type { Key, Store } from '../store/store.ts'
import { goneSlices } from './gone.ts'
import { guardOf, MOUNTS } from './mount-guard.ts'
import { byPath, NAMESPACES, pathById } from './namespace-entries.ts'
import { isLeaving } from './namespace-removal.ts'

/** All below the root, doomed ones too. */
export function allNamespaces(store: Store): Namespace[] {
  return Array.from(store.range({ prefix: NAMESPACES }), ({ value }) => decode<Namespace>(value))
}

/** Ids of all namespaces, the root's first. */
export function namespaceIds(store: Store): string[] {
  return [ROOT_ID, ...allNamespaces(store).map(({ id }) => id)]
}

/** Those whose mount tables can be read: what a seal of their own guards takes keys that only their people hold. */
function openIds(store: Store): string[] {
  return [ROOT_ID, ...allNamespaces(store).flatMap(({ id, seal }) => (seal === '' ? [id] : []))]
}

/** All mounts of all namespaces that no seal of their own guards. */
export function* allMounts(store: Store): Generator<Mount> {
  for (const id of openIds(store)) for (const { value } of store.range({ prefix: namespacePrefix(id) + MOUNTS })) yield decode<Mount>(value)
}

/** What is wrong, one line each. `store` is the whole store behind the barrier, and must not change meanwhile. */
export function* checkTenancy(store: Store): Generator<string> {
  yield* checkNamespaces(store)
  yield* checkMounts(store)
  yield* checkOwners(store)
}

function* checkNamespaces(store: Store): Generator<string> {
  for (const { key, value } of store.range({ prefix: NAMESPACES })) {
    const { id, path, doomed } = decode<Namespace>(value)
    if (key !== NAMESPACES + path) yield `${key} holds the namespace ${path}`
    if (pathById.get(store, id) !== path) yield `namespace ${path} is not found by its id ${id}`
    const above = path.slice(0, path.lastIndexOf('/', path.length - 2) + 1)
    if (above !== '' && !byPath.get(store, above)) yield `namespace ${path} is within one that is gone`
    if (doomed && !isLeaving(store, id)) yield `namespace ${path} is closed, and nobody will remove it`
  }
  for (const id of pathById.ids(store)) {
    const path = pathById.get(store, id)
    if (path === undefined || byPath.get(store, path)?.id !== id) yield `the id ${id} leads to no namespace`
  }
}

function* checkMounts(store: Store): Generator<string> {
  const seen = { slice: new Map<string, string>(), accessor: new Map<string, string>(), uuid: new Map<string, string>() }
  const given = Number(store.get('slices')?.value.toString() ?? '0')
  for (const id of openIds(store)) {
    const own = namespacePrefix(id)
    for (const { key, value } of store.range({ prefix: own + MOUNTS })) {
      const mount = decode<Mount>(value)
      if (key !== own + MOUNTS + mount.path || mount.namespaceId !== id) yield `${key} holds the mount ${mount.namespace}${mount.path}`
      for (const [name, all] of Object.entries(seen)) {
        const value = mount[name as keyof typeof seen]
        if (all.has(value)) yield `${key} and ${all.get(value)} have the same ${name}`
        all.set(value, key)
      }
      if (!store.get(own + guardOf(mount.path))) yield `${key} has no guard`
      if (Number.parseInt(mount.slice, 36) >= given) yield `${key} has the slice ${mount.slice}, which was never given out`
      if (goneSlices(store).includes(mount.slice)) yield `${key} is mounted and gone at once`
    }
    if (isLeaving(store, id)) continue // its mounts go first, the rest follows
    for (const key of store.keys({ prefix: `${own}mount-guard/` })) {
      const name = key.slice(`${own}mount-guard/`.length)
      if ([...store.keys({ prefix: own + MOUNTS + name, limit: 1 })].length === 0) yield `${key} guards nothing`
    }
  }
}

/** Every key under `ns/` belongs to a namespace, and every one under `data/` to a mount, or to one that is being removed. */
function* checkOwners(store: Store): Generator<string> {
  const namespaces = new Set(namespaceIds(store))
  for (const id of folders(store, 'ns/')) if (!namespaces.has(id) && !isLeaving(store, id)) yield `ns/${id}/ is of no namespace`
  const slices = new Set([...Array.from(allMounts(store), ({ slice }) => slice), ...goneSlices(store)])
  const guarded = (slice: string) => slice.includes('.') && namespaces.has(slice.slice(0, slice.indexOf('.')))
  for (const slice of folders(store, 'data/'))
    if (!slices.has(slice) && !guarded(slice) && !isLeaving(store, slice.split('.', 1)[0] as string)) yield `${dataPrefix(slice)} is of no mount`
}

/** First names below a prefix, by jumping from one to the next. */
function* folders(store: Store, prefix: Key): Generator<string> {
  for (let after = prefix; ; ) {
    const [key] = store.keys({ prefix, after, limit: 1 })
    if (key === undefined) return
    const name = key.slice(prefix.length, key.indexOf('/', prefix.length))
    yield name
    after = `${prefix}${name}/\u{10ffff}`
  }
}

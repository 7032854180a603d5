// Lease-count quotas: how many leases may be out at once, of a namespace, a mount or a role of it; checked as a lease is made.
import { coreFault } from '../base/fault.ts'
import type { Mount } from '../contract/mount.ts'
import { namespacePrefix, ROOT_ID } from '../store/layout.ts'
import { decode, records } from '../store/records.ts'
import type { Store } from '../store/store.ts'
import { transact, type Tx } from '../store/transact.ts'
import { countOf, type Scope } from './counts.ts'

/** What a quota is of. */
export interface QuotaPlace {
  /** The id of a namespace. */
  readonly namespace: string
  /** A mount's uuid; '' for the namespace. */
  readonly mount: string
  /** '' for all roles of the mount. */
  readonly role: string
}

export interface Quota extends QuotaPlace {
  readonly name: string
  /** From the root, of the namespace or mount when the quota was made. */
  readonly path: string
  readonly maxLeases: number
  /** Whether it holds in namespaces below that have none of their own; of a quota for a namespace only. */
  readonly inheritable: boolean
}

/** Managed for all namespaces together. */
export interface Quotas {
  list(): readonly Quota[]
  get(name: string): Quota | undefined
  /** Undefined where it was stored, otherwise the name of another that is of the same place. */
  put(quota: Quota): Promise<string | undefined>
  delete(name: string): Promise<void>
  /** Removes the quotas of a mount that is gone, by its uuid. */
  dropOf(mount: string): Promise<void>
  /** Throws `throttled` where one lease more would be too many; `path` is that of the request. */
  check(tx: Tx, wish: QuotaPlace, path: string): void
}

/** Holds wherever no other quota of a namespace does: whoever makes one for the root replaces it. */
export const BUILT_IN: Quota = { name: 'default', namespace: ROOT_ID, mount: '', role: '', path: '', maxLeases: 1_000_000, inheritable: true }

const FOLDER = `${namespacePrefix(ROOT_ID)}lease/quota`
export const byName = records<Quota>(`${FOLDER}/`)
/** Names by place. */
export const byPlace = records<string>(`${FOLDER}-of/`)

export function placeId({ namespace, mount, role }: QuotaPlace): string {
  return `${namespace}/${mount}/${role}`
}

/** `above` tells the id of the namespace that one is in; undefined for the root. */
export function openQuotas(store: Store, above: (namespace: string) => string | undefined): Quotas {
  const all = () => byName.ids(store).map((name) => byName.get(store, name) as Quota)
  const isReplaced = (from: Pick<Tx, 'get'>) => at(from, BUILT_IN) !== undefined
  return {
    list: () => (isReplaced(store) ? all() : [BUILT_IN, ...all()]),
    get: (name) => byName.get(store, name) ?? (name === BUILT_IN.name && !isReplaced(store) ? BUILT_IN : undefined),
    put: (quota) => transact(store, (tx) => put(tx, quota)),
    delete: (name) => transact(store, (tx) => remove(tx, name)),
    dropOf: (mount) =>
      transact(store, (tx) => {
        for (const name of byName.ids(store)) if (byName.get(tx, name)?.mount === mount) remove(tx, name)
      }),
    check(tx, wish, path) {
      const [quota, scope] = nearest(tx, wish, above)
      if (countOf(tx, scope) >= quota.maxLeases) throw coreFault('throttled', `request path "${path}": lease count quota exceeded`)
    },
  }
}

/** The one that says most of where the lease is made, and what it counts. */
function nearest(tx: Tx, wish: QuotaPlace, above: (namespace: string) => string | undefined): [Quota, Scope] {
  const { namespace, mount, role } = wish
  const ofRole = role === '' ? undefined : at(tx, wish)
  if (ofRole) return [ofRole, { namespace, mount, role }]
  const ofMount = at(tx, { ...wish, role: '' })
  if (ofMount) return [ofMount, { namespace, mount }]
  const own = at(tx, { namespace, mount: '', role: '' })
  return [own ?? inherited(tx, namespace, above), { namespace }]
}

/** That of the nearest namespace above that hands its own down. */
function inherited(tx: Tx, namespace: string, above: (namespace: string) => string | undefined): Quota {
  for (let id = above(namespace); id !== undefined; id = above(id)) {
    const quota = at(tx, { namespace: id, mount: '', role: '' })
    if (quota?.inheritable) return quota
  }
  return BUILT_IN
}

function at(from: Pick<Tx, 'get'>, place: QuotaPlace): Quota | undefined {
  const name = byPlace.get(from, placeId(place))
  return name === undefined ? undefined : byName.get(from, name)
}

function put(tx: Tx, quota: Quota): string | undefined {
  const holder = byPlace.get(tx, placeId(quota))
  if (holder !== undefined && holder !== quota.name) return holder
  const before = byName.get(tx, quota.name)
  if (before) byPlace.delete(tx, placeId(before))
  byName.put(tx, quota.name, quota)
  byPlace.put(tx, placeId(quota), quota.name)
  return undefined
}

/** Quotas of a mount go with it to where it moved. */
export function moveQuotas(tx: Tx, { uuid, namespaceId, namespace, path }: Mount): void {
  for (const { value } of tx.range({ prefix: byName.key('') })) {
    const quota = decode<Quota>(value)
    if (quota.mount !== uuid) continue
    remove(tx, quota.name)
    put(tx, { ...quota, namespace: namespaceId, path: namespace + path })
  }
}

function remove(tx: Tx, name: string): void {
  const quota = byName.get(tx, name)
  if (!quota) return
  byName.delete(tx, name)
  byPlace.delete(tx, placeId(quota))
}

// Lease-count quotas: how many leases may be out at once, of a namespace, a mount or a role of it; checked as a lease is made.
import { coreFault } from '../base/fault.ts'
import { namespacePrefix } from '../store/layout.ts'
import { type Records, records } from '../store/records.ts'
import type { Store } from '../store/store.ts'
import { transact, type Tx } from '../store/transact.ts'
import { countOf, type Scope } from './counts.ts'

/** What a quota is of. */
export interface QuotaPlace {
  /** A mount's path, ending in a slash; '' for the namespace. */
  readonly path: string
  /** '' for all roles of the mount. */
  readonly role: string
}

export interface Quota extends QuotaPlace {
  readonly name: string
  readonly maxLeases: number
  /** Whether it holds in namespaces below that have none of their own; of a quota for a namespace only. */
  readonly inheritable: boolean
}

/** A lease that is about to be made. */
export interface Wish extends QuotaPlace {
  readonly namespace: string
  /** The mount's uuid. */
  readonly mount: string
  /** For the message. */
  readonly request: string
}

/** Namespaces are named by their ids. */
export interface Quotas {
  list(namespace: string): readonly Quota[]
  get(namespace: string, name: string): Quota | undefined
  /** Undefined where it was stored, otherwise the name of another that is of the same place. */
  put(namespace: string, quota: Quota): Promise<string | undefined>
  delete(namespace: string, name: string): Promise<void>
  /** Removes the quotas of a mount that is gone. */
  dropOf(namespace: string, path: string): Promise<void>
  /** Throws `throttled` where one lease more would be too many. */
  check(tx: Tx, wish: Wish): void
}

/** Holds in every namespace that no other quota of a namespace holds in: whoever makes one replaces it. */
export const BUILT_IN: Quota = { name: 'default', path: '', role: '', maxLeases: 1_000_000, inheritable: true }

interface Tables {
  readonly byName: Records<Quota>
  /** Names by place. */
  readonly byPlace: Records<string>
}

function tablesOf(namespace: string): Tables {
  const folder = `${namespacePrefix(namespace)}lease/quota`
  return { byName: records(`${folder}/`), byPlace: records(`${folder}-of/`) }
}

function placeId({ path, role }: QuotaPlace): string {
  return `${encodeURIComponent(role)}/${path}`
}

/** `above` tells the id of the namespace that one is in; undefined for the root. */
export function openQuotas(store: Store, above: (namespace: string) => string | undefined): Quotas {
  function at(from: Pick<Tx, 'get'>, namespace: string, place: QuotaPlace): Quota | undefined {
    const { byName, byPlace } = tablesOf(namespace)
    const name = byPlace.get(from, placeId(place))
    return name === undefined ? undefined : byName.get(from, name)
  }

  /** That of the namespace, or of the nearest above that hands its own down. */
  function ofNamespace(from: Pick<Tx, 'get'>, namespace: string): Quota {
    const own = at(from, namespace, BUILT_IN)
    if (own) return own
    for (let id = above(namespace); id !== undefined; id = above(id)) {
      const quota = at(from, id, BUILT_IN)
      if (quota?.inheritable) return quota
    }
    return BUILT_IN
  }

  /** The one that says most of where the lease is made, and what it counts. */
  function nearest(tx: Tx, { namespace, mount, path, role }: Wish): [Quota, Scope] {
    const ofRole = role === '' ? undefined : at(tx, namespace, { path, role })
    if (ofRole) return [ofRole, { namespace, mount, role }]
    const ofMount = at(tx, namespace, { path, role: '' })
    return ofMount ? [ofMount, { namespace, mount }] : [ofNamespace(tx, namespace), { namespace }]
  }

  return {
    list(namespace) {
      const { byName } = tablesOf(namespace)
      const own = byName.ids(store).map((name) => byName.get(store, name) as Quota)
      return ofNamespace(store, namespace) === BUILT_IN ? [BUILT_IN, ...own].sort((a, b) => (a.name < b.name ? -1 : 1)) : own
    },
    get(namespace, name) {
      const own = tablesOf(namespace).byName.get(store, name)
      return own ?? (name === BUILT_IN.name && ofNamespace(store, namespace) === BUILT_IN ? BUILT_IN : undefined)
    },
    put: (namespace, quota) => transact(store, (tx) => put(tx, tablesOf(namespace), quota)),
    delete: (namespace, name) => transact(store, (tx) => remove(tx, tablesOf(namespace), name)),
    dropOf: (namespace, path) =>
      transact(store, (tx) => {
        const tables = tablesOf(namespace)
        for (const name of tables.byName.ids(store)) if (tables.byName.get(tx, name)?.path === path) remove(tx, tables, name)
      }),
    check(tx, wish) {
      const [quota, scope] = nearest(tx, wish)
      if (countOf(tx, scope) >= quota.maxLeases) throw coreFault('throttled', `request path "${wish.request}": lease count quota exceeded`)
    },
  }
}

function put(tx: Tx, { byName, byPlace }: Tables, quota: Quota): string | undefined {
  const holder = byPlace.get(tx, placeId(quota))
  if (holder !== undefined && holder !== quota.name) return holder
  const before = byName.get(tx, quota.name)
  if (before) byPlace.delete(tx, placeId(before))
  byName.put(tx, quota.name, quota)
  byPlace.put(tx, placeId(quota), quota.name)
  return undefined
}

function remove(tx: Tx, { byName, byPlace }: Tables, name: string): void {
  const quota = byName.get(tx, name)
  if (!quota) return
  byName.delete(tx, name)
  byPlace.delete(tx, placeId(quota))
}

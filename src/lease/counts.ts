// How many leases there are in a namespace, of a mount, of a role: kept in the commits that make and remove them, read in one step.
import { namespaceIdOf, namespacePrefix } from '../store/layout.ts'
import { decode, encode } from '../store/records.ts'
import type { Key } from '../store/store.ts'
import type { Tx } from '../store/transact.ts'

/** The count over all namespaces. */
export const ALL: Key = 'lease-count'

/** Of one namespace, by its id: everything, a mount's by its uuid, or those of one of its roles. */
export interface Scope {
  readonly namespace: string
  readonly mount?: string
  readonly role?: string
}

/** What a lease says for being counted. */
export interface Counted {
  readonly id: string
  readonly mount: string
  readonly role: string
}

/** Everything where no scope is given. */
export function countOf(from: Pick<Tx, 'get'>, scope?: Scope): number {
  return read(from, scope ? countKey(scope) : ALL)
}

/** Intents count from the start: what is about to be lent has taken its place. */
export function count(tx: Tx, counted: Counted, by: 1 | -1): void {
  for (const key of countKeys(counted)) {
    const now = read(tx, key) + by
    if (now > 0) tx.put(key, encode(now))
    else tx.delete(key)
  }
}

/** The counts that a lease is in. */
export function countKeys({ id, mount, role }: Counted): Key[] {
  const namespace = namespaceIdOf(id)
  return [ALL, countKey({ namespace }), countKey({ namespace, mount }), ...(role === '' ? [] : [countKey({ namespace, mount, role })])]
}

export function countFolder(namespace: string): Key {
  return `${namespacePrefix(namespace)}lease/count/`
}

function countKey({ namespace, mount, role }: Scope): Key {
  const name = mount === undefined ? 'all' : role === undefined ? `mount/${mount}` : `role/${mount}/${role}`
  return countFolder(namespace) + name
}

function read(from: Pick<Tx, 'get'>, key: Key): number {
  const entry = from.get(key)
  return entry ? decode<number>(entry.value) : 0
}

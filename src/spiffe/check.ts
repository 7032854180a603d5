// Looks for half states of a trust domain: entries, agents, join tokens, authorities and federation against what goes with each.
import { checkIndexed } from '../store/check-index.ts'
import type { Store } from '../store/store.ts'
import { agents } from './agents.ts'
import { ALL, KEYS, sets } from './authorities.ts'
import { allOf, openSet } from './authority-set.ts'
import { crls, maySign } from './crls.ts'
import { COUNT, entries, INDEXES, indexes, OWNER } from './entries.ts'
import { roles as exchangeRoles } from './exchange.ts'
import { due as federationDue, relationships, statuses } from './federation.ts'
import { entry as settings, ONLY } from './settings.ts'
import { parts } from './parts.ts'
import { due as tokenDue, tokens } from './join-tokens.ts'

/** What is wrong, one line each. `store` is the mount's slice, and must not change meanwhile. */
export function* checkSpiffe(store: Store): Generator<string> {
  const there = yield* checkIndexed(store, { records: entries, idOf: ({ id }) => id, indexes, folders: INDEXES })
  const said = Number(store.get(COUNT)?.value.toString() ?? '0')
  if (said !== there) yield `${COUNT} is ${said}, but there are ${there}`
  yield* checkIndexed(store, { records: agents, idOf: ({ id }) => id, indexes: () => [], folders: [] })
  yield* checkIndexed(store, { records: tokens, indexes: ({ expiresAt }, id) => [tokenDue.entry(expiresAt, id)], folders: [tokenDue.prefix] })
  yield* checkIndexed(store, {
    records: relationships,
    idOf: ({ trustDomain }) => trustDomain,
    indexes: (_, id) => [federationDue.entry(statuses.get(store, id)?.nextAt ?? 0, id)],
    folders: [federationDue.prefix],
  })
  for (const id of statuses.ids(store)) if (!relationships.get(store, id)) yield `${statuses.key(id)} is of no relationship`
  const used = there > 0 || sets.get(store, ALL) !== undefined
  if (used && !settings.get(store, ONLY)) yield `${settings.key(ONLY)} is missing`
  yield* checkAuthorities(store)
  yield* checkParts(store)
}

/** Every authority has its key, and its revocation list where it may sign one; there are no others. */
function* checkAuthorities(store: Store): Generator<string> {
  const set = openSet(sets.get(store, ALL))
  const ids = new Set(allOf(set).map(({ id }) => id))
  for (const id of ids) if (!store.get(KEYS + id)) yield `the authority ${id} has no key`
  for (const key of store.keys({ prefix: KEYS })) if (!ids.has(key.slice(KEYS.length))) yield `${key} is of no authority`
  for (const one of set.x509) if (maySign(one) && !crls.get(store, one.id)) yield `the authority ${one.id} has no revocation list`
  for (const id of crls.ids(store)) if (!set.x509.some((one) => one.id === id)) yield `${crls.key(id)} is of no authority`
}

/** What was made in a namespace is known to its part, which removes it in the end. */
function* checkParts(store: Store): Generator<string> {
  yield* checkIndexed(store, { records: parts, idOf: ({ namespace }) => namespace, indexes: () => [], folders: [] })
  const owners = Array.from(store.keys({ prefix: OWNER }), (key) => key.slice(OWNER.length))
  const roles = exchangeRoles.ids(store)
  for (const id of roles) if (exchangeRoles.get(store, id)?.name !== id.split('/').at(-1)) yield `${exchangeRoles.key(id)} holds another`
  const namespaces = [...owners, ...roles.filter((name) => name.includes('/'))].map((id) => id.split('/', 1)[0] as string)
  for (const id of new Set(namespaces)) if (!parts.get(store, id)) yield `the namespace ${id} has entries or roles, and no part of the trust domain`
}

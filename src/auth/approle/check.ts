// Looks for half states in an AppRole mount: ids that lead nowhere, and secret IDs that nothing will remove.
import { decode } from '../../store/records.ts'
import type { Store } from '../../store/store.ts'
import { findDigest } from '../salt.ts'
import { type Role, ROLE_PREFIX, roleNameOf } from './roles.ts'
import { checkSecretIds } from './secret-ids.ts'
import { isBuried } from './tidy.ts'

/** What is wrong, one line each. `store` is the mount's own, and must not change meanwhile. */
export function* checkAppRole(store: Store): Generator<string> {
  const digest = findDigest(store)
  const roles = Array.from(store.range({ prefix: ROLE_PREFIX }), ({ key, value }) => ({
    name: key.slice(ROLE_PREFIX.length),
    role: decode<Role>(value),
  }))
  if (!digest) {
    if (roles.length > 0) yield 'there are roles, but no salt'
    return
  }
  for (const { name, role } of roles) if (roleNameOf(store, digest, role.roleId) !== name) yield `role ${name} is not found by its id`
  const count = [...store.keys({ prefix: 'role-id/' })].length
  if (count !== roles.length) yield `there are ${roles.length} roles, and ${count} ids of roles`
  const known = new Set(roles.map(({ role }) => role.uuid))
  yield* checkSecretIds(store, digest, (role) => known.has(role) || isBuried(store, role))
}

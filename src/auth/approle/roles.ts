// What is kept of a role, how a write changes it, and the index that leads from a role ID to its role.
import { formatDuration } from '../../base/duration.ts'
import { coreFault, Fault } from '../../base/fault.ts'
import { bool, int, list, maybe, seconds, text, type Values } from '../../base/fields.ts'
import { uuid } from '../../base/ids.ts'
import type { JsonObject } from '../../base/json.ts'
import type { Random } from '../../base/ports.ts'
import { records } from '../../store/records.ts'
import type { Tx } from '../../store/transact.ts'
import { forgetName } from '../lockout.ts'
import { normalise } from '../normalise.ts'
import type { Digest } from '../salt.ts'
import { type Aliases, mergeTokenFields, NO_TOKEN_PARAMS, showTokenFields, type TokenInput, type TokenParams, tokenFields } from '../token-fields.ts'
import { checkBlocks } from './address-blocks.ts'

export interface Role {
  /** Never shown and never used again: secret IDs belong to it, so those of a removed role fit no later one of that name. */
  readonly uuid: string
  readonly roleId: string
  readonly bindSecretId: boolean
  readonly secretIdBoundCidrs: readonly string[]
  readonly secretIdNumUses: number
  readonly secretIdTtl: number
  /** Whether secret IDs stay in this cluster. All of a mount's data does, so it changes nothing else. */
  readonly localSecretIds: boolean
  readonly token: TokenParams
}

export const ROLE_PREFIX = 'role/'
export const roles = records<Role>(ROLE_PREFIX)
const roleIds = records<{ readonly role: string }>('role-id/')

export const ROLE_ALIASES: Aliases = { policies: 'token_policies', period: 'token_period' }

export const roleFields = {
  bind_secret_id: maybe(bool('Whether a login needs a secret ID.')),
  secret_id_bound_cidrs: maybe(list('Address blocks from which logins are taken.')),
  secret_id_num_uses: maybe(int('Logins that a secret ID is good for; 0 is without limit.')),
  secret_id_ttl: maybe(seconds('Life of a secret ID; 0 is without end.')),
  local_secret_ids: maybe(bool('Keeps secret IDs in this cluster; only settled when the role is made.')),
  ...tokenFields,
  policies: maybe(list('Older name of `token_policies`.')),
  period: maybe(seconds('Older name of `token_period`.')),
} as const

export const roleInput = {
  ...roleFields,
  role_id: maybe(text('The ID that logins name; a UUID where none is given.')),
  bound_cidr_list: maybe(list('Older name of `secret_id_bound_cidrs`.')),
} as const

export type RoleInput = Partial<Values<typeof roleInput>>

/** What a path to a role captures. */
export interface RoleNamed {
  readonly role_name: string
}

export function newRole(random: Random): Role {
  return {
    uuid: uuid(random),
    roleId: uuid(random),
    bindSecretId: true,
    secretIdBoundCidrs: [],
    secretIdNumUses: 0,
    secretIdTtl: 0,
    localSecretIds: false,
    token: NO_TOKEN_PARAMS,
  }
}

/** The role after a write: what was not sent stays. Throws `invalid`. */
export function mergeRole(role: Role, input: RoleInput): Role {
  const token = mergeTokenFields(role.token, input as TokenInput, ROLE_ALIASES)
  const roleId = input.role_id === undefined ? role.roleId : normalise('role-id', input.role_id)
  if (roleId === '') throw new Fault('invalid', 'invalid role_id supplied, or failed to generate a role_id')
  const secretIdNumUses = input.secret_id_num_uses ?? role.secretIdNumUses
  if (secretIdNumUses < 0) throw new Fault('invalid', 'secret_id_num_uses cannot be negative')
  return {
    ...role,
    roleId,
    bindSecretId: input.bind_secret_id ?? role.bindSecretId,
    secretIdBoundCidrs: checkBlocks(input.secret_id_bound_cidrs ?? input.bound_cidr_list ?? role.secretIdBoundCidrs, 'CIDR blocks'),
    secretIdNumUses,
    secretIdTtl: input.secret_id_ttl ?? role.secretIdTtl,
    localSecretIds: input.local_secret_ids ?? role.localSecretIds,
    token,
  }
}

/** Why a period can't be had, where it is longer than the mount lets any token live. */
export function tooLong(period: number, maxTtl: number): string | undefined {
  if (period <= maxTtl) return undefined
  return `period of "${formatDuration(period)}" is greater than the backend's maximum lease TTL of "${formatDuration(maxTtl)}"`
}

/** Stores a role with its index. Throws `invalid` where anyone could log in with the role ID alone, or another role has it. */
export function saveRole(tx: Tx, digest: Digest, name: string, role: Role, before: Role | undefined): void {
  if (!role.bindSecretId && role.secretIdBoundCidrs.length === 0 && role.token.boundCidrs.length === 0) {
    throw coreFault('invalid', 'at least one constraint should be enabled on the role')
  }
  if (before?.roleId !== role.roleId) {
    if (roleNameOf(tx, digest, role.roleId) !== undefined) throw coreFault('invalid', 'role_id already in use')
    if (before) dropRoleId(tx, digest, before.roleId)
    roleIds.put(tx, indexOf(digest, role.roleId), { role: name })
  }
  roles.put(tx, name, role)
}

export function dropRole(tx: Tx, digest: Digest, name: string, role: Role): void {
  dropRoleId(tx, digest, role.roleId)
  roles.delete(tx, name)
}

function dropRoleId(tx: Tx, digest: Digest, roleId: string): void {
  roleIds.delete(tx, indexOf(digest, roleId))
  forgetName(tx, digest, roleId)
}

/** The name of the role that a role ID leads to. */
export function roleNameOf(from: Pick<Tx, 'get'>, digest: Digest, roleId: string): string | undefined {
  return roleIds.get(from, indexOf(digest, roleId))?.role
}

function indexOf(digest: Digest, roleId: string): string {
  return digest(`role-id/${roleId}`)
}

export function showRole(role: Role): JsonObject {
  return {
    bind_secret_id: role.bindSecretId,
    secret_id_bound_cidrs: orNull(role.secretIdBoundCidrs),
    secret_id_num_uses: role.secretIdNumUses,
    secret_id_ttl: role.secretIdTtl,
    local_secret_ids: role.localSecretIds,
    ...showTokenFields(role.token, ROLE_ALIASES),
  }
}

/** Lists of addresses that are empty show as null, as Go prints a list that was never made. */
export function orNull(list: readonly string[]): string[] | null {
  return list.length === 0 ? null : [...list]
}

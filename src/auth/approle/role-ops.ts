// Making, changing, reading, listing and removing roles.
import { Fault } from '../../base/fault.ts'
import type { Ctx } from '../../contract/module.ts'
import { data, empty, keys, missing, type Reply } from '../../contract/reply.ts'
import { children } from '../../store/folder.ts'
import { transact } from '../../store/transact.ts'
import { normalise, tryNormalise } from '../normalise.ts'
import { openDigest } from '../salt.ts'
import { dropRole, mergeRole, newRole, ROLE_PREFIX, type RoleInput, type RoleNamed, roles, saveRole, showRole, tooLong } from './roles.ts'
import { bury, markBuried } from './tidy.ts'

export function roleExists(ctx: Ctx, input: RoleNamed): boolean {
  const name = tryNormalise('role', input.role_name)
  return name !== undefined && roles.get(ctx.store, name) !== undefined
}

export async function writeRole(ctx: Ctx, input: RoleNamed & RoleInput, maxTtl: number): Promise<Reply> {
  const name = normalise('role', input.role_name)
  const digest = await openDigest(ctx)
  const type = /^default-(service|batch)$/.exec(input.token_type ?? '')?.[1]
  const sent = type === undefined ? input : { ...input, token_type: type }
  const written = await transact(ctx.store, (tx) => {
    const before = roles.get(tx, name)
    if (before && input.local_secret_ids !== undefined) throw new Fault('invalid', 'local_secret_ids can only be modified during role creation')
    const role = mergeRole(before ?? newRole(ctx.random), sent)
    const refusal = role.token.aliases.includes('period') ? tooLong(role.token.period, maxTtl) : undefined
    if (refusal) throw new Fault('invalid', refusal)
    saveRole(tx, digest, name, role, before)
    return role
  })
  if (type !== undefined) ctx.warn(`default-${type} has no useful meaning; adjusting to ${type}`)
  if (written.token.maxTtl > maxTtl) {
    ctx.warn("token_max_ttl is greater than the backend mount's maximum TTL value; issued tokens' max TTL value will be truncated")
  }
  return empty()
}

export function readRole(ctx: Ctx, input: RoleNamed): Reply {
  const role = roles.get(ctx.store, normalise('role', input.role_name))
  return role ? data(showRole(role)) : missing()
}

export function listRoles(ctx: Ctx, { after, limit }: { after: string; limit: number }): Reply {
  return keys([...children(ctx.store, ROLE_PREFIX, { after, ...(limit > 0 ? { limit } : {}) })])
}

/** The role and its index go in one commit, from which on no secret ID of it fits anything; these follow in small steps. */
export async function deleteRole(ctx: Ctx, input: RoleNamed): Promise<Reply> {
  const name = normalise('role', input.role_name)
  const digest = await openDigest(ctx)
  const role = await transact(ctx.store, (tx) => {
    const role = roles.get(tx, name)
    if (!role) return undefined
    dropRole(tx, digest, name, role)
    markBuried(tx, role.uuid)
    return role
  })
  if (role) await bury(ctx.store, digest, role.uuid)
  return empty()
}

// Logging in with a role ID and a secret ID: found, checked and used up in one transaction.
import { Fault } from '../../base/fault.ts'
import type { JsonObject } from '../../base/json.ts'
import type { Ctx } from '../../contract/module.ts'
import { login, type Reply } from '../../contract/reply.ts'
import type { LoginGrant, Token, TokenLimits } from '../../contract/token.ts'
import type { Tx } from '../../store/transact.ts'
import type { Lockout } from '../lockout.ts'
import { normalise } from '../normalise.ts'
import { type Digest, findDigest, openDigest } from '../salt.ts'
import { notRenewed, renewedGrant, tokenGrant } from '../token-fields.ts'
import { checkSource, checkWithin } from './address-blocks.ts'
import { type Role, roleNameOf, roles } from './roles.ts'
import { findSecretId, placeOf, type SecretId, useSecretId } from './secret-ids.ts'

export interface Credentials {
  readonly role_id: string
  readonly secret_id: string
}

/** Reads only, unless the secret ID has limited uses or wrong guesses are counted: then making the token is the one commit of a login. */
export async function logIn(ctx: Ctx, input: Credentials, lockout: Lockout): Promise<Reply> {
  const roleId = normalise('role-id', input.role_id)
  if (roleId === '') throw new Fault('invalid', 'missing role_id')
  const digest = await openDigest(ctx)
  const exists = roleNameOf(ctx.store, digest, roleId) !== undefined
  const grant = await lockout.attempt(ctx, { digest, name: roleId, exists, now: ctx.clock.now() }, (tx) => {
    const name = roleNameOf(tx, digest, roleId)
    const role = name === undefined ? undefined : roles.get(tx, name)
    return role && name !== undefined ? redeem(ctx, tx, digest, { name, role }, input) : undefined
  })
  if (!grant) throw new Fault('invalid', 'invalid role or secret ID')
  return login(grant)
}

/** Undefined where the role ID is nobody's. */
export function roleOfLogin({ store }: Pick<Ctx, 'store'>, { role_id: raw }: JsonObject): string | undefined {
  const digest = findDigest(store)
  return digest && typeof raw === 'string' ? roleNameOf(store, digest, normalise('role-id', raw)) : undefined
}

interface Named {
  readonly name: string
  readonly role: Role
}

/** What the role gives, or undefined for a wrong secret ID. Throws, with nothing used up, where the right one may not be used. */
function redeem(ctx: Ctx, tx: Tx, digest: Digest, { name, role }: Named, input: Credentials): LoginGrant | undefined {
  const secretId = role.bindSecretId ? takeSecretId(ctx, tx, digest, role, input.secret_id) : NONE
  if (!secretId) return undefined
  checkSource(ctx.request.peer, role.secretIdBoundCidrs, 'by CIDR restrictions on the role')
  const { policies, limits } = tokenGrant(role.token, ctx.request.peer)
  const boundCidrs = secretId.tokenBoundCidrs.length > 0 ? secretId.tokenBoundCidrs : role.token.boundCidrs
  return {
    policies,
    limits: role.token.strictlyBindIp && secretId.tokenBoundCidrs.length === 0 ? limits : { ...limits, boundCidrs },
    alias: role.roleId,
    displayName: '',
    metadata: { ...secretId.metadata, role_name: name },
    internal: { role_name: name },
  }
}

const NONE = { metadata: {}, tokenBoundCidrs: [] } as const satisfies Partial<SecretId>

function takeSecretId(ctx: Ctx, tx: Tx, digest: Digest, role: Role, raw: string): SecretId | undefined {
  const secretId = normalise('secret-id', raw)
  if (secretId === '') throw new Fault('invalid', 'missing secret_id')
  const place = placeOf(digest, role.uuid, secretId)
  const found = findSecretId(tx, place, ctx.clock.now())
  if (!found) return undefined
  checkWithin(found.cidrs, role.secretIdBoundCidrs)
  checkSource(ctx.request.peer, found.cidrs, 'through CIDR restrictions on the secret ID')
  useSecretId(tx, digest, place, found, ctx.clock.now())
  return found
}

export function renew(ctx: Ctx, token: Token): TokenLimits & { policies: readonly string[] } {
  const name = token.internal?.['role_name'] ?? ''
  const role = roles.get(ctx.store, name)
  if (!role) throw notRenewed(`role ${JSON.stringify(name)} does not exist during renewal`)
  return renewedGrant(role.token, token)
}

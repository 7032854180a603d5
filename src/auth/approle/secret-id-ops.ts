// Giving out secret IDs, and looking at, listing and destroying those that a role has.
import { coreFault, Fault } from '../../base/fault.ts'
import { uuid } from '../../base/ids.ts'
import type { Ctx } from '../../contract/module.ts'
import { data, empty, keys, type Reply } from '../../contract/reply.ts'
import { transact, type Tx } from '../../store/transact.ts'
import { normalise } from '../normalise.ts'
import { openDigest } from '../salt.ts'
import { checkBlocks, checkWithin } from './address-blocks.ts'
import { parseMetadata } from './metadata.ts'
import { type Role, type RoleNamed, roles } from './roles.ts'
import { addSecretId, findSecretId, placeOf, placeOfAccessor, placesOfRole, removeSecretId, type SecretId, showSecretId } from './secret-ids.ts'

export interface SecretIdInput extends RoleNamed {
  readonly metadata: string
  readonly cidr_list: readonly string[]
  readonly token_bound_cidrs: readonly string[]
  readonly num_uses: number | undefined
  readonly ttl: number | undefined
}

export function generate(ctx: Ctx, input: SecretIdInput, maxTtl: number): Promise<Reply> {
  return register(ctx, input, uuid(ctx.random), maxTtl)
}

export function registerCustom(ctx: Ctx, input: SecretIdInput & { secret_id: string }, maxTtl: number): Promise<Reply> {
  return register(ctx, input, needed('secret_id', normalise('secret-id', input.secret_id)), maxTtl)
}

async function register(ctx: Ctx, input: SecretIdInput, secretId: string, maxTtl: number): Promise<Reply> {
  const digest = await openDigest(ctx)
  const accessor = uuid(ctx.random)
  const made = await transact(ctx.store, (tx) => {
    const role = roles.get(tx, normalise('role', input.role_name))
    if (!role) throw new Fault('missing', `role ${quote(input.role_name)} does not exist`)
    const made = draft(role, input, accessor, ctx.clock.now(), maxTtl)
    const place = placeOf(digest, role.uuid, secretId)
    if (findSecretId(tx, place, ctx.clock.now())) throw coreFault('invalid', 'failed to store secret_id: SecretID is already registered')
    removeSecretId(tx, digest, place) // an expired one of the same text
    addSecretId(tx, digest, place, made)
    return made
  })
  const secret_id_ttl = Math.min(made.ttl, maxTtl)
  return data({ secret_id: secretId, secret_id_accessor: made.accessor, secret_id_ttl, secret_id_num_uses: made.numUses })
}

function draft(role: Role, input: SecretIdInput, accessor: string, now: number, maxTtl: number): SecretId {
  if (!role.bindSecretId) throw new Fault('invalid', 'bind_secret_id is not set on the role')
  checkBlocks(input.cidr_list, 'CIDR blocks')
  checkWithin(input.cidr_list, role.secretIdBoundCidrs)
  checkBlocks(input.token_bound_cidrs, 'token CIDR blocks')
  checkWithin(input.token_bound_cidrs, role.token.boundCidrs)
  const numUses = input.num_uses ?? role.secretIdNumUses
  if (numUses < 0) throw new Fault('invalid', 'num_uses cannot be negative')
  if (exceeds(numUses, role.secretIdNumUses)) throw new Fault('invalid', "num_uses cannot be higher than the role's secret_id_num_uses")
  const ttl = input.ttl ?? role.secretIdTtl
  if (exceeds(ttl, role.secretIdTtl)) throw new Fault('invalid', "ttl cannot be longer than the role's secret_id_ttl")
  return {
    accessor,
    numUses,
    ttl,
    createdAt: now,
    updatedAt: now,
    expiresAt: ttl === 0 ? undefined : now + Math.min(ttl, maxTtl) * 1000,
    metadata: parseMetadata(input.metadata),
    cidrs: input.cidr_list,
    tokenBoundCidrs: input.token_bound_cidrs,
  }
}

/** 0 is without limit, on either side. */
function exceeds(value: number, limit: number): boolean {
  return limit > 0 && (value === 0 || value > limit)
}

export async function lookUp(ctx: Ctx, input: RoleNamed & { secret_id: string }): Promise<Reply> {
  const secretId = needed('secret_id', normalise('secret-id', input.secret_id))
  const digest = await openDigest(ctx)
  const role = roleOf(ctx.store, input.role_name)
  const found = findSecretId(ctx.store, placeOf(digest, role.uuid, secretId), ctx.clock.now())
  return found ? data(showSecretId(found)) : empty()
}

export async function destroy(ctx: Ctx, input: RoleNamed & { secret_id: string }): Promise<Reply> {
  const secretId = needed('secret_id', normalise('secret-id', input.secret_id))
  const digest = await openDigest(ctx)
  await transact(ctx.store, (tx) => removeSecretId(tx, digest, placeOf(digest, roleOf(tx, input.role_name).uuid, secretId)))
  return empty()
}

export async function lookUpByAccessor(ctx: Ctx, input: RoleNamed & { secret_id_accessor: string }): Promise<Reply> {
  const accessor = needed('secret_id_accessor', input.secret_id_accessor)
  const digest = await openDigest(ctx)
  const role = roleOf(ctx.store, input.role_name)
  const place = placeOfAccessor(ctx.store, digest, accessor) ?? unknownAccessor(accessor, (text) => new Fault('missing', text))
  const found = place.role === role.uuid && findSecretId(ctx.store, place, ctx.clock.now())
  return found ? data(showSecretId(found)) : empty()
}

export async function destroyByAccessor(ctx: Ctx, input: RoleNamed & { secret_id_accessor: string }): Promise<Reply> {
  const accessor = needed('secret_id_accessor', input.secret_id_accessor)
  const digest = await openDigest(ctx)
  await transact(ctx.store, (tx) => {
    const role = roleOf(tx, input.role_name)
    const place = placeOfAccessor(tx, digest, accessor) ?? unknownAccessor(accessor, (text) => coreFault('missing', text))
    if (place.role !== role.uuid) throw new Fault('denied', 'invalid secret id accessor')
    removeSecretId(tx, digest, place)
  })
  return empty()
}

/** The accessors of the secret IDs that still work. */
export function listAccessors(ctx: Ctx, input: RoleNamed & { after: string; limit: number }): Reply {
  const role = roles.get(ctx.store, normalise('role', input.role_name))
  if (!role) throw new Fault('invalid', `role ${quote(input.role_name)} does not exist`)
  const live = placesOfRole(ctx.store, role.uuid).map((place) => findSecretId(ctx.store, place, ctx.clock.now()))
  const sorted = live.flatMap((one) => (one && one.accessor > input.after ? [one.accessor] : [])).sort()
  return keys(input.limit > 0 ? sorted.slice(0, input.limit) : sorted)
}

function roleOf(from: Pick<Tx, 'get'>, roleName: string): Role {
  const role = roles.get(from, normalise('role', roleName))
  if (!role) throw coreFault('missing', `role ${quote(roleName)} does not exist`)
  return role
}

function needed(field: string, value: string): string {
  if (value === '') throw new Fault('invalid', `missing ${field}`)
  return value
}

function unknownAccessor(accessor: string, fault: (text: string) => Fault): never {
  throw fault(`failed to find accessor entry for secret_id_accessor: ${quote(accessor)}`)
}

function quote(text: string): string {
  return JSON.stringify(text)
}

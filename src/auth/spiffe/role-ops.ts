// Making, changing, reading, listing and removing the roles and bundles of a mount.
import { Fault } from '../../base/fault.ts'
import type { Json } from '../../base/json.ts'
import type { Ctx } from '../../contract/module.ts'
import { data, empty, keys, missing, type Reply } from '../../contract/reply.ts'
import { parseTrustDomain } from '../../crypto/spiffe-id.ts'
import { children } from '../../store/folder.ts'
import { transact } from '../../store/transact.ts'
import { normalise, tryNormalise } from '../normalise.ts'
import { mergeRole, ROLE_PREFIX, type RoleInput, roles, showRole } from './roles.ts'
import { BUNDLE_PREFIX, bundles, readBundle, type Trust } from './trust.ts'

/** What a path to a role captures. */
export interface RoleNamed {
  readonly name: string
}

export interface Page {
  readonly after: string
  readonly limit: number
}

export function roleExists(ctx: Ctx, input: RoleNamed): boolean {
  const name = tryNormalise('role', input.name)
  return name !== undefined && roles.get(ctx.store, name) !== undefined
}

export async function writeRole(ctx: Ctx, input: RoleNamed & RoleInput): Promise<Reply> {
  const name = normalise('role', input.name)
  const role = await transact(ctx.store, (tx) => {
    const merged = mergeRole(roles.get(tx, name), input)
    roles.put(tx, name, merged)
    return merged
  })
  if (role.token.maxTtl > ctx.bounds.maxTtl) {
    ctx.warn("token_max_ttl is greater than the backend mount's maximum TTL value; issued tokens' max TTL value will be truncated")
  }
  return empty()
}

export function readRole(ctx: Ctx, input: RoleNamed): Reply {
  const role = roles.get(ctx.store, normalise('role', input.name))
  return role ? data(showRole(role)) : missing()
}

export async function deleteRole(ctx: Ctx, input: RoleNamed): Promise<Reply> {
  const name = normalise('role', input.name)
  await transact(ctx.store, (tx) => {
    if (roles.get(tx, name)) roles.delete(tx, name)
  })
  return empty()
}

const listed = (ctx: Ctx, prefix: string, { after, limit }: Page): Reply =>
  keys([...children(ctx.store, prefix, { after, ...(limit > 0 ? { limit } : {}) })])

export const listRoles = (ctx: Ctx, page: Page): Reply => listed(ctx, ROLE_PREFIX, page)
export const listBundles = (ctx: Ctx, page: Page): Reply => listed(ctx, BUNDLE_PREFIX, page)

interface DomainNamed {
  readonly trust_domain: string
}

export async function writeBundle(
  ctx: Ctx,
  input: DomainNamed & { readonly bundle: Json | undefined; readonly pem: string | undefined },
  trust: Trust,
): Promise<Reply> {
  const domain = parseTrustDomain(input.trust_domain)
  if (domain === trust.home()) throw new Fault('invalid', `"${domain}" is this server's own trust domain, whose bundle it knows`)
  const given = readBundle(domain, input.bundle, input.pem)
  await transact(ctx.store, (tx) => bundles.put(tx, domain, given))
  return empty()
}

export function readGivenBundle(ctx: Ctx, input: DomainNamed): Reply {
  const given = bundles.get(ctx.store, parseTrustDomain(input.trust_domain))
  return given ? data({ x509_authorities: given.x509.length, jwt_authorities: given.jwt.map(({ keyId }) => keyId) }) : missing()
}

export async function deleteBundle(ctx: Ctx, input: DomainNamed): Promise<Reply> {
  const domain = parseTrustDomain(input.trust_domain)
  await transact(ctx.store, (tx) => {
    if (bundles.get(tx, domain)) bundles.delete(tx, domain)
  })
  return empty()
}

// Logging in: an SVID is verified by the bundle of its own trust domain as it is now, and a role that is for it gives the token.
import { cidrContains } from '../../base/cidr.ts'
import { Fault } from '../../base/fault.ts'
import type { JsonObject } from '../../base/json.ts'
import type { Peer } from '../../contract/call.ts'
import type { Ctx } from '../../contract/module.ts'
import { login, type Reply } from '../../contract/reply.ts'
import type { LoginGrant, Token, TokenLimits } from '../../contract/token.ts'
import { jwtKeyOf } from '../../crypto/bundle.ts'
import { verifyJwtSvid } from '../../crypto/jwt-svid.ts'
import { parseSpiffeId, pathOf, type SpiffeId, type TrustDomain, trustDomainOf } from '../../crypto/spiffe-id.ts'
import { type CertificateId, verifyX509Svid } from '../../crypto/x509-svid.ts'
import { tryNormalise } from '../normalise.ts'
import { notRenewed, renewedGrant, tokenGrant } from '../token-fields.ts'
import { isFor, type Role, roles, type SvidType, takes } from './roles.ts'
import { settingsOf } from './settings.ts'
import { bundleFor, type Trust } from './trust.ts'
import { useOnce } from './used.ts'

export interface LoginInput {
  readonly role: string
  readonly jwt: string | undefined
  readonly token: string | undefined
}

/** What was proven. */
export interface Proven {
  readonly id: SpiffeId
  readonly type: SvidType
  /** Wall milliseconds. */
  readonly expiresAt: number
  /** Of a JWT-SVID that has an id: it may be shown once. */
  readonly tokenId?: string
  /** Of an X509-SVID. */
  readonly certificate?: CertificateId
}

type Place = Pick<Ctx, 'store' | 'clock'>

export async function logIn(ctx: Ctx, input: LoginInput, trust: Trust): Promise<Reply> {
  const jwt = input.jwt ?? input.token
  const proven = jwt === undefined ? proveByConnection(ctx, ctx.request.peer, trust) : proveByToken(ctx, jwt, trust)
  return login(await admit(ctx, proven, input.role, ctx.request.peer, trust))
}

/** Settles the role, and uses the proof up where it is good for one time. Throws `denied` where no role is for it. */
export async function admit({ store }: Place, proven: Proven, wanted: string, peer: Peer, trust: Trust): Promise<LoginGrant> {
  if (RESERVED.test(pathOf(proven.id))) throw new Fault('denied', 'identities of servers and agents do not log in')
  const { name, role } = chooseRole(store, proven, wanted, trust)
  const { boundCidrs } = role.token
  if (boundCidrs.length > 0 && !cidrContains(boundCidrs, peer.address)) throw new Fault('denied', 'permission denied')
  const grant = tokenGrant(role.token, peer)
  if (proven.tokenId !== undefined) await useOnce(store, trustDomainOf(proven.id), proven.tokenId, proven.expiresAt)
  return {
    ...grant,
    alias: proven.id,
    displayName: proven.id.slice('spiffe://'.length),
    metadata: metadataOf(proven, name),
    internal: { role: name, spiffe_id: proven.id, ...proven.certificate },
  }
}

/** Whether such an identity still counts is known to the trust domain's own records, and not to its certificate. */
const RESERVED = /^\/spire(?:\/|$)/

/** By the certificate of the connection. */
function proveByConnection(ctx: Place, { chain }: Peer, trust: Trust): Proven {
  if (!chain || chain.length === 0) throw new Fault('invalid', 'no SVID: send jwt, or connect with the certificate of an X509-SVID')
  const authoritiesOf = (domain: TrustDomain) => bundleFor(ctx.store, trust, domain)?.x509Authorities
  const { id, expiresAt, authority, serial } = because('X509-SVID', () => verifyX509Svid(chain, ctx.clock.now(), authoritiesOf, trust.isRevoked))
  return { id, type: 'x509', expiresAt, certificate: { authority, serial } }
}

export function proveByToken(ctx: Place, jwt: string, trust: Trust): Proven {
  const { audiences } = settingsOf(ctx.store)
  if (audiences.length === 0) throw new Fault('invalid', 'JWT-SVIDs are not taken here: this mount has no audiences')
  const keyOf = (domain: TrustDomain, kid: string) => {
    const bundle = bundleFor(ctx.store, trust, domain)
    return bundle && jwtKeyOf(bundle, kid)
  }
  const { id, claims, expiresAt } = because('JWT-SVID', () => verifyJwtSvid(jwt, audiences, ctx.clock.now(), keyOf))
  const tokenId = claims['jti']
  if (tokenId !== undefined && typeof tokenId !== 'string') throw new Fault('invalid', 'invalid JWT-SVID: its jti is no text')
  return { id, type: 'jwt', expiresAt, ...(tokenId === undefined ? {} : { tokenId }) }
}

function because<T>(what: string, run: () => T): T {
  try {
    return run()
  } catch (error) {
    throw error instanceof Fault ? new Fault('invalid', `invalid ${what}: ${error.message}`) : error
  }
}

interface Named {
  readonly name: string
  readonly role: Role
}

/** A role that isn't there is one that isn't for the caller. */
function chooseRole(store: Ctx['store'], proven: Proven, wanted: string, trust: Trust): Named {
  const named = wanted === '' ? settingsOf(store).defaultRole : wanted
  const names = named === '' ? roles.ids(store) : [tryNormalise('role', named) ?? '']
  const fitting = names.flatMap((name) => {
    const role = roles.get(store, name)
    return role && takes(role, proven.type) && isFor(role, proven.id, trust) ? [{ name, role }] : []
  })
  const [first, ...more] = fitting
  if (!first) throw new Fault('denied', named === '' ? `no role is for ${proven.id}` : `role ${JSON.stringify(named)} is not for ${proven.id}`)
  if (more.length > 0) throw new Fault('invalid', `several roles are for ${proven.id}; name one`)
  return first
}

/** Policies may speak of it: of nothing but what was verified. */
function metadataOf({ id, type }: Proven, role: string): Record<string, string> {
  const segments = pathOf(id).slice(1).split('/')
  const path = segments.map((segment, at): [string, string] => [`path_${at}`, segment])
  return { role, spiffe_id: id, trust_domain: trustDomainOf(id), svid_type: type, ...Object.fromEntries(path.slice(0, MAX_SEGMENTS)) }
}

const MAX_SEGMENTS = 16

/** Undefined for what names no role of the mount. */
export function roleOfLogin({ store }: Pick<Ctx, 'store'>, { role }: JsonObject): string | undefined {
  const named = typeof role === 'string' && role !== '' ? role : settingsOf(store).defaultRole
  const name = tryNormalise('role', named)
  return name !== undefined && roles.get(store, name) ? name : undefined
}

export function renew(ctx: Ctx, token: Token, trust: Trust): TokenLimits & { policies: readonly string[] } {
  const { role: name = '', spiffe_id: id = '', authority, serial } = token.internal ?? {}
  const role = roles.get(ctx.store, name)
  if (!role) throw notRenewed(`role ${JSON.stringify(name)} does not exist during renewal`)
  if (!isFor(role, parseSpiffeId(id), trust)) throw notRenewed(`role ${JSON.stringify(name)} is no longer for ${id}`)
  if (authority !== undefined && serial !== undefined && trust.isRevoked({ authority, serial })) throw notRenewed('its X509-SVID is revoked')
  return renewedGrant(role.token, token)
}

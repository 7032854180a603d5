// Issuing: identities that come from entries, and those that an administrator asks for by name.
import { base62 } from '../base/ids.ts'
import { Fault } from '../base/fault.ts'
import type { Clock, Random } from '../base/ports.ts'
import type { Name } from '../crypto/certificate.ts'
import { issueJwtSvid } from '../crypto/jwt-svid.ts'
import { pathOf, type SpiffeId, trustDomainOf } from '../crypto/spiffe-id.ts'
import { type BoundKey, issueWitSvid } from '../crypto/wit-svid.ts'
import { type Authorities, issueX509Ca, issueX509Svid, type X509Svid } from './authorities.ts'
import type { Authority } from './authority-set.ts'
import { checkUnreserved, type Entry, serverId, subjectOf } from './entry.ts'
import type { SettingsRoom } from './settings.ts'

/** A token, of either kind. */
export interface TokenSvid {
  readonly token: string
  /** Milliseconds. */
  readonly issuedAt: number
  readonly expiresAt: number
}

export interface X509Request {
  readonly id: SpiffeId
  /** SubjectPublicKeyInfo in DER, from a request that proved its possession. */
  readonly publicKey: Buffer
  /** Seconds; 0 for the trust domain's own. */
  readonly ttl: number
  readonly dnsNames: readonly string[]
  readonly subject: Name
}

export interface Svids {
  /** Of a workload. Throws `invalid` for any other name, as the tokens do. */
  x509(request: X509Request): X509Svid
  x509For(entry: Entry, publicKey: Buffer): X509Svid
  x509ForAgent(id: SpiffeId, publicKey: Buffer): X509Svid
  x509ForServer(publicKey: Buffer): X509Svid
  /** An authority for a server below this one. `ttl` in seconds; 0 for as long as authorities live. */
  authority(publicKey: Buffer, ttl: number): X509Svid
  jwt(id: SpiffeId, audience: readonly string[], ttl: number, withId?: boolean): TokenSvid
  jwtFor(entry: Entry, audience: readonly string[]): TokenSvid
  /** `ttl` in seconds; 0 for the trust domain's own. Throws `unsupported` where the trust domain has no WIT-SVIDs. */
  wit(id: SpiffeId, bound: BoundKey, ttl: number): TokenSvid
  witFor(entry: Entry, bound: BoundKey): TokenSvid
}

const MAX_AUDIENCES = 50
const TOKEN_ID_LENGTH = 24

export interface SvidsDeps {
  readonly authorities: Authorities
  readonly settings: SettingsRoom
  readonly clock: Clock
  readonly random: Random
}

export function openSvids({ authorities, settings, clock, random }: SvidsDeps): Svids {
  function issue(request: X509Request): X509Svid {
    const { trustDomain, x509SvidTtl } = settings.need()
    checkHome(request.id, trustDomain)
    return issueX509Svid(authorities.signer('x509'), { ...request, ttl: request.ttl || x509SvidTtl }, clock.now(), random)
  }

  function jwt(id: SpiffeId, audience: readonly string[], ttl: number, withId = false): TokenSvid {
    const { trustDomain, jwtSvidTtl, jwtIssuer } = settings.need()
    checkHome(id, trustDomain)
    checkUnreserved(id)
    checkAudience(audience)
    const { authority, key } = authorities.signer('jwt')
    const { issuedAt, expiresAt } = termOf(clock.now(), authority, ttl || jwtSvidTtl)
    const issuer = jwtIssuer === '' ? {} : { issuer: jwtIssuer }
    const tokenId = withId ? { tokenId: base62(random, TOKEN_ID_LENGTH) } : {}
    const token = issueJwtSvid(key, authority.id, { subject: id, audience, issuedAt, expiresAt, ...issuer, ...tokenId })
    return { token, issuedAt: issuedAt * 1000, expiresAt: expiresAt * 1000 }
  }

  function wit(id: SpiffeId, bound: BoundKey, ttl: number): TokenSvid {
    const { trustDomain, witSvidTtl, x509SvidTtl } = settings.needKind('wit')
    checkHome(id, trustDomain)
    checkUnreserved(id)
    const { authority, key } = authorities.signer('wit')
    const { issuedAt, expiresAt } = termOf(clock.now(), authority, ttl || witSvidTtl || x509SvidTtl)
    const token = issueWitSvid(key, authority.id, { subject: id, bound, issuedAt, expiresAt, tokenId: base62(random, TOKEN_ID_LENGTH) })
    return { token, issuedAt: issuedAt * 1000, expiresAt: expiresAt * 1000 }
  }

  const forNode = (id: SpiffeId, publicKey: Buffer) =>
    issue({ id, publicKey, ttl: settings.need().agentTtl, dnsNames: [], subject: [['O', 'Signet']] })

  return {
    x509(request) {
      checkUnreserved(request.id)
      return issue(request)
    },
    x509For: (entry, publicKey) =>
      issue({ id: entry.spiffeId, publicKey, ttl: entry.x509SvidTtl, dnsNames: entry.dnsNames, subject: subjectOf(entry) }),
    x509ForAgent: forNode,
    x509ForServer: (publicKey) => forNode(serverId(settings.need().trustDomain), publicKey),
    authority(publicKey, ttl) {
      const { trustDomain, authorityTtl } = settings.need()
      return issueX509Ca(authorities.signer('x509'), trustDomain, publicKey, ttl || authorityTtl, clock.now(), random)
    },
    jwt,
    jwtFor: (entry, audience) => jwt(entry.spiffeId, audience, entry.jwtSvidTtl, entry.includeJti),
    wit,
    witFor: (entry, bound) => wit(entry.spiffeId, bound, entry.x509SvidTtl),
  }
}

/** In whole seconds; nothing outlives its authority. */
function termOf(now: number, authority: Authority, ttl: number): { issuedAt: number; expiresAt: number } {
  const issuedAt = Math.floor(now / 1000)
  return { issuedAt, expiresAt: Math.min(issuedAt + ttl, Math.floor(authority.expiresAt / 1000)) }
}

function checkHome(id: SpiffeId, home: string): void {
  if (trustDomainOf(id) !== home) throw new Fault('invalid', `"${id}" is not a member of trust domain "${home}"`)
  if (pathOf(id) === '') throw new Fault('invalid', `"${id}" has no path`)
}

function checkAudience(audience: readonly string[]): void {
  if (audience.length === 0 || audience.includes('')) throw new Fault('invalid', 'at least one audience is required')
  if (audience.length > MAX_AUDIENCES) throw new Fault('invalid', `at most ${MAX_AUDIENCES} audiences`)
}

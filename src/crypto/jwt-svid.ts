// JWT-SVIDs (JWT-SVID.md): what one says, and what makes a presented one believable.
import type { KeyObject } from 'node:crypto'
import { Fault } from '../base/fault.ts'
import { isRawNumber, type Json, type JsonObject } from '../base/json.ts'
import { isSignedBy, parseCompact, signCompact, type Unverified, WIT } from './jws.ts'
import type { SigningKey } from './signing-key.ts'
import { parseSpiffeId, pathOf, type SpiffeId, type TrustDomain, trustDomainOf } from './spiffe-id.ts'

export interface JwtSvidSpec {
  readonly subject: SpiffeId
  readonly audience: readonly string[]
  /** Whole seconds since 1970. */
  readonly issuedAt: number
  readonly expiresAt: number
  readonly issuer?: string
  readonly tokenId?: string
}

/** Signs a token whose numbers are plain integers, as every consumer can read them. */
export function issueJwtSvid(key: SigningKey, kid: string, spec: JwtSvidSpec): string {
  const { subject, audience, issuedAt, expiresAt, issuer, tokenId } = spec
  return signCompact(key, kid, {
    sub: subject,
    aud: [...audience],
    exp: expiresAt,
    iat: issuedAt,
    ...(issuer === undefined ? {} : { iss: issuer }),
    ...(tokenId === undefined ? {} : { jti: tokenId }),
  })
}

export interface JwtSvid {
  readonly id: SpiffeId
  readonly audience: readonly string[]
  readonly claims: JsonObject
  /** Milliseconds. */
  readonly expiresAt: number
}

/** How far the issuer's clock may be off, in milliseconds. */
const LEEWAY = 60_000

/**
 * The content of a token that a key of its subject's own trust domain signed, for this audience (of several, any), at this time. Throws `invalid`.
 * `keyOf` finds a trust domain's key for JWT-SVIDs by its id.
 */
export function verifyJwtSvid(
  token: string,
  audience: string | readonly string[],
  now: number,
  keyOf: (trustDomain: TrustDomain, kid: string) => KeyObject | undefined,
): JwtSvid {
  const unverified = parseCompact(token)
  if (unverified.typ === WIT) throw new Fault('invalid', 'a WIT-SVID is no bearer token: whoever presents one has to prove possession of its key')
  if (unverified.typ !== undefined && unverified.typ !== 'JWT' && unverified.typ !== 'JOSE')
    throw new Fault('invalid', 'token header type is not allowed')
  const id = subjectOf(unverified)
  const key = keyOf(trustDomainOf(id), unverified.kid)
  if (!key) throw new Fault('invalid', `no JWT authority "${unverified.kid}" found for trust domain "${trustDomainOf(id)}"`)
  if (!isSignedBy(unverified, key)) throw new Fault('invalid', 'token has an invalid signature')
  return content(unverified.claims, id, typeof audience === 'string' ? [audience] : audience, now)
}

/** The workload that a token speaks of, by its own word. Throws `invalid`. */
export function subjectOf({ claims: { sub } }: Unverified): SpiffeId {
  if (typeof sub !== 'string' || sub === '') throw new Fault('invalid', 'token missing subject claim')
  const id = parseSpiffeId(sub)
  if (pathOf(id) === '') throw new Fault('invalid', 'token subject is a trust domain')
  return id
}

function content(claims: JsonObject, id: SpiffeId, wanted: readonly string[], now: number): JwtSvid {
  const audience = audienceOf(claims['aud'])
  const expiresAt = endOf(claims, now)
  const issuedAt = timeOf(claims['iat'], 'iat')
  if (issuedAt !== undefined && issuedAt - LEEWAY > now) throw new Fault('invalid', 'token was issued in the future')
  if (!audience.some((one) => wanted.includes(one)))
    throw new Fault('invalid', `expected audience in ${JSON.stringify(wanted)} (audience=${JSON.stringify(audience)})`)
  return { id, audience, claims, expiresAt }
}

/** When a token ends that is valid now: it has an end, which is not over, and its beginning is. Throws `invalid`. */
export function endOf(claims: JsonObject, now: number): number {
  const expiresAt = timeOf(claims['exp'], 'exp')
  if (expiresAt === undefined) throw new Fault('invalid', 'token missing exp claim')
  if (expiresAt + LEEWAY <= now) throw new Fault('invalid', 'token has expired')
  const notBefore = timeOf(claims['nbf'], 'nbf')
  if (notBefore !== undefined && notBefore - LEEWAY > now) throw new Fault('invalid', 'token not valid yet')
  return expiresAt
}

function audienceOf(aud: Json | undefined): readonly string[] {
  const audience = typeof aud === 'string' ? [aud] : Array.isArray(aud) ? aud : []
  if (audience.length === 0 || audience.some((one) => typeof one !== 'string' || one === ''))
    throw new Fault('invalid', 'token missing audience claim')
  return audience as string[]
}

/** Milliseconds from a NumericDate (RFC 7519 §2). Throws `invalid`. */
export function timeOf(value: Json | undefined, name: string): number | undefined {
  if (value === undefined) return undefined
  const seconds = isRawNumber(value) ? Number(value.rawJSON) : value
  if (typeof seconds !== 'number' || !Number.isFinite(seconds)) throw new Fault('invalid', `token ${name} claim is not a number`)
  return seconds * 1000
}

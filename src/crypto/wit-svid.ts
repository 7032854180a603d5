// WIT-SVIDs (WIT-SVID.md): identity tokens bound to a key of the workload's own, and worth nothing without proof that it is held.
import type { KeyObject } from 'node:crypto'
import { Fault } from '../base/fault.ts'
import { isObject, type Json, type JsonObject } from '../base/json.ts'
import { isFor, isSignedBy, jwkOf, parseCompact, publicKeyOfJwk, signCompact, WIT } from './jws.ts'
import { endOf, subjectOf } from './jwt-svid.ts'
import { isAcceptable, type SigningKey } from './signing-key.ts'
import { type SpiffeId, type TrustDomain, trustDomainOf } from './spiffe-id.ts'

/** A public key, and the one algorithm by which its holder signs. */
export interface BoundKey {
  readonly key: KeyObject
  /** JWS `alg`. */
  readonly algorithm: string
}

/** Members of JWKs that are secret: those of private keys, and the whole of a symmetric one (RFC 7518 §6). */
const SECRET = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k']
const CURVES: Readonly<Record<string, { readonly name: string; readonly algorithm: string } | undefined>> = {
  prime256v1: { name: 'ec-p256', algorithm: 'ES256' },
  secp384r1: { name: 'ec-p384', algorithm: 'ES384' },
  secp521r1: { name: 'ec-p521', algorithm: 'ES512' },
}

/** From a JWK, whose `alg` may be left out where its kind of key has only one (WIT-SVID.md §3.2). Throws `invalid`. */
export function boundKeyOf(jwk: JsonObject): BoundKey {
  if (jwk['kty'] === 'oct') throw new Fault('invalid', 'jwk: a symmetric key proves nothing to those who do not share it')
  if (SECRET.some((member) => member in jwk)) throw new Fault('invalid', 'jwk: a private key is not to be sent to anybody')
  if (jwk['kty'] !== 'EC' && jwk['kty'] !== 'RSA') throw new Fault('invalid', `jwk: unsupported key type ${JSON.stringify(jwk['kty'] ?? '')}`)
  const key = publicKeyOfJwk(jwk)
  if (!key) throw new Fault('invalid', 'jwk: malformed public key')
  if (!isAcceptable(key))
    throw new Fault('invalid', 'jwk: RSA keys have 2048 to 8192 bits and an odd exponent from 3, EC keys are of P-256, P-384 or P-521')
  if (jwk['use'] !== undefined && jwk['use'] !== 'sig') throw new Fault('invalid', 'jwk: this key is not for signatures')
  const curve = CURVES[key.asymmetricKeyDetails?.namedCurve ?? '']
  const algorithm = jwk['alg'] ?? curve?.algorithm ?? ''
  if (typeof algorithm !== 'string' || !isFor(algorithm, key))
    throw new Fault('invalid', `unsupported signing algorithm for ${curve?.name ?? 'RSA'} key: ${typeof algorithm === 'string' ? algorithm : ''}`)
  return { key, algorithm }
}

export interface WitSvidSpec {
  readonly subject: SpiffeId
  readonly bound: BoundKey
  /** Whole seconds since 1970. */
  readonly issuedAt: number
  readonly expiresAt: number
  readonly tokenId: string
}

/** Signs a token for the holder of a key. It has no audience, and no issuer by which OIDC would take it. */
export function issueWitSvid(key: SigningKey, kid: string, { subject, bound, issuedAt, expiresAt, tokenId }: WitSvidSpec): string {
  const jwk = { ...jwkOf(bound.key.export({ format: 'der', type: 'spki' })), alg: bound.algorithm }
  return signCompact(key, kid, { sub: subject, exp: expiresAt, iat: issuedAt, jti: tokenId, cnf: { jwk } }, WIT)
}

export interface WitSvid {
  readonly id: SpiffeId
  readonly kid: string
  readonly bound: BoundKey
  readonly claims: JsonObject
  /** Milliseconds. */
  readonly expiresAt: number
}

/**
 * The content of a token that a key of its subject's own trust domain signed, at this time, and whose own key is held by whoever
 * presents it. Throws `invalid`. `keyOf` finds a trust domain's key for WIT-SVIDs by its id; `isHeld` checks the proof of
 * possession, without which nothing is believed (WIT-SVID.md §7.1).
 */
export function verifyWitSvid(
  token: string,
  now: number,
  keyOf: (trustDomain: TrustDomain, kid: string) => KeyObject | undefined,
  isHeld: (bound: BoundKey) => boolean,
): WitSvid {
  const unverified = parseCompact(token, 'ignored')
  const { typ, kid, claims } = unverified
  if (typ !== WIT) throw new Fault('invalid', `token header type is not ${WIT}`)
  const id = subjectOf(unverified)
  const authority = keyOf(trustDomainOf(id), kid)
  if (!authority) throw new Fault('invalid', `no WIT authority "${kid}" found for trust domain "${trustDomainOf(id)}"`)
  if (!isSignedBy(unverified, authority)) throw new Fault('invalid', 'token has an invalid signature')
  if ('aud' in claims) throw new Fault('invalid', 'a WIT-SVID has no audience')
  const bound = confirmedKeyOf(claims['cnf'])
  const expiresAt = endOf(claims, now) // of `iat` nothing is judged (§3.6)
  if (!isHeld(bound)) throw new Fault('invalid', 'possession of the key of the WIT-SVID is not proven')
  return { id, kid, bound, claims, expiresAt }
}

/** The key as RFC 7800 §3 confirms it: plainly, and as nothing else beside. */
function confirmedKeyOf(cnf: Json | undefined): BoundKey {
  if (!isObject(cnf)) throw new Fault('invalid', 'token missing cnf claim')
  const { jwk } = cnf
  if (!isObject(jwk) || 'jwe' in cnf) throw new Fault('invalid', 'cnf claim does not hold one jwk')
  if (typeof jwk['alg'] !== 'string') throw new Fault('invalid', 'cnf.jwk missing alg')
  return boundKeyOf(jwk)
}

// SPIFFE bundles (SPIFFE_Trust_Domain_and_Bundle.md): what one needs to believe a trust domain's identities, and its JWKS form.
import { type KeyObject, X509Certificate } from 'node:crypto'
import { Fault } from '../base/fault.ts'
import { isObject, isRawNumber, type Json, type JsonObject, parseJson } from '../base/json.ts'
import { fromPem } from './certificate.ts'
import { jwkOf, publicKeyOfJwk } from './jws.ts'
import type { TrustDomain } from './spiffe-id.ts'

/** A key that signs tokens of one kind: JWT-SVIDs or WIT-SVIDs. */
export interface TokenAuthority {
  readonly keyId: string
  /** SubjectPublicKeyInfo in DER. */
  readonly publicKey: Buffer
  /** Milliseconds; undefined where the publisher did not say. */
  readonly expiresAt: number | undefined
}

export interface Bundle {
  readonly trustDomain: TrustDomain
  /** Certificates in DER. */
  readonly x509Authorities: readonly Buffer[]
  readonly jwtAuthorities: readonly TokenAuthority[]
  /** Of keys that are no JWT authorities; none where the trust domain has no WIT-SVIDs (WIT-SVID.md §6.2). */
  readonly witAuthorities: readonly TokenAuthority[]
  /** Seconds after which a consumer should look again; 0 where nothing was said. */
  readonly refreshHint: number
  /** Grows with every change; 0 where nothing was said. */
  readonly sequence: number
}

/** The published document: every key with its `use` (§4). */
export function formatBundle(bundle: Bundle): JsonObject {
  return {
    keys: [
      ...bundle.x509Authorities.map(x509Jwk),
      ...bundle.jwtAuthorities.map((one) => tokenJwk(one, 'jwt-svid')),
      ...bundle.witAuthorities.map((one) => tokenJwk(one, 'wit-svid')),
    ],
    ...(bundle.sequence > 0 ? { spiffe_sequence: bundle.sequence } : {}),
    ...(bundle.refreshHint > 0 ? { spiffe_refresh_hint: bundle.refreshHint } : {}),
  }
}

/** Keys of one kind alone, as the Workload API and OIDC consumers take them, the latter with algorithms; `use` is left out where none is given. */
export function formatJwks(authorities: readonly TokenAuthority[], use?: 'sig'): JsonObject {
  return { keys: authorities.map((one) => tokenJwk(one, use)) }
}

function x509Jwk(der: Buffer): JsonObject {
  const spki = new X509Certificate(der).publicKey.export({ format: 'der', type: 'spki' })
  return { ...jwkOf(spki), use: 'x509-svid', x5c: [der.toString('base64')] }
}

function tokenJwk({ publicKey, keyId }: TokenAuthority, use: string | undefined): JsonObject {
  const jwk = jwkOf(publicKey)
  return { ...jwk, kid: keyId, ...(use === undefined ? {} : { use }), ...(use === 'sig' ? { alg: algorithmOf(jwk) } : {}) }
}

/** With what keys of this kind sign here. */
function algorithmOf({ kty, crv }: JsonObject): string {
  return kty === 'RSA' ? 'RS256' : crv === 'P-384' ? 'ES384' : 'ES256'
}

/**
 * Reads a published document. Keys of unknown use or kind are passed over (§4.2.2); a known one that is broken is refused.
 * Throws `invalid`.
 */
export function parseBundle(trustDomain: TrustDomain, document: Uint8Array): Bundle {
  const parsed = parseJson(document)
  if (!isObject(parsed) || !Array.isArray(parsed['keys'])) throw broken('it has no authorities')
  const keys = parsed['keys'].filter(isObject)
  if (keys.length !== parsed['keys'].length) throw broken('a key is not an object')
  const x509Authorities = keys.filter(({ use }) => use === 'x509-svid').flatMap(certificateOf)
  const [jwtAuthorities, witAuthorities] = [authoritiesFor('jwt-svid', keys), authoritiesFor('wit-svid', keys)]
  const ids = [...jwtAuthorities, ...witAuthorities].map(({ keyId }) => keyId)
  if (new Set(ids).size !== ids.length) throw broken('two keys have one id')
  const { spiffe_sequence: sequence, spiffe_refresh_hint: refreshHint } = parsed
  return {
    trustDomain,
    x509Authorities,
    jwtAuthorities,
    witAuthorities,
    sequence: count(sequence, 'spiffe_sequence'),
    refreshHint: count(refreshHint, 'spiffe_refresh_hint'),
  }
}

/** X.509 authorities alone, as PEM. Throws `invalid`. */
export function bundleFromPem(trustDomain: TrustDomain, text: string): Bundle {
  const x509Authorities = fromPem(text)
  if (x509Authorities.length === 0) throw broken('there is no certificate in PEM')
  if (!x509Authorities.every(isCertificate)) throw broken('a certificate cannot be read')
  return { trustDomain, x509Authorities, jwtAuthorities: [], witAuthorities: [], sequence: 0, refreshHint: 0 }
}

/** A key without a certificate is passed over, and so are certificates beside its first (X509-SVID.md §6.2). */
function certificateOf({ x5c, kty }: JsonObject): Buffer[] {
  if (typeof kty !== 'string') throw broken('a key has no type')
  const [first] = Array.isArray(x5c) ? x5c : []
  if (first === undefined) return []
  const der = typeof first === 'string' ? Buffer.from(first, 'base64') : Buffer.alloc(0)
  if (!isCertificate(der)) throw broken('an x509-svid key holds no certificate')
  return [der]
}

export function isCertificate(der: Buffer): boolean {
  try {
    return new X509Certificate(der).raw.equals(der)
  } catch {
    return false
  }
}

function authoritiesFor(use: 'jwt-svid' | 'wit-svid', keys: readonly JsonObject[]): TokenAuthority[] {
  return keys.flatMap((jwk) => {
    if (jwk['use'] !== use) return []
    const { kid: keyId } = jwk
    if (typeof keyId !== 'string' || keyId === '') throw broken(`a ${use} key has no key id`)
    const key = publicKeyOfJwk(jwk)
    return key ? [{ keyId, publicKey: key.export({ format: 'der', type: 'spki' }), expiresAt: undefined }] : []
  })
}

function count(value: Json | undefined, name: string): number {
  if (value === undefined) return 0
  const number = isRawNumber(value) ? Number(value.rawJSON) : value
  if (typeof number !== 'number' || !Number.isInteger(number) || number < 0) throw broken(`${name} is not a whole number`)
  return number
}

function broken(why: string): Fault {
  return new Fault('invalid', `invalid bundle: ${why}`)
}

/** The key with which a bundle's trust domain signs JWT-SVIDs under `kid`. */
export const jwtKeyOf = ({ jwtAuthorities }: Bundle, kid: string): KeyObject | undefined => keyIn(jwtAuthorities, kid)

/** The same of WIT-SVIDs: a key of one kind believes nothing of the other. */
export const witKeyOf = ({ witAuthorities }: Bundle, kid: string): KeyObject | undefined => keyIn(witAuthorities, kid)

function keyIn(authorities: readonly TokenAuthority[], kid: string): KeyObject | undefined {
  const found = authorities.find(({ keyId }) => keyId === kid)
  return found && publicKeyOfJwk(jwkOf(found.publicKey))
}

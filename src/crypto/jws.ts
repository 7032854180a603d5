// Compact JWS (RFC 7515) for identity tokens: one strict reading, a fixed algorithm for each kind of key.
import { createPublicKey, type JsonWebKey, type KeyObject, verify } from 'node:crypto'
import { Fault } from '../base/fault.ts'
import { isObject, type JsonObject, parseJson } from '../base/json.ts'
import { KEY_KINDS, signJose, type SigningKey } from './signing-key.ts'

interface Algorithm {
  readonly key: 'ec' | 'rsa'
  readonly curve?: string
  readonly hash: string
  readonly padding?: number
}

const RSA_PKCS1_PADDING = 1
const RSA_PKCS1_PSS_PADDING = 6

/** What a JWT-SVID or WIT-SVID may be signed with (JWT-SVID.md §2.1, WIT-SVID.md §2.3): never `none`, never a shared secret. */
const ALGORITHMS: Readonly<Record<string, Algorithm | undefined>> = {
  ES256: { key: 'ec', curve: 'prime256v1', hash: 'sha256' },
  ES384: { key: 'ec', curve: 'secp384r1', hash: 'sha384' },
  ES512: { key: 'ec', curve: 'secp521r1', hash: 'sha512' },
  RS256: { key: 'rsa', hash: 'sha256', padding: RSA_PKCS1_PADDING },
  RS384: { key: 'rsa', hash: 'sha384', padding: RSA_PKCS1_PADDING },
  RS512: { key: 'rsa', hash: 'sha512', padding: RSA_PKCS1_PADDING },
  PS256: { key: 'rsa', hash: 'sha256', padding: RSA_PKCS1_PSS_PADDING },
  PS384: { key: 'rsa', hash: 'sha384', padding: RSA_PKCS1_PSS_PADDING },
  PS512: { key: 'rsa', hash: 'sha512', padding: RSA_PKCS1_PSS_PADDING },
}

/** The `typ` of WIT-SVIDs (WIT-SVID.md §2.2). */
export const WIT = 'wit+jwt'

/** Longer ones are refused unread. */
export const MAX_TOKEN_BYTES = 16_384

/** Parts of a token whose signature is not checked yet: good for choosing the key, and for nothing else. */
export interface Unverified {
  readonly kid: string
  readonly algorithm: string
  readonly typ: string | undefined
  readonly claims: JsonObject
  readonly signed: string
  readonly signature: Buffer
}

/** Signs claims as they are. `header` adds to `alg` and `kid`. */
export function signCompact(key: SigningKey, kid: string, claims: JsonObject, typ = 'JWT'): string {
  const { jws } = KEY_KINDS[key.type]
  if (jws === undefined) throw new Error(`a ${key.type} key signs no tokens`)
  const signed = `${part({ alg: jws, kid, typ })}.${part(claims)}`
  return `${signed}.${signJose(key, Buffer.from(signed)).toString('base64url')}`
}

function part(value: JsonObject): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url')
}

/**
 * Throws `invalid` for whatever is not one compact token in its only form: other serialisations, base64url with padding or
 * stray bits, algorithms that are not listed, and headers beside alg, kid and typ: all of them, or where `others` are ignored
 * those alone that ask to be understood (`crit`). No key is ever taken from a header (`jwk`, `jku`, `x5u`).
 */
export function parseCompact(token: string, others: 'refused' | 'ignored' = 'refused'): Unverified {
  if (token.length > MAX_TOKEN_BYTES) throw malformed()
  const parts = token.split('.')
  const [header, payload, signature] = parts.map(strictBase64Url)
  if (parts.length !== 3 || !header || !payload || !signature || signature.length === 0) throw malformed()
  const { alg, kid, typ, ...other } = objectOf(header)
  if (others === 'refused' ? Object.keys(other).length > 0 : 'crit' in other)
    throw new Fault('invalid', 'token header has members that are not allowed')
  if (typeof alg !== 'string' || !ALGORITHMS[alg]) throw new Fault('invalid', 'token is signed by an algorithm that is not allowed')
  if (typeof kid !== 'string' || kid === '') throw new Fault('invalid', 'token header missing key id')
  if (typ !== undefined && typeof typ !== 'string') throw malformed()
  return { kid, algorithm: alg, typ, claims: objectOf(payload), signed: token.slice(0, token.lastIndexOf('.')), signature }
}

/** Whether keys of this one's kind sign by an algorithm. */
export function isFor(algorithm: string, key: KeyObject): boolean {
  const scheme = ALGORITHMS[algorithm]
  return scheme?.key === key.asymmetricKeyType && (scheme?.curve === undefined || key.asymmetricKeyDetails?.namedCurve === scheme.curve)
}

/** Whether `key` made the signature, by an algorithm that is this key's. */
export function isSignedBy({ algorithm, signed, signature }: Unverified, key: KeyObject): boolean {
  const scheme = ALGORITHMS[algorithm]
  if (!scheme || !isFor(algorithm, key)) return false
  const how = scheme.key === 'ec' ? { key, dsaEncoding: 'ieee-p1363' as const } : { key, padding: scheme.padding as number, saltLength: -1 }
  return verify(scheme.hash, Buffer.from(signed), how, signature)
}

/** Undefined for what is not base64url in its only form (RFC 4648 §3.5: no padding, unused bits zero). */
function strictBase64Url(text: string): Buffer | undefined {
  if (!/^[A-Za-z0-9_-]*$/.test(text)) return undefined
  const bytes = Buffer.from(text, 'base64url')
  return bytes.toString('base64url') === text ? bytes : undefined
}

function objectOf(bytes: Buffer): JsonObject {
  try {
    const value = parseJson(bytes)
    if (isObject(value)) return value
  } catch (error) {
    if (!(error instanceof Fault)) throw error
  }
  throw malformed()
}

function malformed(): Fault {
  return new Fault('invalid', 'malformed token')
}

/** A JWK's public key; undefined for kinds that sign no identity tokens. */
export function publicKeyOfJwk(jwk: JsonObject): KeyObject | undefined {
  const { kty } = jwk
  if (kty !== 'EC' && kty !== 'RSA') return undefined
  const fields = kty === 'EC' ? (['crv', 'x', 'y'] as const) : (['n', 'e'] as const)
  if (fields.some((name) => typeof jwk[name] !== 'string')) return undefined
  try {
    return createPublicKey({ key: { kty, ...Object.fromEntries(fields.map((name) => [name, jwk[name]])) } as JsonWebKey, format: 'jwk' })
  } catch {
    return undefined
  }
}

/** The public half as a JWK (RFC 7517), with nothing but the key itself. */
export function jwkOf(spki: Buffer): JsonObject {
  return createPublicKey({ key: spki, format: 'der', type: 'spki' }).export({ format: 'jwk' }) as JsonObject
}

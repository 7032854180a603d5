// Private keys that sign certificates and tokens: their kinds, how each is made, stored and used.
import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, sign, verify } from 'node:crypto'
import type { JsonObject } from '../base/json.ts'
import { bitsOf, enter, NULL, oid, sequence, TAG } from './der.ts'

interface KeyKind {
  readonly generate: () => KeyObject
  /** Hash of the signature; null where the algorithm brings its own. */
  readonly hash: 'sha256' | 'sha384' | null
  /** AlgorithmIdentifier of the signature, in DER. */
  readonly algorithm: Buffer
  /** JWS `alg` (RFC 7518 §3.1); undefined for kinds that may not sign SVID tokens. */
  readonly jws: string | undefined
}

const ec = (namedCurve: string) => () => generateKeyPairSync('ec', { namedCurve }).privateKey
const rsa = (modulusLength: number) => () => generateKeyPairSync('rsa', { modulusLength }).privateKey
const RSA_SHA256 = sequence(oid('1.2.840.113549.1.1.11'), NULL)

/** The kinds of key an authority may have; the last is an experiment that no client of today verifies. */
export const KEY_KINDS = {
  'ec-p256': { generate: ec('P-256'), hash: 'sha256', algorithm: sequence(oid('1.2.840.10045.4.3.2')), jws: 'ES256' },
  'ec-p384': { generate: ec('P-384'), hash: 'sha384', algorithm: sequence(oid('1.2.840.10045.4.3.3')), jws: 'ES384' },
  'rsa-2048': { generate: rsa(2048), hash: 'sha256', algorithm: RSA_SHA256, jws: 'RS256' },
  'rsa-4096': { generate: rsa(4096), hash: 'sha256', algorithm: RSA_SHA256, jws: 'RS256' },
  'ml-dsa-65': {
    generate: () => generateKeyPairSync('ml-dsa-65').privateKey,
    hash: null,
    algorithm: sequence(oid('2.16.840.1.101.3.4.3.18')),
    jws: undefined,
  },
} as const satisfies Readonly<Record<string, KeyKind>>

export type KeyType = keyof typeof KEY_KINDS

export interface SigningKey {
  readonly type: KeyType
  readonly key: KeyObject
  /** SubjectPublicKeyInfo in DER. */
  readonly publicKey: Buffer
}

/** A new key. RSA keys take tens to hundreds of milliseconds. */
export function newSigningKey(type: KeyType): SigningKey {
  return { type, ...open(KEY_KINDS[type].generate()) }
}

/** From PKCS#8 in DER, as `exportSigningKey` gave it. */
export function openSigningKey(type: KeyType, pkcs8: Buffer): SigningKey {
  return { type, ...open(createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' })) }
}

/** A key that came from elsewhere; undefined for kinds that are not used here. Of RSA the size doesn't matter for how it signs. */
export function signingKeyOf(key: KeyObject): SigningKey | undefined {
  const { asymmetricKeyType: kind, asymmetricKeyDetails: { modulusLength = 0, namedCurve = '' } = {} } = key
  const type = kind === 'rsa' && modulusLength >= 2048 ? 'rsa-2048' : kind === 'ec' ? CURVES[namedCurve] : undefined
  return type && { type, ...open(key) }
}

const CURVES: Readonly<Record<string, KeyType | undefined>> = { prime256v1: 'ec-p256', secp384r1: 'ec-p384' }

/** PKCS#8 in DER, to be stored behind the barrier; the caller wipes it. */
export function exportSigningKey({ key }: SigningKey): Buffer {
  return key.export({ format: 'der', type: 'pkcs8' })
}

/** The whole key as a JWK (RFC 7517) with what it signs by, for its owner alone. */
export function privateJwk({ key }: SigningKey, algorithm: string): JsonObject {
  return { ...(key.export({ format: 'jwk' }) as JsonObject), alg: algorithm }
}

function open(key: KeyObject): { key: KeyObject; publicKey: Buffer } {
  return { key, publicKey: createPublicKey(key).export({ format: 'der', type: 'spki' }) }
}

/** A signature as certificates and CSRs carry it. */
export function signDer({ type, key }: SigningKey, message: Uint8Array): Buffer {
  return sign(KEY_KINDS[type].hash, message, key)
}

/** A signature as JWS carries it: for ECDSA the two numbers side by side (RFC 7518 §3.4). */
export function signJose({ type, key }: SigningKey, message: Uint8Array): Buffer {
  return sign(KEY_KINDS[type].hash, message, { key, dsaEncoding: 'ieee-p1363' })
}

/** Key identifier of RFC 5280 §4.2.1.2 (1): SHA-1 of the public key's bits. It names, and protects nothing. */
export function keyIdentifier(publicKey: Buffer): Buffer {
  const spki = enter(publicKey)
  spki.next(TAG.sequence)
  return createHash('sha1')
    .update(bitsOf(spki.next(TAG.bits)))
    .digest()
}

interface Weighed {
  readonly asymmetricKeyType?: string
  readonly asymmetricKeyDetails?: { readonly modulusLength?: number; readonly publicExponent?: bigint; readonly namedCurve?: string }
}

/** Whether a stranger's public key is of a kind and size that may be certified: bounded, so that using it stays cheap. */
export function isAcceptable(key: Weighed): boolean {
  if (key.asymmetricKeyType === 'rsa') {
    const { modulusLength: size = 0, publicExponent = 3n } = key.asymmetricKeyDetails ?? {}
    return size >= 2048 && size <= 8192 && publicExponent >= 3n && publicExponent % 2n === 1n // by an exponent of 1, everybody signs
  }
  if (key.asymmetricKeyType === 'ec') return ['prime256v1', 'secp384r1', 'secp521r1'].includes(key.asymmetricKeyDetails?.namedCurve ?? '')
  return key.asymmetricKeyType === 'ed25519'
}

/** Checks a signature made by an AlgorithmIdentifier's algorithm; false for algorithms that are not taken (SHA-1, MD5, PSS). */
export function verifyDer(algorithm: string, message: Uint8Array, key: KeyObject, signature: Uint8Array): boolean {
  const scheme = SCHEMES[algorithm]
  if (!scheme || key.asymmetricKeyType !== scheme.key) return false
  return verify(scheme.hash, message, key, signature)
}

/** Whether signatures by an algorithm are taken at all. */
export const isKnownAlgorithm = (algorithm: string): boolean => Object.hasOwn(SCHEMES, algorithm)

const SCHEMES: Readonly<Record<string, { readonly key: string; readonly hash: string | null } | undefined>> = {
  '1.2.840.10045.4.3.2': { key: 'ec', hash: 'sha256' },
  '1.2.840.10045.4.3.3': { key: 'ec', hash: 'sha384' },
  '1.2.840.10045.4.3.4': { key: 'ec', hash: 'sha512' },
  '1.2.840.113549.1.1.11': { key: 'rsa', hash: 'sha256' },
  '1.2.840.113549.1.1.12': { key: 'rsa', hash: 'sha384' },
  '1.2.840.113549.1.1.13': { key: 'rsa', hash: 'sha512' },
  '1.3.101.112': { key: 'ed25519', hash: null },
}

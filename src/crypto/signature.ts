// Ed25519 (RFC 8032): keys from 32 bytes, signatures over whole texts.
import { createPrivateKey, createPublicKey, hash, type KeyObject, sign, verify } from 'node:crypto'

export const SEED_BYTES = 32
const KEY_ID_LENGTH = 16

/** PKCS #8 and SPKI around the bare bytes of a key (RFC 8410). */
const PRIVATE = Buffer.from('302e020100300506032b657004220420', 'hex')

/** Copies the seed; the caller wipes its own. */
export function signingKey(seed: Uint8Array): KeyObject {
  const der = Buffer.concat([PRIVATE, seed])
  try {
    return createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })
  } finally {
    der.fill(0)
  }
}

/** A name for a public key: the first characters of the hash of its SPKI. */
export function keyIdOf(key: KeyObject): string {
  const spki = (key.type === 'public' ? key : createPublicKey(key)).export({ format: 'der', type: 'spki' })
  return hash('sha256', spki, 'base64url').slice(0, KEY_ID_LENGTH)
}

/** PEM of the public half. */
export function publicPem(key: KeyObject): string {
  return createPublicKey(key).export({ format: 'pem', type: 'spki' }).toString()
}

/** Throws where the text is not the PEM of an Ed25519 public key. */
export function readPublicKey(pem: string): KeyObject {
  const key = createPublicKey(pem)
  if (key.asymmetricKeyType !== 'ed25519') throw new Error(`a key of type ${key.asymmetricKeyType} is not an Ed25519 key`)
  return key
}

/** In base64url. */
export function signText(key: KeyObject, text: string): string {
  return sign(null, Buffer.from(text), key).toString('base64url')
}

export function isSignature(key: KeyObject, text: string | Uint8Array, signature: string): boolean {
  return verify(null, typeof text === 'string' ? Buffer.from(text) : text, key, Buffer.from(signature, 'base64url'))
}

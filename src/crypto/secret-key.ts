// Keys in the form that node:crypto takes without a detour: given raw bytes, each cipher call costs some 7 µs more.
import { createSecretKey, hkdfSync, type KeyObject } from 'node:crypto'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/** A symmetric key. Its bytes lie in OpenSSL's memory, which zeroes them when the object is collected. */
export type SecretKey = KeyObject

/** Copies the bytes; the caller wipes its own. */
export function secretKey(bytes: Uint8Array): SecretKey {
  return createSecretKey(bytes)
}

/**
 * Another key of 256 bits, for one purpose: whoever learns it learns nothing of the key it came from (HKDF-SHA-256, RFC 5869).
 * @example deriveKey(secret, 'batch tokens')
 */
export function deriveKey(from: SecretKey, purpose: string): SecretKey {
  const bytes = new Uint8Array(hkdfSync('sha256', from, '', purpose, 32))
  const key = secretKey(bytes)
  bytes.fill(0)
  return key
}

/**
 * Collects garbage now, so that secret keys nobody refers to any more are zeroed before this returns.
 * Node has no other way to end a key; it takes some milliseconds and is for sealing only.
 */
export function zeroDroppedKeys(): void {
  setFlagsFromString('--expose-gc')
  runInNewContext('gc')()
}

// HMAC-SHA-256 (RFC 2104), and the comparison that takes equally long wherever two texts differ.
import { createHmac, createSecretKey, timingSafeEqual } from 'node:crypto'
import type { SecretKey } from './secret-key.ts'

/** 64 hex digits. Who calls often holds a SecretKey: raw key bytes are copied into one at each call. */
export function hmacSha256(key: SecretKey | Uint8Array, message: string | Uint8Array): string {
  return createHmac('sha256', key instanceof Uint8Array ? createSecretKey(key) : key)
    .update(message)
    .digest('hex')
}

/** Whether two byte strings are equal, in a time that depends on their lengths only. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && timingSafeEqual(a, b)
}

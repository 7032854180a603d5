// Identifiers made from randomness: base-62 texts, UUIDs, and Vault's accessor names.
import type { Random } from './ports.ts'

const ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
/** The largest multiple of 62 that a byte can hold: bytes from there on are thrown away, so that no letter is likelier. */
const FAIR = 248

/** `length` letters and digits, each worth 5.95 bits. */
export function base62(random: Random, length: number): string {
  let out = ''
  while (out.length < length) {
    for (const byte of random.bytes(length - out.length + 8)) {
      if (byte < FAIR && out.length < length) out += ALPHABET[byte % 62]
    }
  }
  return out
}

/** A version 4 UUID (RFC 9562 §5.4). */
export function uuid(random: Random): string {
  const bytes = random.bytes(16)
  bytes[6] = ((bytes[6] as number) & 0x0f) | 0x40
  bytes[8] = ((bytes[8] as number) & 0x3f) | 0x80
  const hex = bytes.toString('hex')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
}

/** @example mountAccessor('auth_', 'userpass', random) // 'auth_userpass_1f2e3d4c' */
export function mountAccessor(prefix: string, type: string, random: Random): string {
  return `${prefix}${type}_${random.bytes(4).toString('hex')}`
}

// AES-256-GCM (NIST SP 800-38D) with 96-bit nonces and whole tags, writing straight into the caller's buffer.
import { createCipheriv, createDecipheriv } from 'node:crypto'
import type { SecretKey } from './secret-key.ts'

export const NONCE_BYTES = 12
export const TAG_BYTES = 16

const CIPHER = 'aes-256-gcm'
const WHOLE_TAG = { authTagLength: TAG_BYTES }

/** Writes ciphertext and tag into `out` at `at`. A nonce must never serve twice under one key. */
export function gcmSeal(key: SecretKey | Uint8Array, nonce: Uint8Array, plaintext: Uint8Array, aad: Uint8Array, out: Buffer, at: number): void {
  const cipher = createCipheriv(CIPHER, key, nonce, WHOLE_TAG)
  cipher.setAAD(aad)
  out.set(cipher.update(plaintext), at)
  cipher.final()
  out.set(cipher.getAuthTag(), at + plaintext.length)
}

/**
 * The plaintext of ciphertext and tag, in a buffer of its own; undefined where anything doesn't fit.
 * Under raw key bytes, as for wrapped keys, no other copy of it is left in memory.
 */
export function gcmOpen(key: SecretKey | Uint8Array, nonce: Uint8Array, sealed: Buffer, aad: Uint8Array): Buffer | undefined {
  if (sealed.length < TAG_BYTES) return undefined
  const tagAt = sealed.length - TAG_BYTES
  const decipher = createDecipheriv(CIPHER, key, nonce, WHOLE_TAG)
  decipher.setAAD(aad)
  decipher.setAuthTag(sealed.subarray(tagAt))
  const plaintext = decipher.update(sealed.subarray(0, tagAt))
  if (key instanceof Uint8Array) overwriteFreed(plaintext.length)
  try {
    decipher.final()
  } catch {
    plaintext.fill(0)
    return undefined
  }
  return plaintext
}

const ZEROS = Buffer.alloc(32)

/**
 * Node writes the output into a block with room to spare, copies it into one that fits, and frees the first as it is.
 * The next output of this length is written there.
 */
function overwriteFreed(length: number): void {
  createCipheriv(CIPHER, ZEROS, ZEROS.subarray(0, NONCE_BYTES), WHOLE_TAG).update(Buffer.alloc(length))
}

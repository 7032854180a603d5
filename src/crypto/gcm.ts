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

/** The plaintext of ciphertext and tag, in a buffer of its own; undefined where anything doesn't fit. */
export function gcmOpen(key: SecretKey | Uint8Array, nonce: Uint8Array, sealed: Buffer, aad: Uint8Array): Buffer | undefined {
  if (sealed.length < TAG_BYTES) return undefined
  const tagAt = sealed.length - TAG_BYTES
  const decipher = createDecipheriv(CIPHER, key, nonce, WHOLE_TAG)
  decipher.setAAD(aad)
  decipher.setAuthTag(sealed.subarray(tagAt))
  const plaintext = decipher.update(sealed.subarray(0, tagAt))
  try {
    decipher.final()
  } catch {
    plaintext.fill(0)
    return undefined
  }
  return plaintext
}

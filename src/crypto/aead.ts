// Sealed records, format 1: version, key term, nonce, ciphertext and tag in one buffer, bound to the path they are stored at.
import type { Random } from '../base/ports.ts'
import { gcmOpen, gcmSeal, NONCE_BYTES, TAG_BYTES } from './gcm.ts'
import type { SecretKey } from './secret-key.ts'

const VERSION = 1
const TERM_AT = 1
const NONCE_AT = 5
const TEXT_AT = NONCE_AT + NONCE_BYTES

/** How much longer a record is than its plaintext. */
export const RECORD_OVERHEAD = TEXT_AT + TAG_BYTES

/** A stored record that was altered, moved or cut, or whose key isn't there. Never leaves the process. */
export class BrokenRecord extends Error {
  constructor(path: string) {
    super(`the record at ${path} can't be opened`)
    this.name = 'BrokenRecord'
  }
}

/**
 * Seals a value for one place: it opens only under the same key, at the same path. `term` (u32) names the key.
 * Raw key bytes leave no copy behind; a SecretKey is several times faster.
 * @example sealRecord(key, 1, Buffer.from('…'), 'kv/a', random)
 */
export function sealRecord(key: SecretKey | Uint8Array, term: number, plaintext: Uint8Array, path: string, random: Random): Buffer {
  const nonce = random.bytes(NONCE_BYTES)
  const record = Buffer.allocUnsafe(RECORD_OVERHEAD + plaintext.length)
  record[0] = VERSION
  record.writeUInt32BE(term, TERM_AT)
  record.set(nonce, NONCE_AT)
  gcmSeal(key, nonce, plaintext, boundTo(record, path), record, TEXT_AT)
  return record
}

/** The plaintext, in a buffer of its own. Throws BrokenRecord for whatever `sealRecord` didn't make for this path. */
export function openRecord(keyOf: (term: number) => SecretKey | Uint8Array | undefined, record: Buffer, path: string): Buffer {
  if (record.length < RECORD_OVERHEAD || record[0] !== VERSION) throw new BrokenRecord(path)
  const key = keyOf(record.readUInt32BE(TERM_AT))
  const plaintext = key && gcmOpen(key, record.subarray(NONCE_AT, TEXT_AT), record.subarray(TEXT_AT), boundTo(record, path))
  if (!plaintext) throw new BrokenRecord(path)
  return plaintext
}

/** What is authenticated besides the ciphertext: version and term as they stand in the record, then the whole path. */
function boundTo(record: Buffer, path: string): Buffer {
  const bound = Buffer.allocUnsafe(NONCE_AT + Buffer.byteLength(path))
  bound.set(record.subarray(0, NONCE_AT))
  bound.write(path, NONCE_AT)
  return bound
}

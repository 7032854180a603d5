// The barrier's keys: numbered terms, of which the newest seals and all open; every byte of them in one locked block.
import { Fault } from '../base/fault.ts'
import { type Locked, openLocked } from '../crypto/locked.ts'
import { type SecretKey, secretKey, zeroDroppedKeys } from '../crypto/secret-key.ts'
import { wipeableCopy } from '../crypto/wipeable.ts'

/** A key's number and age, as sys/key-status shows them. */
export interface Term {
  readonly term: number
  /** Wall milliseconds. */
  readonly createdAt: number
}

export const KEY_BYTES = 32

// The block is at once the stored form: version, count of terms, and for each its number, time and key. The last term is the active one.
const VERSION = 1
const COUNT_AT = 1
const TERMS_AT = 5
const CREATED_AT = 4
const KEY_AT = 10
const TERM_BYTES = KEY_AT + KEY_BYTES
const MAX_TERMS = 256
const CAPACITY = TERMS_AT + MAX_TERMS * TERM_BYTES

export class Keyring {
  readonly #block: Locked = openLocked(CAPACITY)
  readonly #keys = new Map<number, SecretKey>()

  /** Whether its memory is kept from the swap. */
  get locked(): boolean {
    return this.#block.locked
  }

  get sealed(): boolean {
    return this.#count === 0
  }

  /** The term that seals; 0 while sealed. */
  get active(): number {
    return this.#count
  }

  get terms(): Term[] {
    return Array.from({ length: this.#count }, (_, index) => {
      const entry = this.#entry(index)
      return { term: entry.readUInt32BE(0), createdAt: entry.readUIntBE(CREATED_AT, KEY_AT - CREATED_AT) }
    })
  }

  keyOf(term: number): SecretKey | undefined {
    return this.#keys.get(term)
  }

  /** Copies the key in as the next term, which is active from then on; returns its number, counted from 1. */
  addTerm(key: Uint8Array, createdAt: number): number {
    const count = this.#count
    if (key.length !== KEY_BYTES) throw new RangeError(`a key has ${KEY_BYTES} bytes`)
    if (count === MAX_TERMS) throw new Fault('invalid', `the keyring holds ${MAX_TERMS} terms already`)
    const entry = this.#entry(count)
    entry.writeUInt32BE(count + 1, 0)
    entry.writeUIntBE(createdAt, CREATED_AT, KEY_AT - CREATED_AT)
    entry.set(key, KEY_AT)
    this.#block.bytes[0] = VERSION
    this.#block.bytes.writeUInt32BE(count + 1, COUNT_AT)
    this.#keys.set(count + 1, secretKey(key))
    return count + 1
  }

  /** The keys in clear, for wrapping or for another process; the caller wipes it. */
  encode(): Buffer {
    return wipeableCopy(this.#block.bytes.subarray(0, TERMS_AT + this.#count * TERM_BYTES))
  }

  /** Replaces all terms by encoded ones; the caller wipes those. */
  load(encoded: Uint8Array): void {
    checkEncoded(encoded)
    this.#forget()
    this.#block.bytes.set(encoded)
    for (const [index, { term }] of this.terms.entries()) this.#keys.set(term, secretKey(this.#entry(index).subarray(KEY_AT)))
  }

  /** Zeroes every key, and returns when no copy is left in this process. */
  wipe(): void {
    if (this.sealed) return
    this.#forget()
    zeroDroppedKeys()
  }

  /** Wipes and gives the memory back. */
  close(): void {
    this.wipe()
    this.#block.close()
  }

  get #count(): number {
    return this.#block.bytes.readUInt32BE(COUNT_AT)
  }

  #entry(index: number): Buffer {
    const at = TERMS_AT + index * TERM_BYTES
    return this.#block.bytes.subarray(at, at + TERM_BYTES)
  }

  #forget(): void {
    this.#keys.clear()
    this.#block.bytes.fill(0)
  }
}

function checkEncoded(encoded: Uint8Array): void {
  const view = new DataView(encoded.buffer, encoded.byteOffset, encoded.length)
  if (encoded.length < TERMS_AT || view.getUint8(0) !== VERSION) throw new Error('not a keyring of a known format')
  const count = view.getUint32(COUNT_AT)
  if (count < 1 || count > MAX_TERMS || encoded.length !== TERMS_AT + count * TERM_BYTES) throw new Error('not a whole keyring')
  for (let index = 0; index < count; index++) {
    if (view.getUint32(TERMS_AT + index * TERM_BYTES) !== index + 1) throw new Error('terms of a keyring are not in order')
  }
}

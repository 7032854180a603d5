// The barrier's keys: numbered terms, of which one seals and all open; every byte of them in one locked block.
import { Fault } from '../base/fault.ts'
import { equalBytes } from '../crypto/hmac.ts'
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

// The block is at once the stored form: version, count of terms, and for each its number, time and key.
const VERSION = 1
const COUNT_AT = 1
const TERMS_AT = 5
const CREATED_AT = 4
const KEY_AT = 10
const TERM_BYTES = KEY_AT + KEY_BYTES
/** One a day for 44 years; their stored form stays below what a store takes as one value. */
const MAX_TERMS = 16_384
/** Terms that the first block has room for: one page of memory. */
const FIRST_TERMS = 97

export class Keyring {
  #block: Locked = openLocked(sizeOf(FIRST_TERMS))
  #active = 0
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
    return this.#active
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
    this.#makeRoom(count + 1)
    const entry = this.#entry(count)
    entry.writeUInt32BE(count + 1, 0)
    entry.writeUIntBE(createdAt, CREATED_AT, KEY_AT - CREATED_AT)
    entry.set(key, KEY_AT)
    this.#block.bytes[0] = VERSION
    this.#block.bytes.writeUInt32BE(count + 1, COUNT_AT)
    this.#keys.set(count + 1, secretKey(key))
    this.#active = count + 1
    return this.#active
  }

  /** The keys in clear, for wrapping or for another process; the caller wipes it. */
  encode(): Buffer {
    return wipeableCopy(this.#encoded)
  }

  /** Replaces all terms by encoded ones, of which the last is active unless `active` says otherwise; the caller wipes those. */
  load(encoded: Uint8Array, active = checkEncoded(encoded)): void {
    const count = checkEncoded(encoded)
    if (active < 1 || active > count) throw new RangeError(`a keyring of ${count} terms has no term ${active}`)
    this.#forget()
    this.#take(encoded, count)
    this.#active = active
  }

  /** Takes the terms that came after its own, which only open until `activate`. Throws for a keyring that isn't its own, grown. */
  extend(encoded: Uint8Array): void {
    const count = checkEncoded(encoded)
    const known = encoded.subarray(TERMS_AT, TERMS_AT + this.#count * TERM_BYTES)
    if (this.sealed || !equalBytes(known, this.#encoded.subarray(TERMS_AT))) throw new Error('not a keyring that this one grew into')
    this.#take(encoded, count)
  }

  /** From now on this term seals. */
  activate(term: number): void {
    if (!this.#keys.has(term)) throw new RangeError(`there is no term ${term}`)
    this.#active = term
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

  /** None once it is closed: who still holds it finds it sealed. */
  get #count(): number {
    const { bytes } = this.#block
    return bytes.length === 0 ? 0 : bytes.readUInt32BE(COUNT_AT)
  }

  #entry(index: number): Buffer {
    const at = sizeOf(index)
    return this.#block.bytes.subarray(at, at + TERM_BYTES)
  }

  get #encoded(): Buffer {
    return this.#block.bytes.subarray(0, sizeOf(this.#count))
  }

  #take(encoded: Uint8Array, count: number): void {
    this.#makeRoom(count)
    this.#block.bytes.set(encoded)
    for (const [index, { term }] of this.terms.entries()) {
      if (!this.#keys.has(term)) this.#keys.set(term, secretKey(this.#entry(index).subarray(KEY_AT)))
    }
  }

  #makeRoom(terms: number): void {
    if (sizeOf(terms) <= this.#block.bytes.length) return
    const roomy = openLocked(sizeOf(2 * terms))
    roomy.bytes.set(this.#encoded)
    this.#block.close()
    this.#block = roomy
  }

  #forget(): void {
    this.#keys.clear()
    this.#active = 0
    this.#block.bytes.fill(0)
  }
}

function sizeOf(terms: number): number {
  return TERMS_AT + terms * TERM_BYTES
}

/** Returns the number of terms. */
function checkEncoded(encoded: Uint8Array): number {
  const view = new DataView(encoded.buffer, encoded.byteOffset, encoded.length)
  if (encoded.length < TERMS_AT || view.getUint8(0) !== VERSION) throw new Error('not a keyring of a known format')
  const count = view.getUint32(COUNT_AT)
  if (count < 1 || count > MAX_TERMS || encoded.length !== sizeOf(count)) throw new Error('not a whole keyring')
  for (let index = 0; index < count; index++) {
    if (view.getUint32(TERMS_AT + index * TERM_BYTES) !== index + 1) throw new Error('terms of a keyring are not in order')
  }
  return count
}

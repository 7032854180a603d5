// DER (X.690): writing, which only ever makes the one form each value has, and a reader that takes only that form.

export const TAG = {
  boolean: 0x01,
  integer: 0x02,
  bits: 0x03,
  bytes: 0x04,
  null: 0x05,
  oid: 0x06,
  enumerated: 0x0a,
  utf8: 0x0c,
  sequence: 0x30,
  set: 0x31,
  printable: 0x13,
  ia5: 0x16,
  utcTime: 0x17,
  time: 0x18,
} as const

/** A context-specific tag, as `[n]` in ASN.1. */
export const context = (number: number, constructed = true): number => 0x80 | (constructed ? 0x20 : 0) | number

/** One value: tag, length, content. */
export function tlv(tag: number, ...content: readonly Uint8Array[]): Buffer {
  const length = content.reduce((sum, part) => sum + part.length, 0)
  const head = length < 0x80 ? 2 : length < 0x100 ? 3 : length < 0x10000 ? 4 : 5
  const out = Buffer.allocUnsafe(head + length)
  out[0] = tag
  if (head === 2) out[1] = length
  else {
    out[1] = 0x80 | (head - 2)
    out.writeUIntBE(length, 2, head - 2)
  }
  let at = head
  for (const part of content) {
    out.set(part, at)
    at += part.length
  }
  return out
}

export const sequence = (...parts: readonly Uint8Array[]): Buffer => tlv(TAG.sequence, ...parts)
export const set = (...parts: readonly Uint8Array[]): Buffer => tlv(TAG.set, ...parts)
export const octets = (content: Uint8Array): Buffer => tlv(TAG.bytes, content)
export const text = (tag: number, value: string): Buffer => tlv(tag, Buffer.from(value))
export const TRUE = tlv(TAG.boolean, Buffer.of(0xff))
export const NULL = tlv(TAG.null)

/** A whole number of bytes as a BIT STRING. */
export const bits = (content: Uint8Array, unused = 0): Buffer => tlv(TAG.bits, Buffer.of(unused), content)

/** A non-negative INTEGER from its big-endian bytes. */
export function integer(bytes: Uint8Array): Buffer {
  let from = 0
  while (from < bytes.length - 1 && bytes[from] === 0) from++
  const short = bytes.subarray(from)
  return ((short[0] ?? 0) & 0x80) === 0 && short.length > 0 ? tlv(TAG.integer, short) : tlv(TAG.integer, Buffer.of(0), short)
}

/** @example oid('2.5.29.17') */
export function oid(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number)
  return tlv(TAG.oid, Buffer.from([first * 40 + second, ...rest].flatMap(base128)))
}

function base128(arc: number): number[] {
  const out = [arc & 0x7f]
  for (let left = Math.floor(arc / 128); left > 0; left = Math.floor(left / 128)) out.unshift(0x80 | (left & 0x7f))
  return out
}

const pad = (value: number, digits = 2): string => String(value).padStart(digits, '0')

/** A time as RFC 5280 §4.1.2.5 wants it: UTCTime up to 2049, GeneralizedTime after; whole seconds, from milliseconds. */
export function time(milliseconds: number): Buffer {
  const at = new Date(milliseconds)
  const year = at.getUTCFullYear()
  const rest = [at.getUTCMonth() + 1, at.getUTCDate(), at.getUTCHours(), at.getUTCMinutes(), at.getUTCSeconds()].map((part) => pad(part)).join('')
  return year < 2050 ? text(TAG.utcTime, `${pad(year % 100)}${rest}Z`) : text(TAG.time, `${pad(year, 4)}${rest}Z`)
}

/** What was read is not DER, or not of the expected shape. */
export class NotDer extends Error {
  constructor(why: string) {
    super(`not DER: ${why}`)
    this.name = 'NotDer'
  }
}

/** One value within a buffer. */
export interface Node {
  readonly tag: number
  readonly content: Buffer
  /** Tag, length and content: the bytes that a signature covers. */
  readonly whole: Buffer
}

/** Reads the values of a buffer one after another. Throws NotDer. */
export class DerReader {
  readonly #bytes: Buffer
  #at = 0

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  get atEnd(): boolean {
    return this.#at === this.#bytes.length
  }

  /** The tag of the next value; undefined at the end. */
  get tag(): number | undefined {
    return this.#bytes[this.#at]
  }

  next(tag?: number): Node {
    const start = this.#at
    const bytes = this.#bytes
    const found = bytes[start]
    if (found === undefined) throw new NotDer('it ends early')
    if ((found & 0x1f) === 0x1f) throw new NotDer('a tag of several bytes')
    if (tag !== undefined && found !== tag) throw new NotDer(`tag ${found} where ${tag} was expected`)
    const { length, from } = this.#length(start + 1)
    if (from + length > bytes.length) throw new NotDer('it ends early')
    this.#at = from + length
    return { tag: found, content: bytes.subarray(from, this.#at), whole: bytes.subarray(start, this.#at) }
  }

  /** The next value if it has this tag. */
  maybe(tag: number): Node | undefined {
    return this.tag === tag ? this.next(tag) : undefined
  }

  into(tag: number = TAG.sequence): DerReader {
    return new DerReader(this.next(tag).content)
  }

  /** Throws where anything is left. */
  end(): void {
    if (!this.atEnd) throw new NotDer('something follows')
  }

  #length(at: number): { length: number; from: number } {
    const first = this.#bytes[at]
    if (first === undefined) throw new NotDer('it ends early')
    if (first < 0x80) return { length: first, from: at + 1 }
    const size = first & 0x7f
    if (size === 0 || size > 4 || at + 1 + size > this.#bytes.length) throw new NotDer('an indefinite or absurd length')
    const length = this.#bytes.readUIntBE(at + 1, size)
    if (length < 0x80 || (size > 1 && length < 2 ** (8 * (size - 1)))) throw new NotDer('a length that is longer than it need be')
    return { length, from: at + 1 + size }
  }
}

/** The one value that `bytes` is, entered. */
export function enter(bytes: Buffer, tag: number = TAG.sequence): DerReader {
  const outer = new DerReader(bytes)
  const inner = outer.into(tag)
  outer.end()
  return inner
}

/** The bytes of a BIT STRING that holds whole bytes. */
export function bitsOf({ content }: Node): Buffer {
  if (content[0] !== 0) throw new NotDer('a bit string with unused bits')
  return content.subarray(1)
}

/** @example oidOf(reader.next(TAG.oid)) // '1.2.840.113549.1.9.14' */
export function oidOf({ content }: Node): string {
  const arcs: number[] = []
  let arc = 0
  for (const [index, byte] of content.entries()) {
    if (arc === 0 && byte === 0x80) throw new NotDer('an object identifier with leading zeros')
    arc = arc * 128 + (byte & 0x7f)
    if (arc > Number.MAX_SAFE_INTEGER) throw new NotDer('an object identifier too large')
    if (byte < 0x80) {
      arcs.push(arc)
      arc = 0
    } else if (index === content.length - 1) throw new NotDer('an object identifier that ends early')
  }
  const first = arcs.shift()
  if (first === undefined) throw new NotDer('an empty object identifier')
  const top = Math.min(2, Math.floor(first / 40))
  return [top, first - top * 40, ...arcs].join('.')
}

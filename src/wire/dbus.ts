// Method calls of D-Bus (D-Bus Specification 0.43, "Message Protocol"), as far as asking a service for a text takes.

export interface DbusCall {
  readonly destination: string
  readonly path: string
  readonly interface: string
  readonly member: string
  readonly args: readonly (string | number)[]
}

export interface DbusMessage {
  /** Of the call that it answers; undefined for what answers none. */
  readonly replyTo: number | undefined
  /** The name of the error that it is. */
  readonly error: string | undefined
  /** Its first value, where that is a text, bare or in a variant. */
  readonly text: string | undefined
}

const CALL = 1
const ERROR = 3
const VERSION = 1
const HEADER_BYTES = 16
const MOST_BYTES = 1 << 20
/** Codes of header fields. */
const FIELD = { path: 1, interface: 2, member: 3, error: 4, replyTo: 5, destination: 6, signature: 8 } as const

/** Numbers are sent as 32 bits without sign. */
export function encodeCall(serial: number, { destination, path, args, ...call }: DbusCall): Buffer {
  const body = new Writer()
  for (const arg of args) {
    if (typeof arg === 'string') body.text(arg)
    else body.number(arg)
  }
  const fields = new Writer()
  const field = (code: number, type: string, value: string) => fields.align(8).byte(code).signature(type)[type === 'g' ? 'signature' : 'text'](value)
  field(FIELD.path, 'o', path)
  field(FIELD.interface, 's', call.interface)
  field(FIELD.member, 's', call.member)
  field(FIELD.destination, 's', destination)
  if (args.length > 0) field(FIELD.signature, 'g', args.map((arg) => (typeof arg === 'string' ? 's' : 'u')).join(''))
  const head = new Writer().byte('l'.charCodeAt(0)).byte(CALL).byte(0).byte(VERSION).number(body.length).number(serial).number(fields.length)
  return Buffer.concat([head.bytes(), fields.align(8).bytes(), body.bytes()])
}

/** The first message of `bytes` and where it ends; undefined where there is no whole one. Throws for what is none. */
export function decodeMessage(bytes: Buffer): { readonly message: DbusMessage; readonly end: number } | undefined {
  if (bytes.length < HEADER_BYTES) return undefined
  if (bytes[0] !== 'l'.charCodeAt(0)) throw new Error('a D-Bus message in another byte order')
  const bodyLength = bytes.readUInt32LE(4)
  const fieldsEnd = HEADER_BYTES + bytes.readUInt32LE(12)
  const bodyStart = aligned(fieldsEnd, 8)
  const end = bodyStart + bodyLength
  if (end > MOST_BYTES) throw new Error('a D-Bus message that is too large')
  if (bytes.length < end) return undefined
  const fields = fieldsOf(new Reader(bytes.subarray(0, fieldsEnd), HEADER_BYTES))
  const signature = String(fields.get(FIELD.signature) ?? '')
  const text = /^[osv]/.test(signature) ? new Reader(bytes.subarray(0, end), bodyStart).value(signature.charAt(0)) : undefined
  const replyTo = fields.get(FIELD.replyTo)
  return {
    message: {
      replyTo: typeof replyTo === 'number' ? replyTo : undefined,
      error: bytes[1] === ERROR ? String(fields.get(FIELD.error) ?? 'an error without a name') : undefined,
      text: typeof text === 'string' ? text : undefined,
    },
    end,
  }
}

function fieldsOf(reader: Reader): Map<number, string | number | undefined> {
  const found = new Map<number, string | number | undefined>()
  while (!reader.atEnd) {
    reader.align(8)
    found.set(reader.byte(), reader.value('v'))
  }
  return found
}

const aligned = (at: number, to: number): number => Math.ceil(at / to) * to

/** Each value where it belongs (§ "Marshaling"); counts from the start of what it writes, which has to lie on 8 bytes. */
class Writer {
  readonly #parts: Buffer[] = []
  length = 0

  #add(part: Buffer): this {
    this.#parts.push(part)
    this.length += part.length
    return this
  }

  align(to: number): this {
    return this.#add(Buffer.alloc(aligned(this.length, to) - this.length))
  }

  byte(value: number): this {
    return this.#add(Buffer.of(value))
  }

  number(value: number): this {
    const part = Buffer.alloc(4)
    part.writeUInt32LE(value)
    return this.align(4).#add(part)
  }

  text(value: string): this {
    return this.number(Buffer.byteLength(value)).#add(Buffer.from(`${value}\0`))
  }

  signature(value: string): this {
    return this.byte(value.length).#add(Buffer.from(`${value}\0`))
  }

  bytes(): Buffer {
    return Buffer.concat(this.#parts)
  }
}

class Reader {
  readonly #bytes: Buffer
  #at: number

  constructor(bytes: Buffer, at: number) {
    this.#bytes = bytes
    this.#at = at
  }

  get atEnd(): boolean {
    return this.#at >= this.#bytes.length
  }

  align(to: number): void {
    this.#at = aligned(this.#at, to)
  }

  byte(): number {
    return this.#bytes.readUInt8(this.#at++)
  }

  /** Undefined for kinds that no answer here has. */
  value(type: string): string | number | undefined {
    if (type === 'v') return this.value(this.#textOf(this.byte()))
    if (type === 'g') return this.#textOf(this.byte())
    if (type !== 'u' && type !== 's' && type !== 'o') throw new Error(`a D-Bus value of type "${type}"`)
    this.align(4)
    const number = this.#bytes.readUInt32LE(this.#at)
    this.#at += 4
    return type === 'u' ? number : this.#textOf(number)
  }

  #textOf(length: number): string {
    const end = this.#at + length
    if (end >= this.#bytes.length) throw new Error('a D-Bus text that ends late')
    const text = this.#bytes.toString('utf8', this.#at, end)
    this.#at = end + 1
    return text
  }
}

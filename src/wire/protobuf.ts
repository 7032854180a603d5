// Protocol Buffers (proto3), declared as data: each message's names, numbers and kinds once, for both directions and for the types.
import protobuf from 'protobufjs/minimal.js'

type Reader = protobuf.Reader
type Writer = protobuf.Writer

/** One field. `read` gets what was read of it before; `write` leaves defaults out. */
export interface ProtoField<T> {
  readonly number: number
  readonly initial: () => T
  readonly read: (reader: Reader, before: T) => T
  readonly write: (writer: Writer, value: T) => void
}

type Fields<T> = { readonly [K in keyof T]: ProtoField<T[K]> }

export interface Message<T> {
  /** What is left out is at its default. */
  encode(value: Partial<T>): Buffer
  /** Throws for what is no message; unknown fields are passed over. */
  decode(bytes: Uint8Array): T
}

export type Of<M> = M extends Message<infer T> ? T : never

const VARINT = 0
const DELIMITED = 2
const EMPTY = Buffer.alloc(0)

/** @example const Selector = message({ type: string(1), value: string(2) }) */
export function message<T>(fields: Fields<T>): Message<T> {
  const entries = Object.entries(fields) as [keyof T, ProtoField<T[keyof T]>][]
  const byNumber = new Map(entries.map(([name, field]) => [field.number, { name, field }]))
  return {
    encode(value) {
      const writer = protobuf.Writer.create()
      for (const [name, field] of entries) {
        const one = value[name]
        if (one !== undefined) field.write(writer, one)
      }
      return Buffer.from(writer.finish())
    },
    decode(encoded) {
      const value = Object.fromEntries(entries.map(([name, field]) => [name, field.initial()])) as T
      for (const reader = protobuf.Reader.create(encoded); reader.pos < reader.len; ) {
        const tag = reader.uint32()
        const known = byNumber.get(tag >>> 3)
        if (known) value[known.name] = known.field.read(reader, value[known.name])
        else reader.skipType(tag & 7)
      }
      return value
    },
  }
}

function scalar<T>(
  number: number,
  initial: T,
  wire: number,
  read: (reader: Reader) => T,
  write: (writer: Writer, value: T) => unknown,
): ProtoField<T> {
  return {
    number,
    initial: () => initial,
    read,
    write(writer, value) {
      if (value !== initial) write(writer.uint32((number << 3) | wire), value)
    },
  }
}

export const string = (number: number): ProtoField<string> =>
  scalar(
    number,
    '',
    DELIMITED,
    (reader) => reader.string(),
    (writer, value) => writer.string(value),
  )
export const bool = (number: number): ProtoField<boolean> =>
  scalar(
    number,
    false,
    VARINT,
    (reader) => reader.bool(),
    (writer, value) => writer.bool(value),
  )
/** Enumerations too. */
export const int32 = (number: number): ProtoField<number> =>
  scalar(
    number,
    0,
    VARINT,
    (reader) => reader.int32(),
    (writer, value) => writer.int32(value),
  )
/** As a number: what is not a safe integer loses precision. */
export const int64 = (number: number): ProtoField<number> =>
  scalar(
    number,
    0,
    VARINT,
    (reader) => Number(reader.int64()),
    (writer, value) => writer.int64(value),
  )
/** As a number: what is not a safe integer loses precision. */
export const uint64 = (number: number): ProtoField<number> =>
  scalar(
    number,
    0,
    VARINT,
    (reader) => Number(reader.uint64()),
    (writer, value) => writer.uint64(value),
  )
export const bytes = (number: number): ProtoField<Buffer> => ({
  number,
  initial: () => EMPTY,
  read: readBytes,
  write(writer, value) {
    if (value.length > 0) writer.uint32((number << 3) | DELIMITED).bytes(value)
  },
})

/** A message in a message; undefined where it is absent. */
export const nested = <T>(number: number, of: Message<T>): ProtoField<Partial<T> | undefined> => ({
  number,
  initial: () => undefined,
  read: (reader) => of.decode(reader.bytes()),
  write(writer, value) {
    if (value !== undefined) writer.uint32((number << 3) | DELIMITED).bytes(of.encode(value))
  },
})

export const list = <T>(number: number, of: Message<T>): ProtoField<Partial<T>[]> =>
  many<Partial<T>>(
    number,
    (reader) => of.decode(reader.bytes()),
    (writer, value) => writer.bytes(of.encode(value)),
  )
export const strings = (number: number): ProtoField<string[]> =>
  many(
    number,
    (reader) => reader.string(),
    (writer, value) => writer.string(value),
  )
export const blobs = (number: number): ProtoField<Buffer[]> => many(number, readBytes, (writer, value) => writer.bytes(value))

/** `map<string, bytes>`. */
export const byteMap = (number: number): ProtoField<Record<string, Buffer>> => map(number, bytes(2))
/** `map<string, string>`. */
export const textMap = (number: number): ProtoField<Record<string, string>> => map(number, string(2))

function map<T>(number: number, values: ProtoField<T>): ProtoField<Record<string, T>> {
  const entry = message<{ key: string; value: T }>({ key: string(1), value: values })
  return {
    number,
    initial: () => ({}),
    read(reader, before) {
      const { key, value } = entry.decode(reader.bytes())
      return { ...before, [key]: value }
    },
    write(writer, held) {
      for (const [key, value] of Object.entries(held)) writer.uint32((number << 3) | DELIMITED).bytes(entry.encode({ key, value }))
    },
  }
}

/** A message that is encoded already. */
export const encoded: Message<{ bytes: Buffer }> = {
  encode: ({ bytes: already = EMPTY }) => already,
  decode: (already) => ({ bytes: Buffer.from(already) }),
}

/** Messages one after another, each after its length. */
export function joinDelimited(messages: readonly Uint8Array[]): Buffer {
  const writer = protobuf.Writer.create()
  for (const one of messages) writer.bytes(one)
  return Buffer.from(writer.finish())
}

/** What `joinDelimited` put together. */
export function splitDelimited(joined: Uint8Array): Buffer[] {
  const reader = protobuf.Reader.create(joined)
  const messages: Buffer[] = []
  while (reader.pos < reader.len) messages.push(readBytes(reader))
  return messages
}

function many<T>(number: number, read: (reader: Reader) => T, write: (writer: Writer, value: T) => unknown): ProtoField<T[]> {
  return {
    number,
    initial: () => [],
    read(reader, before) {
      before.push(read(reader))
      return before
    },
    write(writer, values) {
      for (const value of values) write(writer.uint32((number << 3) | DELIMITED), value)
    },
  }
}

function readBytes(reader: Reader): Buffer {
  return Buffer.from(reader.bytes())
}

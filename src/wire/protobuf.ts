// Protocol Buffers (proto3), declared as data: each message's names, numbers and kinds once, for both directions and for the types.
import protobuf from 'protobufjs/minimal.js'
import type { Declared, Enumeration, FieldShape, Kind } from './shape.ts'

type Reader = protobuf.Reader
type Writer = protobuf.Writer

/** One field. `read` gets what was read of it before, and the wire type; `write` is for what `isAbsent` does not leave out. */
export interface ProtoField<T> extends FieldShape {
  readonly initial: () => T
  readonly read: (reader: Reader, before: T, wire: number) => T
  readonly isAbsent: (value: T) => boolean
  readonly write: (writer: Writer, value: T) => void
}

type Fields<T> = { readonly [K in keyof T]: ProtoField<T[K]> }

export interface Message<T> extends Declared {
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
    shape: () => fields,
    encode(value) {
      const writer = protobuf.Writer.create()
      for (const [name, field] of entries) {
        const one = value[name]
        if (one !== undefined && !field.isAbsent(one)) field.write(writer, one)
      }
      return Buffer.from(writer.finish())
    },
    decode(encoded) {
      const value = Object.fromEntries(entries.map(([name, field]) => [name, field.initial()])) as T
      for (const reader = protobuf.Reader.create(encoded); reader.pos < reader.len; ) {
        const tag = reader.uint32()
        const known = byNumber.get(tag >>> 3)
        if (known) value[known.name] = known.field.read(reader, value[known.name], tag & 7)
        else reader.skipType(tag & 7)
      }
      return value
    },
  }
}

function scalar<T>(number: number, kind: Kind, initial: T, read: (reader: Reader) => T, write: (writer: Writer, value: T) => unknown): ProtoField<T> {
  const wire = kind.type === 'string' ? DELIMITED : VARINT
  return {
    number,
    kind,
    initial: () => initial,
    read,
    isAbsent: (value) => value === initial,
    write: (writer, value) => void write(writer.uint32((number << 3) | wire), value),
  }
}

export const string = (number: number): ProtoField<string> =>
  scalar(
    number,
    { type: 'string' },
    '',
    (reader) => reader.string(),
    (writer, value) => writer.string(value),
  )
export const bool = (number: number): ProtoField<boolean> =>
  scalar(
    number,
    { type: 'bool' },
    false,
    (reader) => reader.bool(),
    (writer, value) => writer.bool(value),
  )
export const int32 = (number: number): ProtoField<number> => numeric(number, { type: 'int32' })
export const uint32 = (number: number): ProtoField<number> =>
  scalar(
    number,
    { type: 'uint32' },
    0,
    (reader) => reader.uint32(),
    (writer, value) => writer.uint32(value),
  )
/** A number of the enumeration, or one that it does not have. */
export const enumeration = (number: number, of: Enumeration): ProtoField<number> => numeric(number, { type: 'enum', of })

function numeric(number: number, kind: Kind): ProtoField<number> {
  return scalar(
    number,
    kind,
    0,
    (reader) => reader.int32(),
    (writer, value) => writer.int32(value),
  )
}

/** As a number: what is not a safe integer loses precision. */
export const int64 = (number: number): ProtoField<number> =>
  scalar(
    number,
    { type: 'int64' },
    0,
    (reader) => Number(reader.int64()),
    (writer, value) => writer.int64(value),
  )
/** As a number: what is not a safe integer loses precision. */
export const uint64 = (number: number): ProtoField<number> =>
  scalar(
    number,
    { type: 'uint64' },
    0,
    (reader) => Number(reader.uint64()),
    (writer, value) => writer.uint64(value),
  )

export const bytes = (number: number): ProtoField<Buffer> => ({
  number,
  kind: { type: 'bytes' },
  initial: () => EMPTY,
  read: readBytes,
  isAbsent: (value) => value.length === 0,
  write: (writer, value) => void writer.uint32((number << 3) | DELIMITED).bytes(value),
})

/** One of a group, of which only one may be there; undefined where it is not, so that a default is told from nothing. */
export const oneOf = <T>(oneof: string, { number, kind, initial, read, write }: ProtoField<T>): ProtoField<T | undefined> => ({
  number,
  kind,
  oneof,
  initial: () => undefined,
  read: (reader, before, wire) => read(reader, before ?? initial(), wire),
  isAbsent: (value) => value === undefined,
  write: (writer, value) => write(writer, value ?? initial()),
})

/** A message in a message; undefined where it is absent. */
export const nested = <T>(number: number, of: Message<T>): ProtoField<Partial<T> | undefined> => ({
  number,
  kind: { type: 'message', of },
  initial: () => undefined,
  read: (reader) => of.decode(reader.bytes()),
  isAbsent: (value) => value === undefined,
  write(writer, value) {
    if (value !== undefined) writer.uint32((number << 3) | DELIMITED).bytes(of.encode(value))
  },
})

export const list = <T>(number: number, of: Message<T>): ProtoField<Partial<T>[]> =>
  many<Partial<T>>(
    number,
    { type: 'message', of },
    (reader) => of.decode(reader.bytes()),
    (writer, value) => writer.bytes(of.encode(value)),
  )
export const strings = (number: number): ProtoField<string[]> =>
  many(
    number,
    { type: 'string' },
    (reader) => reader.string(),
    (writer, value) => writer.string(value),
  )
export const blobs = (number: number): ProtoField<Buffer[]> => many(number, { type: 'bytes' }, readBytes, (writer, value) => writer.bytes(value))

/** `repeated int32`, written packed and read either way. */
export const int32s = (number: number): ProtoField<number[]> => ({
  number,
  kind: { type: 'int32' },
  repeated: true,
  initial: () => [],
  read(reader, before, wire) {
    if (wire !== DELIMITED) return [...before, reader.int32()]
    const all = [...before]
    for (const end = reader.uint32() + reader.pos; reader.pos < end; ) all.push(reader.int32())
    return all
  },
  isAbsent: (values) => values.length === 0,
  write(writer, values) {
    writer.uint32((number << 3) | DELIMITED).fork()
    for (const value of values) writer.int32(value)
    writer.ldelim()
  },
})

/** `map<string, bytes>`. */
export const byteMap = (number: number): ProtoField<Record<string, Buffer>> => map(number, bytes(2))
/** `map<string, string>`. */
export const textMap = (number: number): ProtoField<Record<string, string>> => map(number, string(2))

function map<T>(number: number, values: ProtoField<T>): ProtoField<Record<string, T>> {
  const entry = message<{ key: string; value: T }>({ key: string(1), value: values })
  return {
    number,
    kind: { type: 'map', of: entry },
    initial: () => ({}),
    read(reader, before) {
      const { key, value } = entry.decode(reader.bytes())
      return { ...before, [key]: value }
    },
    isAbsent: () => false,
    write(writer, held) {
      for (const [key, value] of Object.entries(held)) writer.uint32((number << 3) | DELIMITED).bytes(entry.encode({ key, value }))
    },
  }
}

/** A message that is encoded already. */
export const encoded: Message<{ bytes: Buffer }> = {
  shape: () => ({}),
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

function many<T>(number: number, kind: Kind, read: (reader: Reader) => T, write: (writer: Writer, value: T) => unknown): ProtoField<T[]> {
  return {
    number,
    kind,
    repeated: true,
    initial: () => [],
    read(reader, before) {
      before.push(read(reader))
      return before
    },
    isAbsent: (values) => values.length === 0,
    write(writer, values) {
      for (const value of values) write(writer.uint32((number << 3) | DELIMITED), value)
    },
  }
}

function readBytes(reader: Reader): Buffer {
  return Buffer.from(reader.bytes())
}

// google.protobuf.Struct: JSON objects as messages, which hold themselves and are therefore written by hand.
import protobuf from 'protobufjs/minimal.js'
import { isRawNumber, type Json, type JsonObject } from '../base/json.ts'
import type { ProtoFile } from './descriptors.ts'
import type { Message } from './protobuf.ts'
import type { Declared } from './shape.ts'

type Reader = protobuf.Reader
type Writer = protobuf.Writer

/** Numbers are doubles here: what is none loses precision. Deeper ones than this are refused. */
const DEPTH = 100

export const Struct: Message<JsonObject> = {
  shape: () => ({ fields: { number: 1, kind: { type: 'map', of: FieldsEntry } } }),
  encode: (value) => Buffer.from(writeStruct(protobuf.Writer.create(), value as JsonObject).finish()),
  decode: (bytes) => readStruct(protobuf.Reader.create(bytes), 0),
}

const FieldsEntry: Declared = {
  shape: () => ({ key: { number: 1, kind: { type: 'string' } }, value: { number: 2, kind: { type: 'message', of: Value } } }),
}
const ListValue: Declared = { shape: () => ({ values: { number: 1, kind: { type: 'message', of: Value }, repeated: true } }) }
const NullValue = { NULL_VALUE: 0 }
const oneof = 'kind'
const Value: Declared = {
  shape: () => ({
    nullValue: { number: 1, kind: { type: 'enum', of: NullValue }, oneof },
    numberValue: { number: 2, kind: { type: 'double' }, oneof },
    stringValue: { number: 3, kind: { type: 'string' }, oneof },
    boolValue: { number: 4, kind: { type: 'bool' }, oneof },
    structValue: { number: 5, kind: { type: 'message', of: Struct }, oneof },
    listValue: { number: 6, kind: { type: 'message', of: ListValue }, oneof },
  }),
}

export const STRUCT_FILE: ProtoFile = {
  name: 'google/protobuf/struct.proto',
  package: 'google.protobuf',
  types: { Struct, Value, ListValue, NullValue },
}

const tag = (number: number, wire: number): number => (number << 3) | wire
const ENTRY = tag(1, 2)
const KEY = tag(1, 2)
const VALUE = tag(2, 2)
/** Of a Value, by its kind. */
const NULL = tag(1, 0)
const NUMBER = tag(2, 1)
const STRING = tag(3, 2)
const BOOL = tag(4, 0)
const STRUCT = tag(5, 2)
const LIST = tag(6, 2)
const ITEM = tag(1, 2)

function writeStruct(writer: Writer, value: JsonObject): Writer {
  for (const [key, one] of Object.entries(value)) {
    const entry = protobuf.Writer.create().uint32(KEY).string(key).uint32(VALUE).bytes(valueBytes(one))
    writer.uint32(ENTRY).bytes(entry.finish())
  }
  return writer
}

function valueBytes(value: Json): Uint8Array {
  const writer = protobuf.Writer.create()
  if (value === null) writer.uint32(NULL).int32(0)
  else if (typeof value === 'number') writer.uint32(NUMBER).double(value)
  else if (isRawNumber(value)) writer.uint32(NUMBER).double(Number(value.rawJSON))
  else if (typeof value === 'string') writer.uint32(STRING).string(value)
  else if (typeof value === 'boolean') writer.uint32(BOOL).bool(value)
  else if (Array.isArray(value)) writer.uint32(LIST).bytes(listBytes(value))
  else writer.uint32(STRUCT).bytes(writeStruct(protobuf.Writer.create(), value).finish())
  return writer.finish()
}

function listBytes(values: readonly Json[]): Uint8Array {
  const writer = protobuf.Writer.create()
  for (const one of values) writer.uint32(ITEM).bytes(valueBytes(one))
  return writer.finish()
}

function readStruct(reader: Reader, depth: number): JsonObject {
  const entries: [string, Json][] = []
  each(reader, {
    [ENTRY](inner) {
      let key = ''
      let value: Json = null
      each(protobuf.Reader.create(inner.bytes()), {
        [KEY]: (one) => void (key = one.string()),
        [VALUE]: (one) => void (value = readValue(protobuf.Reader.create(one.bytes()), depth + 1)),
      })
      entries.push([key, value])
    },
  })
  return Object.fromEntries(entries)
}

function readValue(reader: Reader, depth: number): Json {
  if (depth > DEPTH) throw new Error('a value that is nested too deep')
  let value: Json = null
  each(reader, {
    [NULL]: (one) => void one.int32(),
    [NUMBER]: (one) => void (value = one.double()),
    [STRING]: (one) => void (value = one.string()),
    [BOOL]: (one) => void (value = one.bool()),
    [STRUCT]: (one) => void (value = readStruct(protobuf.Reader.create(one.bytes()), depth)),
    [LIST](one) {
      const items: Json[] = []
      each(protobuf.Reader.create(one.bytes()), { [ITEM]: (item) => void items.push(readValue(protobuf.Reader.create(item.bytes()), depth + 1)) })
      value = items
    },
  })
  return value
}

/** Reads fields by their tags; others are passed over. */
function each(reader: Reader, fields: Readonly<Record<number, (reader: Reader) => void>>): void {
  while (reader.pos < reader.len) {
    const found = reader.uint32()
    const read = fields[found]
    if (read) read(reader)
    else reader.skipType(found & 7)
  }
}

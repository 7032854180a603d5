import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import protobuf from 'protobufjs'
import { type JsonObject, parseJson } from '../base/json.ts'
import { Struct } from './struct.ts'

/** As protobufjs knows it. */
const oracle = protobuf.common.get('google/protobuf/struct.proto')
const root = protobuf.Root.fromJSON({ nested: oracle?.nested ?? {} })
const type = root.lookupType('google.protobuf.Struct')

/** What protobufjs makes of a Value, as JSON. */
function plain(value: any): any {
  if ('structValue' in value) return plainStruct(value.structValue)
  if ('listValue' in value) return (value.listValue.values ?? []).map(plain)
  if ('nullValue' in value) return null
  return value.stringValue ?? value.numberValue ?? value.boolValue
}

const plainStruct = (struct: any): any => Object.fromEntries(Object.entries(struct.fields ?? {}).map(([key, value]) => [key, plain(value)]))

const isPlain = (value: unknown) => !JSON.stringify(value).includes('__proto__')
/** By way of a text, so that there is no -0 in it. */
const json = fc
  .dictionary(fc.string({ minLength: 1 }), fc.jsonValue({ maxDepth: 3 }))
  .filter(isPlain)
  .map((value): JsonObject => JSON.parse(JSON.stringify(value)))

describe('google.protobuf.Struct', () => {
  test('what is encoded is decoded', () => {
    fc.assert(fc.property(json, (value) => assert.deepEqual(Struct.decode(Struct.encode(value)), value)))
  })

  test('others read it', () => {
    fc.assert(
      fc.property(json, (value) => {
        const seen = type.toObject(type.decode(Struct.encode(value)))
        assert.deepEqual(plainStruct(seen), value)
      }),
    )
  })

  test('a number that was kept as text is one', () => {
    assert.deepEqual(Struct.decode(Struct.encode(parseJson(Buffer.from('{"n":1.0}')) as JsonObject)), { n: 1 })
  })

  test('what is nested too deep is refused', () => {
    let value: JsonObject = {}
    for (let depth = 0; depth < 200; depth++) value = { value }
    assert.throws(() => Struct.decode(Struct.encode(value)), /nested too deep/)
  })
})

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import protobuf from 'protobufjs'
import { blobs, bool, byteMap, bytes, int32, int64, list, message, nested, string, strings, uint64 } from './protobuf.ts'

const Part = message({ name: string(1), data: bytes(2) })
const All = message({
  text: string(1),
  flag: bool(2),
  small: int32(3),
  large: int64(4),
  unsigned: uint64(5),
  raw: bytes(6),
  part: nested(7, Part),
  parts: list(8, Part),
  words: strings(9),
  lumps: blobs(10),
  table: byteMap(11),
  far: string(1000),
})

/** The same, as protobufjs reads it from a .proto text. */
const { root } = protobuf.parse(`syntax = "proto3";
message Part { string name = 1; bytes data = 2; }
message All { string text = 1; bool flag = 2; int32 small = 3; int64 large = 4; uint64 unsigned = 5; bytes raw = 6; Part part = 7;
  repeated Part parts = 8; repeated string words = 9; repeated bytes lumps = 10; map<string, bytes> table = 11; string far = 1000; }`)
const oracle = root.lookupType('All')

const buffer = fc.uint8Array({ maxLength: 20 }).map((value) => Buffer.from(value))
const part = fc.record({ name: fc.string(), data: buffer }, { noNullPrototype: true })
const all = fc.record(
  {
    text: fc.string({ unit: 'grapheme' }),
    flag: fc.boolean(),
    small: fc.integer(),
    large: fc.maxSafeInteger(),
    unsigned: fc.maxSafeNat(),
    raw: buffer,
    part: fc.option(part, { nil: undefined }),
    parts: fc.array(part, { maxLength: 3 }),
    words: fc.array(fc.string(), { maxLength: 3 }),
    lumps: fc.array(buffer, { maxLength: 3 }),
    table: fc.dictionary(
      fc.string({ minLength: 1 }).filter((key) => key !== '__proto__'),
      buffer,
      { maxKeys: 3, noNullPrototype: true },
    ),
    far: fc.string(),
  },
  { noNullPrototype: true },
)

describe('protobuf', () => {
  test('what is encoded is decoded', () => {
    fc.assert(fc.property(all, (value) => assert.deepEqual(All.decode(All.encode(value)), value)))
  })

  test('others read it, and write what is read', () => {
    fc.assert(
      fc.property(all, (value) => {
        const seen = oracle.decode(All.encode(value))
        assert.deepEqual(All.decode(oracle.encode(seen).finish()), value)
      }),
    )
  })

  test('fields that nobody declared are passed over', () => {
    const Narrow = message({ flag: bool(2) })
    assert.deepEqual(Narrow.decode(All.encode({ text: 'x', flag: true, part: { name: 'y' }, far: 'z' })), { flag: true })
  })

  test('defaults take no bytes', () => {
    assert.equal(All.encode({ text: '', flag: false, small: 0, raw: Buffer.alloc(0), parts: [], table: {} }).length, 0)
    assert.equal(All.encode({ part: {} }).length, 2)
  })

  test('garbage is refused or read, and nothing else happens', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (value) => {
        try {
          All.decode(value)
        } catch (error) {
          assert.ok(error instanceof Error)
        }
      }),
    )
  })
})

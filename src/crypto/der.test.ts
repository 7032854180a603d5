import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { bits, bitsOf, context, DerReader, enter, integer, NotDer, octets, oid, oidOf, sequence, TAG, text, time, tlv, TRUE } from './der.ts'

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')
const from = (digits: string) => Buffer.from(digits.replaceAll(' ', ''), 'hex')

describe('DER', () => {
  test('lengths take the shortest form', () => {
    assert.equal(hex(octets(Buffer.alloc(0))), '0400')
    assert.equal(hex(octets(Buffer.alloc(127)).subarray(0, 2)), '047f')
    assert.equal(hex(octets(Buffer.alloc(128)).subarray(0, 3)), '048180')
    assert.equal(hex(octets(Buffer.alloc(256)).subarray(0, 4)), '04820100')
    assert.equal(hex(octets(Buffer.alloc(65_536)).subarray(0, 5)), '0483010000')
  })

  test('integers are never negative and never padded', () => {
    assert.deepEqual(
      ['00', '01', '7f', '80', 'ff00', '0001', '000080'].map((digits) => hex(integer(from(digits)))),
      ['020100', '020101', '02017f', '02020080', '020300ff00', '020101', '02020080'],
    )
  })

  test('object identifiers', () => {
    for (const [dotted, digits] of [
      ['2.5.29.17', '0603551d11'],
      ['1.2.840.113549.1.1.11', '06092a864886f70d01010b'],
      ['1.2.840.10045.4.3.2', '06082a8648ce3d040302'],
      ['2.999.1', '0603883701'],
    ] as const) {
      assert.equal(hex(oid(dotted)), digits)
      assert.equal(oidOf(new DerReader(from(digits)).next()), dotted)
    }
  })

  test('times are UTCTime up to 2049 and GeneralizedTime after (RFC 5280 §4.1.2.5)', () => {
    const told = (iso: string) => {
      const node = new DerReader(time(Date.parse(iso))).next()
      return [node.tag, node.content.toString()]
    }
    assert.deepEqual(told('2026-01-02T03:04:05.678Z'), [TAG.utcTime, '260102030405Z'])
    assert.deepEqual(told('2049-12-31T23:59:59Z'), [TAG.utcTime, '491231235959Z'])
    assert.deepEqual(told('2050-01-01T00:00:00Z'), [TAG.time, '20500101000000Z'])
  })

  test('what was written is read back', () => {
    const made = sequence(integer(Buffer.of(5)), tlv(context(0), TRUE), bits(Buffer.of(1, 2)), text(TAG.utf8, 'é'))
    const reader = enter(made)
    assert.equal(hex(reader.next(TAG.integer).content), '05')
    assert.equal(reader.maybe(context(1)), undefined)
    assert.equal(hex(reader.into(context(0)).next(TAG.boolean).content), 'ff')
    assert.equal(hex(bitsOf(reader.next(TAG.bits))), '0102')
    assert.equal(reader.next().content.toString(), 'é')
    reader.end()
  })

  for (const [why, digits] of [
    ['nothing', ''],
    ['no length', '30'],
    ['content cut short', '3003 0201'],
    ['something after', '3000 00'],
    ['a longer length than needed', '308100'],
    ['a length with a leading zero', '30820001 00'],
    ['an indefinite length', '3080 0000'],
    ['a length of five bytes', '30850000000000'],
    ['a tag of several bytes', '3f0100'],
    ['another tag', '3100'],
  ] as const) {
    test(`refuses ${why}`, () => assert.throws(() => enter(from(digits)), NotDer))
  }

  for (const [why, digits] of [
    ['an empty one', '0600'],
    ['leading zeros in an arc', '0603558001'],
    ['one that ends early', '06025581'],
  ] as const) {
    test(`refuses an object identifier: ${why}`, () => assert.throws(() => oidOf(new DerReader(from(digits)).next()), NotDer))
  }

  test('garbage is read or refused, and never anything else happens', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        const walk = (reader: DerReader): number => {
          let nodes = 0
          while (!reader.atEnd) {
            const node = reader.next()
            nodes += 1 + ((node.tag & 0x20) === 0 ? 0 : walk(new DerReader(node.content)))
          }
          return nodes
        }
        try {
          assert.ok(walk(new DerReader(Buffer.from(bytes))) <= bytes.length)
        } catch (error) {
          assert.ok(error instanceof NotDer)
        }
      }),
      { numRuns: 3_000 },
    )
  })
})

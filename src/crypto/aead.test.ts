import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import { BrokenRecord, openRecord, RECORD_OVERHEAD, sealRecord } from './aead.ts'
import { secretKey } from './secret-key.ts'

const random = { bytes: (size: number) => randomBytes(size) }
const key = secretKey(randomBytes(32))
const keyOf = (term: number) => (term === 7 ? key : undefined)
const seal = (text: Uint8Array, path: string) => sealRecord(key, 7, text, path, random)

test('what was sealed for a path opens there', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), fc.string({ unit: 'grapheme' }), (text, path) => {
      const record = seal(text, path)
      assert.equal(record.length, text.length + RECORD_OVERHEAD)
      assert.deepEqual(openRecord(keyOf, record, path), Buffer.from(text))
    }),
    { numRuns: 200 },
  )
})

test('any changed bit is refused', () => {
  const record = seal(Buffer.from('one secret of some length'), 'kv/a')
  for (let bit = 0; bit < record.length * 8; bit++) {
    const altered = Buffer.from(record)
    altered[bit >> 3] = (altered[bit >> 3] as number) ^ (1 << (bit & 7))
    assert.throws(() => openRecord(keyOf, altered, 'kv/a'), BrokenRecord, `bit ${bit}`)
  }
})

test('a record under another path, cut, longer or empty is refused', () => {
  const record = seal(Buffer.from('text'), 'kv/a')
  for (const path of ['kv/b', 'kv/', 'kv/a/', 'kv/A', '', '\u0000kv/a']) assert.throws(() => openRecord(keyOf, record, path), BrokenRecord)
  for (let length = 0; length < record.length; length++) {
    assert.throws(() => openRecord(keyOf, record.subarray(0, length), 'kv/a'), BrokenRecord)
  }
  assert.throws(() => openRecord(keyOf, Buffer.concat([record, Buffer.alloc(1)]), 'kv/a'), BrokenRecord)
})

test('the term is bound too, even where two terms had one key', () => {
  const record = seal(Buffer.from('text'), 'kv/a')
  record.writeUInt32BE(8, 1)
  assert.throws(() => openRecord(() => key, record, 'kv/a'), BrokenRecord)
})

test('each record has a nonce of its own', () => {
  const nonces = new Set(Array.from({ length: 500 }, () => seal(Buffer.alloc(1), 'a').toString('hex', 5, 17)))
  assert.equal(nonces.size, 500)
})

test('raw bytes and a secret key are the same key', () => {
  const raw = randomBytes(32)
  const record = sealRecord(raw, 1, Buffer.from('x'), 'p', random)
  assert.deepEqual(
    openRecord(() => secretKey(raw), record, 'p'),
    Buffer.from('x'),
  )
})

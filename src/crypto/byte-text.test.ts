import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { readBase64, readHex, writeBase64, writeHex } from './byte-text.ts'

test("agrees with Node's own text forms", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 70 }), (raw) => {
      const bytes = Buffer.from(raw)
      const out = Buffer.alloc(200)
      assert.equal(out.toString('latin1', 1, writeHex(out, 1, bytes)), bytes.toString('hex'))
      assert.equal(out.toString('latin1', 1, writeBase64(out, 1, bytes)), bytes.toString('base64'))
      assert.deepEqual(readHex(Buffer.from(bytes.toString('hex').toUpperCase())), bytes)
      assert.deepEqual(readBase64(Buffer.from(bytes.toString('base64'))), bytes)
    }),
    { numRuns: 300 },
  )
})

test('every byte that is no digit is refused', () => {
  for (let byte = 0; byte < 256; byte++) {
    const letter = String.fromCharCode(byte)
    assert.equal(readHex(Buffer.from([0x30, byte])) !== undefined, /[0-9a-fA-F]/.test(letter), `hex ${byte}`)
    assert.equal(readBase64(Buffer.from([0x41, byte, 0x41, 0x41])) !== undefined, /[A-Za-z0-9+/]/.test(letter), `base64 ${byte}`)
  }
})

test('wrong lengths and padding are refused', () => {
  for (const text of ['A', 'AA', 'AAA', 'AAAAA', '=', '====', 'A===', 'AA=A', '=AAA']) assert.equal(readBase64(Buffer.from(text)), undefined, text)
  assert.equal(readHex(Buffer.from('abc')), undefined)
  assert.deepEqual(readBase64(Buffer.alloc(0)), Buffer.alloc(0))
})

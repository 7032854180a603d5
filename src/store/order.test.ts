import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { compareKeys } from './order.ts'

test('keys compare like their bytes', () => {
  const unit = fc.oneof(
    fc.constantFrom('a', '/', '\0', 'é', '\uffff', '\ue000', '\u{10000}', '\u{10ffff}'),
    fc.string({ unit: 'binary', maxLength: 2 }),
  )
  const key = fc.array(unit, { maxLength: 5 }).map((units) => units.join('').toWellFormed())
  fc.assert(
    fc.property(key, key, (a, b) => {
      assert.equal(Math.sign(compareKeys(a, b)), Buffer.compare(Buffer.from(a), Buffer.from(b)))
    }),
    { numRuns: 2_000 },
  )
})

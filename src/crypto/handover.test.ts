// Bytes sealed to a receiver's key of one use.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { handOver, openHandover } from './handover.ts'

test('the receiver gets the bytes, of whatever length', () => {
  for (const size of [0, 1, 32, 54, 65, 100_000]) {
    const bytes = Buffer.alloc(size, 7)
    const receiver = openHandover()
    const sealed = handOver(receiver.publicKey, bytes)
    assert.deepEqual(receiver.open(sealed), bytes)
    if (size > 4) assert.ok(!sealed.includes(bytes))
  }
})

test('nobody else does, and nothing altered is taken', () => {
  const receiver = openHandover()
  const sealed = handOver(receiver.publicKey, Buffer.from('secret'))
  assert.throws(() => openHandover().open(sealed), /another key/)
  for (let at = 20; at < sealed.length; at++) {
    const altered = Buffer.from(sealed)
    altered[at] = (altered[at] as number) ^ 1
    assert.throws(() => receiver.open(altered))
  }
  assert.throws(() => receiver.open(sealed.subarray(0, 50)))
  assert.notDeepEqual(handOver(receiver.publicKey, Buffer.from('secret')), sealed, 'never the same twice')
})

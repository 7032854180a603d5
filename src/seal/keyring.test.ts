import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { Fault } from '../base/fault.ts'
import { KEY_BYTES, Keyring } from './keyring.ts'

function keyring(...keys: Buffer[]): Keyring {
  const ring = new Keyring()
  for (const [index, key] of keys.entries()) ring.addTerm(key, 1000 + index)
  return ring
}

test('numbers its terms from 1, and the newest is active', () => {
  const keys = [randomBytes(32), randomBytes(32)]
  const ring = keyring(...keys)
  assert.equal(ring.active, 2)
  assert.deepEqual(ring.terms, [
    { term: 1, createdAt: 1000 },
    { term: 2, createdAt: 1001 },
  ])
  for (const [index, key] of keys.entries()) assert.deepEqual(ring.keyOf(index + 1)?.export(), key)
  assert.equal(ring.keyOf(0), undefined)
  assert.equal(ring.keyOf(3), undefined)
  ring.close()
})

test('is what it was after encoding and loading', () => {
  const ring = keyring(randomBytes(32), randomBytes(32), randomBytes(32))
  const copy = keyring(randomBytes(32))
  copy.load(ring.encode())
  assert.deepEqual(copy.encode(), ring.encode())
  assert.deepEqual(copy.terms, ring.terms)
  assert.deepEqual(copy.keyOf(3)?.export(), ring.keyOf(3)?.export())
  ring.close()
  copy.close()
})

test('wiped, it has no keys, and can be loaded again', () => {
  const ring = keyring(randomBytes(32))
  const encoded = ring.encode()
  ring.wipe()
  ring.wipe()
  assert.ok(ring.sealed)
  assert.equal(ring.active, 0)
  assert.equal(ring.keyOf(1), undefined)
  assert.ok(ring.encode().every((byte) => byte === 0))
  ring.load(encoded)
  assert.ok(!ring.sealed)
  assert.equal(ring.active, 1)
  ring.close()
})

test('loads nothing but whole keyrings, and keeps what it had', () => {
  const ring = keyring(randomBytes(32), randomBytes(32))
  const good = ring.encode()
  const altered = (change: (bytes: Buffer) => void) => {
    const bytes = Buffer.from(good)
    change(bytes)
    return bytes
  }
  for (const bad of [
    Buffer.alloc(0),
    good.subarray(0, 4),
    good.subarray(0, -1),
    Buffer.concat([good, Buffer.alloc(1)]),
    altered((bytes) => bytes.writeUInt8(2, 0)),
    altered((bytes) => bytes.writeUInt32BE(0, 1)),
    altered((bytes) => bytes.writeUInt32BE(1, 1)),
    altered((bytes) => bytes.writeUInt32BE(2, 5)),
  ]) {
    assert.throws(() => ring.load(bad), /keyring/)
  }
  assert.deepEqual(ring.encode(), good)
  ring.close()
})

test('takes keys of one length, and no more than it has room for', () => {
  const ring = new Keyring()
  assert.throws(() => ring.addTerm(Buffer.alloc(16), 0), RangeError)
  for (let term = 1; term <= 256; term++) assert.equal(ring.addTerm(Buffer.alloc(KEY_BYTES, term), 0), term)
  assert.throws(() => ring.addTerm(Buffer.alloc(KEY_BYTES), 0), Fault)
  assert.deepEqual(ring.keyOf(256)?.export(), Buffer.alloc(KEY_BYTES, 256))
  ring.close()
})

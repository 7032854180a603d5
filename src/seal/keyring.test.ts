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

test('closed, it is sealed for whoever still holds it', () => {
  const ring = new Keyring()
  ring.addTerm(randomBytes(KEY_BYTES), 1)
  ring.close()
  assert.deepEqual([ring.sealed, ring.active, ring.terms, ring.keyOf(1)], [true, 0, [], undefined])
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

test('takes keys of one length, and grows with them', () => {
  const ring = new Keyring()
  assert.throws(() => ring.addTerm(Buffer.alloc(16), 0), RangeError)
  for (let term = 1; term <= 400; term++) assert.equal(ring.addTerm(Buffer.alloc(KEY_BYTES, term), 0), term)
  for (const term of [1, 97, 98, 400]) assert.deepEqual(ring.keyOf(term)?.export(), Buffer.alloc(KEY_BYTES, term))
  const copy = keyring(Buffer.alloc(KEY_BYTES, 1))
  copy.load(ring.encode())
  assert.equal(copy.active, 400)
  ring.close()
  copy.close()
})

test('takes no more terms than its stored form may have', () => {
  const ring = new Keyring()
  for (let term = 1; term <= 16_384; term++) ring.addTerm(Buffer.alloc(KEY_BYTES), 0)
  assert.ok(ring.encode().length < 1 << 20)
  assert.throws(() => ring.addTerm(Buffer.alloc(KEY_BYTES), 0), Fault)
  ring.close()
})

test('terms that came with others seal only once they are told to', () => {
  const keys = [randomBytes(32), randomBytes(32)]
  const ring = keyring(keys[0] as Buffer)
  const grown = keyring(...keys)
  grown.load(grown.encode(), 1)
  assert.equal(grown.active, 1)
  ring.extend(grown.encode())
  assert.equal(ring.active, 1)
  assert.deepEqual(ring.keyOf(2)?.export(), keys[1])
  ring.activate(2)
  assert.equal(ring.active, 2)
  assert.throws(() => ring.activate(3), RangeError)
  assert.throws(() => ring.load(grown.encode(), 3), RangeError)
  ring.close()
  grown.close()
})

test('extends by nothing but what grew out of it', () => {
  const ring = keyring(randomBytes(32), randomBytes(32))
  const before = ring.encode()
  const sealed = new Keyring()
  assert.throws(() => sealed.extend(before), /grew/)
  for (const other of [keyring(randomBytes(32), randomBytes(32), randomBytes(32)), keyring(ring.keyOf(1)?.export() as Buffer)]) {
    assert.throws(() => ring.extend(other.encode()), /grew/)
  }
  assert.deepEqual(ring.encode(), before)
  ring.close()
})

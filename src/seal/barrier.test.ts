import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { random } from '../app/ports.ts'
import { Fault } from '../base/fault.ts'
import { BrokenRecord } from '../crypto/aead.ts'
import { Conflict, type Store } from '../store/store.ts'
import { conformStore } from '../store/conform.ts'
import { memory } from '../store/memory.ts'
import { stillTimers as timers } from '../testing/clock.ts'
import { barrier } from './barrier.ts'
import { Keyring } from './keyring.ts'

function setUp() {
  const raw = memory({ timers })
  const keyring = new Keyring()
  keyring.addTerm(randomBytes(32), 0)
  return { raw, keyring, store: barrier(raw, keyring, random) }
}

conformStore('a barrier', () => setUp().store)

const put = (store: Store, key: string, value: Buffer | string) => store.commit({ ops: [{ key, value: Buffer.from(value) }] })
const isSealed = (error: unknown) => error instanceof Fault && error.code === 'sealed' && error.message === 'Vault is sealed'

test('stores nothing in clear but the keys', async () => {
  const { raw, store } = setUp()
  await put(store, 'kv/a', 'very secret')
  assert.equal(store.get('kv/a')?.value.toString(), 'very secret')
  assert.ok(!raw.get('kv/a')?.value.includes('very secret'))
  assert.deepEqual([...store.keys({ prefix: 'kv/' })], ['kv/a'])
  assert.deepEqual(
    Array.from(store.range({ prefix: '' }), (entry) => [entry.key, entry.value.toString(), entry.revision]),
    [['kv/a', 'very secret', 1]],
  )
})

test('commits are as atomic and conditional as those of the store below', async () => {
  const { store } = setUp()
  const revision = await put(store, 'a', '1')
  await assert.rejects(store.commit({ ops: [{ key: 'a', value: Buffer.from('2') }], expect: [{ key: 'a', revision: 0 }] }), Conflict)
  await store.commit({
    ops: [
      { key: 'a', value: undefined },
      { key: 'b', value: Buffer.alloc(0) },
    ],
    expect: [{ key: 'a', revision }],
  })
  assert.equal(store.get('a'), undefined)
  assert.equal(store.get('b')?.value.length, 0)
})

test('refuses values that were altered or moved, and lists keys without reading them', async () => {
  const { raw, store } = setUp()
  await put(store, 'kv/a', 'one')
  await put(store, 'kv/b', 'two')
  const [a, b] = ['kv/a', 'kv/b'].map((key) => raw.get(key)?.value) as [Buffer, Buffer]
  await raw.commit({
    ops: [
      { key: 'kv/a', value: b },
      { key: 'kv/b', value: a },
    ],
  })
  for (const key of ['kv/a', 'kv/b']) assert.throws(() => store.get(key), BrokenRecord)
  assert.throws(() => [...store.range({ prefix: '' })], BrokenRecord)
  assert.deepEqual([...store.keys({ prefix: '' })], ['kv/a', 'kv/b'])
})

test('old terms still open, new ones seal', async () => {
  const { raw, keyring, store } = setUp()
  await put(store, 'a', 'old')
  keyring.addTerm(randomBytes(32), 0)
  await put(store, 'b', 'new')
  assert.deepEqual(
    ['a', 'b'].map((key) => raw.get(key)?.value.readUInt32BE(1)),
    [1, 2],
  )
  assert.deepEqual(
    ['a', 'b'].map((key) => store.get(key)?.value.toString()),
    ['old', 'new'],
  )
})

test('serves nothing once the keyring is wiped', async () => {
  const { raw, keyring, store } = setUp()
  await put(store, 'a', 'x')
  keyring.wipe()
  assert.throws(() => store.get('a'), isSealed)
  assert.throws(() => store.get('absent'), isSealed)
  assert.throws(() => store.range({ prefix: '' }), isSealed)
  assert.throws(() => store.keys({ prefix: '' }), isSealed)
  await assert.rejects(put(store, 'b', 'y'), isSealed)
  await assert.rejects(store.commit({ ops: [{ key: 'a', value: undefined }] }), isSealed)
  assert.equal(raw.revision, 1)
})

// Cubbyhole: each token's own store.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseJson, type JsonObject } from '../base/json.ts'
import { openBench, someToken } from '../testing/run-op.ts'
import { cubbyhole, cubbyholePrefix } from './cubbyhole.ts'

const ann = someToken({ hash: 'aa' })
const root = someToken({ hash: 'aab', policies: ['root'] })

test('a token reads, lists and deletes what it wrote', async () => {
  const bench = openBench(cubbyhole, { caller: ann })
  const text = '{"n":9007199254740993,"__proto__":1.0}'
  const made = await bench.call('write', 'x/y', parseJson(Buffer.from(text)) as JsonObject)
  assert.deepEqual([made.reply, made.capability], [{ kind: 'empty' }, 'create'])
  await bench.call('write', 'x', { k: 1 })
  const { reply } = await bench.call('read', 'x/y')
  assert.equal(reply.kind === 'data' && JSON.stringify(reply.data), text)
  assert.deepEqual((await bench.call('list', '')).reply, { kind: 'keys', keys: ['x', 'x/'] })
  assert.deepEqual((await bench.call('list', 'x')).reply, { kind: 'keys', keys: ['y'] })
  assert.equal((await bench.call('write', 'x', { k: 2 })).capability, 'update')
  assert.deepEqual((await bench.call('delete', 'x')).reply, { kind: 'empty' })
  assert.deepEqual((await bench.call('delete', 'x')).reply, { kind: 'empty' })
  assert.deepEqual((await bench.call('read', 'x')).reply, { kind: 'missing' })
  assert.deepEqual((await bench.call('list', 'none')).reply, { kind: 'keys', keys: [] })
})

test('no other token sees it, not even one with the root policy', async () => {
  const bench = openBench(cubbyhole)
  await bench.call('write', 'x', { k: 1 }, ann)
  assert.deepEqual((await bench.call('read', 'x', {}, root)).reply, { kind: 'missing' })
  assert.deepEqual((await bench.call('list', '', {}, root)).reply, { kind: 'keys', keys: [] })
  await bench.call('delete', 'x', {}, root)
  assert.equal((await bench.call('read', 'x', {}, ann)).reply.kind, 'data')
  assert.deepEqual([...bench.store.keys({ prefix: cubbyholePrefix(ann) })], ['aa/x'])
  await assert.rejects(bench.call('read', 'x'), { code: 'denied' })
})

test('bad input is refused', async () => {
  const bench = openBench(cubbyhole, { caller: ann })
  await assert.rejects(bench.call('write', 'x', {}), { code: 'invalid', message: 'missing data fields' })
  await assert.rejects(bench.call('write', '', { k: 1 }), { code: 'invalid', message: 'missing path' })
  await assert.rejects(bench.call('write', 'x/', { k: 1 }), { code: 'invalid', message: "cannot write to a path ending in '/'" })
  await assert.rejects(bench.call('scan', ''), { code: 'unsupported' })
})

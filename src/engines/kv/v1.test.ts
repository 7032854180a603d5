// KV version 1.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseJson, type JsonObject } from '../../base/json.ts'
import { openBench } from '../../testing/run-op.ts'
import { kv1 } from './v1.ts'

test('what is written is read, replaced and deleted', async () => {
  const bench = openBench(kv1)
  assert.deepEqual((await bench.call('read', 'a/b')).reply, { kind: 'missing' })
  const made = await bench.call('write', 'a/b', { k: 'v', path: 'mine', limit: 'too' })
  assert.deepEqual([made.reply, made.capability], [{ kind: 'empty' }, 'create'])
  assert.deepEqual((await bench.call('read', 'a/b')).reply, { kind: 'data', data: { k: 'v', path: 'mine', limit: 'too' }, leaseDuration: 2_764_800 })
  assert.equal((await bench.call('write', 'a/b', { other: null })).capability, 'update')
  assert.deepEqual((await bench.call('read', 'a/b')).reply, { kind: 'data', data: { other: null }, leaseDuration: 2_764_800 })
  assert.deepEqual((await bench.call('delete', 'a/b')).reply, { kind: 'empty' })
  assert.deepEqual((await bench.call('delete', 'a/b')).reply, { kind: 'empty' })
  assert.deepEqual((await bench.call('read', 'a/b')).reply, { kind: 'missing' })
})

test('numbers and odd keys come back as they were sent', async () => {
  const bench = openBench(kv1)
  const text = '{"2":1.0,"n":9007199254740993,"e":1e400,"__proto__":{"x":-0}}'
  await bench.call('write', '__proto__', parseJson(Buffer.from(text)) as JsonObject)
  const { reply } = await bench.call('read', '__proto__')
  assert.equal(reply.kind === 'data' && JSON.stringify(reply.data), text)
})

test('the lease is the secret’s own, else the mount’s, else the system’s', async () => {
  const lease = async (secret: JsonObject, defaultLeaseTtl = 0) => {
    const plain = openBench(kv1)
    const bench = openBench(kv1, { mount: { config: { ...plain.mount.config, defaultLeaseTtl } } })
    await bench.call('write', 'a', secret)
    const { reply } = await bench.call('read', 'a')
    return reply.kind === 'data' && reply.leaseDuration
  }
  assert.equal(await lease({ ttl: '1h' }), 3600)
  assert.equal(await lease({ ttl: 5 }), 5)
  assert.equal(await lease({ ttl: '' }), 0)
  assert.equal(await lease({ lease: '2m' }), 120)
  for (const ttl of ['soon', true, ['1h'], { s: 1 }]) assert.equal(await lease({ ttl }), 2_764_800)
  assert.equal(await lease({ x: 1 }, 600), 600)
  assert.equal(await lease({ ttl: '1m' }, 600), 60)
})

test('bad input is refused in Vault’s words', async () => {
  const bench = openBench(kv1)
  await assert.rejects(bench.call('write', 'a', {}), { code: 'invalid', message: 'missing data fields' })
  await assert.rejects(bench.call('write', 'a/', { k: 1 }), { code: 'invalid', message: "cannot write to a path ending in '/'" })
  await assert.rejects(bench.call('write', '', { k: 1 }), { code: 'invalid' })
  await assert.rejects(bench.call('patch', 'a', { k: 1 }), { code: 'unsupported' })
})

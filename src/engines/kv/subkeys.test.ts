// The shape of a secret without its values.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JsonObject } from '../../base/json.ts'
import { openBench } from '../../testing/run-op.ts'
import { kv2 } from './v2.ts'

const SECRET = { a: 1, b: { c: { d: 'x' }, empty: {} }, list: [{ x: 1 }], ['__proto__']: { p: 'x' } }

test('subkeys keep every key, down to a depth, and no value', async () => {
  const bench = openBench(kv2)
  await bench.call('write', 'data/s', { data: SECRET })
  const at = async (data: JsonObject) => {
    const { reply } = await bench.call('read', 'subkeys/s', data)
    assert.ok(reply.kind === 'data')
    return JSON.stringify(reply.data?.['subkeys'])
  }
  const whole = '{"a":null,"b":{"c":{"d":null},"empty":null},"list":null,"__proto__":{"p":null}}'
  assert.equal(await at({}), whole)
  assert.equal(await at({ depth: '1' }), '{"a":null,"b":null,"list":null,"__proto__":null}')
  assert.equal(await at({ depth: 2 }), '{"a":null,"b":{"c":null,"empty":null},"list":null,"__proto__":{"p":null}}')
  assert.equal(await at({ depth: 3 }), whole)
  assert.equal(await at({ depth: -1 }), '{"a":null,"b":null,"list":null,"__proto__":null}')
})

test('subkeys are of one version, and gone with it', async () => {
  const bench = openBench(kv2)
  assert.deepEqual((await bench.call('read', 'subkeys/s')).reply, { kind: 'missing' })
  await bench.call('write', 'data/s', { data: { old: 1 } })
  await bench.call('write', 'data/s', { data: { new: 1 } })
  const { reply } = await bench.call('read', 'subkeys/s', { version: 1 })
  assert.deepEqual(reply.kind === 'data' && reply.data?.['subkeys'], { old: null })
  await bench.call('delete', 'data/s')
  const { reply: gone } = await bench.call('read', 'subkeys/s')
  assert.ok(gone.kind === 'data')
  assert.deepEqual([gone.status, gone.data?.['subkeys']], [404, null])
})

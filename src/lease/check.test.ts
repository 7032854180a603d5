// The checker finds whatever a half written lease could look like.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { encode } from '../store/records.ts'
import type { Key } from '../store/store.ts'
import { type LeaseBench, openLeaseBench } from '../testing/lease-bench.ts'

async function opened(): Promise<LeaseBench> {
  const bench = openLeaseBench()
  await bench.addToken('t')
  await bench.addMount('db')
  await bench.borrow('db', 't', { role: 'r' })
  bench.accounts.fault = 'silent'
  void bench.borrow('db', 't', { role: 'r' })
  for (let n = 0; n < 5; n++) await bench.timers.turn()
  assert.deepEqual(bench.check(), [])
  return bench
}

test('each key that is missing is found', async () => {
  const keys = [...(await opened()).store.keys({ prefix: '' })].filter((key) => key.includes('lease'))
  assert.equal(keys.length, 2 * 4 + 4)
  for (let at = 0; at < keys.length; at++) {
    const bench = await opened()
    const key = [...bench.store.keys({ prefix: '' })].filter((one) => one.includes('lease'))[at] as Key
    await bench.store.commit({ ops: [{ key, value: undefined }] })
    assert.notDeepEqual(bench.check(), [], key)
  }
})

test('each key too many is found', async () => {
  const bench = await opened()
  const index = [...bench.store.keys({ prefix: 'lease-' })].filter((key) => key.includes('/'))
  for (const key of [...index.map((one) => one.replace('/r/', '/s/')), 'lease-stuck/root/db/creds/r/x', 'ns/root/lease/count/mount/none']) {
    await bench.store.commit({ ops: [{ key, value: encode(1) }] })
    assert.equal(bench.check().length, 1, key)
    await bench.store.commit({ ops: [{ key, value: undefined }] })
  }
})

test('a lease under another’s id, and one that is also an intent, are found', async () => {
  const bench = await opened()
  const [key = ''] = bench.store.keys({ prefix: 'ns/root/lease/id/' })
  const { value } = bench.store.get(key) ?? {}
  await bench.store.commit({ ops: [{ key: key.replace('/id/', '/intent/'), value }] })
  assert.match(bench.check().join('\n'), /both a lease and an intent/)
  await bench.store.commit({ ops: [{ key: key.replace('/id/', '/intent/'), value: undefined }] })
  await bench.store.commit({ ops: [{ key: `${key}x`, value }] })
  assert.match(bench.check().join('\n'), /holds the lease/)
})

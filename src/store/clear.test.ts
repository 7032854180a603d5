import assert from 'node:assert/strict'
import { test } from 'node:test'
import { stillTimers as timers } from '../testing/clock.ts'
import { clear } from './clear.ts'
import { memory } from './memory.ts'

test('removes what is under the prefix and nothing else, in several commits', async () => {
  const store = memory({ timers })
  const key = (n: number): string => (n % 3 === 0 ? `keep/${n}` : `drop/${n}`)
  await store.commit({ ops: Array.from({ length: 1_800 }, (_, n) => ({ key: key(n), value: Buffer.from('x') })) })
  await clear(store, 'drop/')
  assert.equal([...store.keys({ prefix: '' })].length, 600)
  assert.ok(store.revision > 2)
  await clear(store, 'drop/')
})

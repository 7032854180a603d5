import assert from 'node:assert/strict'
import { test } from 'node:test'
import { stillTimers as timers } from '../testing/clock.ts'
import { conformStore } from './conform.ts'
import { memory } from './memory.ts'
import { Gap } from './store.ts'
import { view } from './view.ts'

conformStore('memory', () => memory({ timers }))
conformStore('a view of memory', async () => {
  const whole = memory({ timers })
  await whole.commit({ ops: ['mount', 'mount-', 'mount0', 'mount/'].map((key) => ({ key, value: Buffer.from('of others') })) })
  return view(whole, 'mount/inner/')
})

test('a log that was trimmed is a gap', async () => {
  const store = memory({ timers, logLimit: 3 })
  for (let n = 0; n < 20; n++) await store.commit({ ops: [{ key: `${n}`, value: undefined }] })
  assert.throws(() => [...store.changesSince(16)], Gap)
  assert.deepEqual(
    [...store.changesSince(17)].map(({ keys: [key] }) => key),
    ['17', '18', '19'],
  )
})

test('closing ends the followers and refuses commits', async () => {
  const store = memory({ timers })
  const following = store.changes(0, new AbortController().signal)[Symbol.asyncIterator]().next()
  await store.close()
  assert.deepEqual(await following, { done: true, value: undefined })
  await assert.rejects(store.commit({ ops: [{ key: 'a', value: undefined }] }), /closed/)
})

test('the empty text is no key', async () => {
  const store = memory({ timers })
  assert.equal(store.get(''), undefined)
  await assert.rejects(store.commit({ ops: [{ key: '', value: Buffer.from('x') }] }), { code: 'invalid' })
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { settableClock, stillTimers } from '../testing/clock.ts'
import { conformStore } from './conform.ts'
import { measured } from './measured.ts'
import { memory } from './memory.ts'

const timers = stillTimers
const ignore = () => {}

conformStore('a measured store', () => measured(memory({ timers }), { monotonic: () => 0, observe: { get: ignore, list: ignore, put: ignore } }))

test('reads, ranges and commits are told of, also where they fail or are cut short', async () => {
  const clock = settableClock()
  const told: string[] = []
  const tell = (what: string) => (from: number) => void told.push(`${what} ${from}`)
  const store = measured(memory({ timers }), { monotonic: clock.monotonic, observe: { get: tell('get'), list: tell('list'), put: tell('put') } })
  const from = clock.monotonic()
  await store.commit({
    ops: [
      { key: 'a', value: Buffer.from('1') },
      { key: 'b', value: Buffer.from('2') },
    ],
  })
  await assert.rejects(store.commit({ ops: [], expect: [{ key: 'a', revision: 9 }] }))
  store.get('a')
  for (const _ of store.range({ prefix: '' })) break
  assert.equal([...store.keys({ prefix: '' })].length, 2)
  assert.deepEqual(told, [`put ${from}`, `put ${from}`, `get ${from}`, `list ${from}`, `list ${from}`])
})

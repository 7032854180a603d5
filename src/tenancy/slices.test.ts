import assert from 'node:assert/strict'
import { test } from 'node:test'
import { memory } from '../store/memory.ts'
import { stillTimers as timers } from '../testing/clock.ts'
import { openSlices } from './slices.ts'

test('a slice is given out once, whoever asks: at the same time, in other processes, after a restart', async () => {
  const store = memory({ timers })
  const given: string[] = []
  for (let restart = 0; restart < 3; restart++) {
    const processes = [openSlices(store), openSlices(store)]
    given.push(...(await Promise.all(Array.from({ length: 300 }, (_, n) => (processes[n % 2] ?? assert.fail())('')))))
  }
  assert.equal(new Set(given).size, 900)
  for (const slice of given) assert.match(slice, /^[0-9a-z]{1,3}$/)
})

test('one that could not be reserved is asked for again', async () => {
  const store = memory({ timers })
  let broken = true
  const faulty = Object.create(store, { commit: { value: (batch: never) => (broken ? Promise.reject(new Error('full')) : store.commit(batch)) } })
  const take = openSlices(faulty)
  await Promise.all([assert.rejects(take(''), /full/), assert.rejects(take(''), /full/)])
  broken = false
  assert.equal(await take(''), '0')
  assert.equal(await take('Ab3xYz'), 'Ab3xYz.1')
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { handTimers } from '../testing/clock.ts'
import { Overdue, within } from './within.ts'

test('what ends in time is what it is, and its timer is gone', async () => {
  const timers = handTimers()
  let signal: AbortSignal | undefined
  const run = async (given: AbortSignal) => {
    signal = given
    return 7
  }
  assert.equal(await within(timers, 100, run), 7)
  timers.fire(100)
  assert.equal(signal?.aborted, false)
  await assert.rejects(
    within(timers, 100, () => Promise.reject(new Error('own'))),
    { message: 'own' },
  )
})

test('what takes longer is told, and has failed whether or not it listens', async () => {
  const timers = handTimers()
  let signal: AbortSignal | undefined
  const late = within(timers, 30_000, (given) => {
    signal = given
    return new Promise(() => {})
  })
  timers.fire(29_999)
  assert.equal(signal?.aborted, false)
  timers.fire(30_000)
  await assert.rejects(late, (error) => error instanceof Overdue && error.status === 503 && error.message === 'no result within 30 s')
  assert.equal(signal?.aborted, true)
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Breaker } from './breaker.ts'

test('failures in a row open it, a success in between does not count', () => {
  const breaker = new Breaker()
  for (let n = 0; n < 4; n++) assert.equal(breaker.failed(0), false)
  assert.equal(breaker.succeeded(), false)
  for (let n = 0; n < 4; n++) assert.equal(breaker.failed(0), false)
  assert.equal(breaker.room(0, 64), 64)
  assert.equal(breaker.failed(0), true)
  assert.equal(breaker.room(0, 64), 0)
})

test('one probe is let through after a wait that doubles, and its success closes the circuit', () => {
  const breaker = new Breaker()
  for (let n = 0; n < 5; n++) breaker.failed(0)
  const waits: number[] = []
  for (let now = 0, n = 0; n < 9; n++) {
    const from = now
    while (breaker.room(now, 64) === 0) now += 1_000
    assert.equal(breaker.room(now, 64), 1)
    waits.push(now - from)
    assert.equal(breaker.failed(now), false)
  }
  assert.deepEqual(waits, [5_000, 10_000, 20_000, 40_000, 80_000, 160_000, 300_000, 300_000, 300_000])
  assert.equal(breaker.succeeded(), true)
  assert.equal(breaker.room(0, 64), 64)
})

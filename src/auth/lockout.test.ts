// Lockout by itself: counting, locking, forgetting, and how many counters there can be.
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { memory } from '../store/memory.ts'
import { stillTimers } from '../testing/clock.ts'
import { Fault } from '../base/fault.ts'
import { type Claim, LOCKOUT, lockedNames, openLockout, unlock } from './lockout.ts'
import { openDigest } from './salt.ts'

const MINUTE = 60_000

async function openRoom() {
  const store = memory({ timers: stillTimers })
  const digest = await openDigest({ store, random: { bytes: randomBytes } })
  const lockout = openLockout(LOCKOUT)
  const claim = (now: number, name = 'ann', exists = true): Claim => ({ digest, name, exists, now })
  const wrong = (...of: Parameters<typeof claim>) => lockout.attempt(store, claim(...of), () => undefined)
  const right = (...of: Parameters<typeof claim>) => lockout.attempt(store, claim(...of), () => 'yes')
  const locked = (...of: Parameters<typeof claim>) => {
    try {
      lockout.check(store, claim(...of))
      return false
    } catch (error) {
      assert.deepEqual(error, new Fault('denied', 'permission denied'))
      return true
    }
  }
  return { store, digest, lockout, claim, wrong, right, locked }
}

test('the fifth wrong guess locks for 15 minutes from then on', async () => {
  const { wrong, locked } = await openRoom()
  for (let guess = 1; guess <= 5; guess++) {
    assert.equal(locked(guess * 1000), false, `before guess ${guess}`)
    await wrong(guess * 1000)
  }
  assert.equal(locked(5_000), true)
  assert.equal(locked(5_000 + 15 * MINUTE - 1), true)
  assert.equal(locked(5_000 + 15 * MINUTE), false)
})

test('wrong guesses are forgotten 15 minutes after the last', async () => {
  const { wrong, locked } = await openRoom()
  for (let guess = 0; guess < 4; guess++) await wrong(0)
  await wrong(15 * MINUTE + 1)
  assert.equal(locked(15 * MINUTE + 1), false)
  for (let guess = 0; guess < 4; guess++) await wrong(30 * MINUTE)
  assert.equal(locked(30 * MINUTE), true)
})

test('locked, the right guess is denied unseen', async () => {
  const { store, lockout, claim, wrong } = await openRoom()
  for (let guess = 0; guess < 5; guess++) await wrong(0)
  let seen = false
  await assert.rejects(
    lockout.attempt(store, claim(1), () => (seen = true)),
    new Fault('denied', 'permission denied'),
  )
  assert.equal(seen, false)
})

test('success forgets, and writes nothing where nothing was counted', async () => {
  const { store, wrong, right, locked } = await openRoom()
  for (let guess = 0; guess < 4; guess++) await wrong(0)
  assert.equal(await right(0), 'yes')
  for (let guess = 0; guess < 4; guess++) await wrong(0)
  assert.equal(locked(0), false)
  const before = store.revision
  await right(0, 'bob')
  assert.equal(store.revision, before)
})

test('a guess that is neither right nor wrong changes nothing', async () => {
  const { store, lockout, claim, wrong } = await openRoom()
  await wrong(0)
  const before = store.revision
  await assert.rejects(lockout.attempt(store, claim(0), () => assert.fail('not now')))
  assert.equal(store.revision, before)
})

test('of a volley no more are judged than of the same guesses one by one', async () => {
  const cases: readonly (readonly [at: number, wrong: number, right: number])[] = [
    [0, 5, 1],
    [4, 9, 1],
    [5, 5, 0],
    [63, 5, 0],
  ]
  for (const [at, ...expected] of cases) {
    const { right, wrong } = await openRoom()
    const volley = await Promise.allSettled(Array.from({ length: 64 }, (_, n) => (n === at ? right(0) : wrong(0))))
    const judged = volley.filter((one) => one.status === 'fulfilled').map((one) => one.value)
    assert.deepEqual(
      [undefined, 'yes'].map((value) => judged.filter((one) => one === value).length),
      expected,
      `right guess at ${at}`,
    )
  }
})

test('names nobody has lock too, in a bounded number of counters', async () => {
  const { store, wrong, locked } = await openRoom()
  for (let guess = 0; guess < 5; guess++) await wrong(0, 'nobody', false)
  assert.equal(locked(0, 'nobody', false), true)
  for (let n = 0; n < 50; n++) await wrong(0, `nobody-${n}`, false)
  for (const key of store.keys({ prefix: 'lockout/unknown/' })) assert.match(key, /^lockout\/unknown\/[0-9a-f]{4}$/)
  assert.deepEqual([...store.keys({ prefix: 'lockout/known/' })], [])
})

test('locked names can be listed and unlocked', async () => {
  const { store, digest, wrong, locked } = await openRoom()
  for (const name of ['zoe', 'ann']) for (let guess = 0; guess < 5; guess++) await wrong(0, name)
  await wrong(0, 'bob')
  assert.deepEqual(lockedNames(store, LOCKOUT, 0), ['ann', 'zoe'])
  await unlock(store, digest, 'ann')
  assert.equal(locked(0, 'ann'), false)
  assert.deepEqual(lockedNames(store, LOCKOUT, 0), ['zoe'])
  assert.deepEqual(lockedNames(store, LOCKOUT, 16 * MINUTE), [])
})

test('keys of counters do not show the names', async () => {
  const { store, wrong } = await openRoom()
  await wrong(0, 'ann')
  for (const key of store.keys({ prefix: 'lockout/' })) assert.ok(!key.includes('ann'))
})

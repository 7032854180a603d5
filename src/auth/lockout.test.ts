// Lockout by itself: counting, locking, forgetting, and how many counters there can be.
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { memory } from '../store/memory.ts'
import { stillTimers } from '../testing/clock.ts'
import { Fault } from '../base/fault.ts'
import { newMount } from '../tenancy/mount-spec.ts'
import { lockoutRules } from './lockout-rule.ts'
import { type Claim, openLockout, unlock } from './lockout.ts'
import type { UserLockout } from '../contract/mount.ts'
import { type Digest, openDigest } from './salt.ts'

const MINUTE = 60_000
const MOUNT = newMount(
  { path: 'auth/userpass/', class: 'auth', type: 'userpass' },
  { uuid: '', accessor: '', slice: '', namespace: '', namespaceId: 'root' },
)

async function openRoom() {
  const store = memory({ timers: stillTimers })
  const digest = await openDigest({ store, random: { bytes: randomBytes } })
  const lockout = openLockout(lockoutRules())
  const at = { store, mount: MOUNT }
  const claim = (now: number, name = 'ann', exists = true): Claim => ({ digest, name, exists, now })
  const wrong = (...of: Parameters<typeof claim>) => lockout.attempt(at, claim(...of), () => undefined)
  const right = (...of: Parameters<typeof claim>) => lockout.attempt(at, claim(...of), () => 'yes')
  const locked = (...of: Parameters<typeof claim>) => {
    try {
      lockout.check(at, claim(...of))
      return false
    } catch (error) {
      assert.deepEqual(error, new Fault('denied', 'permission denied'))
      return true
    }
  }
  return { at, store, digest, lockout, claim, wrong, right, locked }
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
  const { at, lockout, claim, wrong } = await openRoom()
  for (let guess = 0; guess < 5; guess++) await wrong(0)
  let seen = false
  await assert.rejects(
    lockout.attempt(at, claim(1), () => (seen = true)),
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
  const { at, store, lockout, claim, wrong } = await openRoom()
  await wrong(0)
  const before = store.revision
  await assert.rejects(lockout.attempt(at, claim(0), () => assert.fail('not now')))
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

test('names nobody has lock too, each by itself, in a bounded number of counters', async () => {
  const { store, wrong, locked } = await openRoom()
  for (let guess = 0; guess < 5; guess++) await wrong(0, 'nobody', false)
  assert.equal(locked(0, 'nobody', false), true)
  // A digest that puts all names together, to fill one record.
  const crowded: Digest = (id) => `0000${Buffer.from(id).toString('hex').slice(-12)}`
  const at = { store, mount: MOUNT }
  const lockout = openLockout(lockoutRules())
  const guess = (n: number) => lockout.attempt(at, { digest: crowded, name: `nobody-${n}`, exists: false, now: n }, () => undefined)
  for (let n = 0; n < 50; n++) await guess(n)
  lockout.check(at, { digest: crowded, name: 'never-tried', exists: false, now: 50 })
  const drawer = JSON.parse(store.get('lockout/unknown/0000')?.value.toString() ?? '{}')
  const kept = Object.values<{ at: number }>(drawer).map((one) => one.at)
  assert.deepEqual(
    kept.sort((a, b) => a - b),
    [42, 43, 44, 45, 46, 47, 48, 49],
  )
  for (const key of store.keys({ prefix: 'lockout/unknown/' })) assert.match(key, /^lockout\/unknown\/[0-9a-f]{4}$/)
  assert.deepEqual([...store.keys({ prefix: 'lockout/known/' })], [])
})

test("a mount's own settings go before those of its type, those before those of all", () => {
  const setting = (own: Partial<UserLockout> | undefined, type = 'userpass') => {
    const userLockout = { threshold: 0, lockSeconds: 0, resetSeconds: 0, disabled: false, ...own }
    return { type, config: own ? { ...MOUNT.config, userLockout } : MOUNT.config }
  }
  const byType = { all: { threshold: 7, lockSeconds: 70 }, userpass: { threshold: 8 }, approle: { disabled: true } }
  const rules = lockoutRules({ byType })
  assert.deepEqual(rules(setting(undefined, 'ldap')), { threshold: 7, lockSeconds: 70, resetSeconds: 900 })
  assert.deepEqual(rules(setting(undefined)), { threshold: 8, lockSeconds: 70, resetSeconds: 900 })
  assert.deepEqual(rules(setting({ threshold: 9, resetSeconds: 1 })), { threshold: 9, lockSeconds: 70, resetSeconds: 1 })
  assert.equal(rules(setting({ disabled: true })), undefined)
  assert.equal(rules(setting(undefined, 'approle')), undefined)
  assert.equal(lockoutRules({ byType, disabled: false })(setting(undefined, 'approle'))?.threshold, 7)
  assert.equal(lockoutRules({ byType, disabled: true })(setting(undefined)), undefined)
})

test('where lockout is disabled, nothing is counted', async () => {
  const { store } = await openRoom()
  const lockout = openLockout(() => undefined)
  const digest = await openDigest({ store, random: { bytes: randomBytes } })
  const before = store.revision
  const at = { store, mount: MOUNT }
  for (let n = 0; n < 9; n++) await lockout.attempt(at, { digest, name: 'ann', exists: true, now: 0 }, () => undefined)
  assert.equal(await lockout.attempt(at, { digest, name: 'ann', exists: true, now: 0 }, () => 'yes'), 'yes')
  assert.equal(store.revision, before)
})

test('locked names can be listed and unlocked', async () => {
  const { at, lockout, store, digest, wrong, locked } = await openRoom()
  for (const name of ['zoe', 'ann']) for (let guess = 0; guess < 5; guess++) await wrong(0, name)
  await wrong(0, 'bob')
  assert.deepEqual(lockout.locked(at, 0), ['ann', 'zoe'])
  await unlock(store, digest, 'ann')
  assert.equal(locked(0, 'ann'), false)
  assert.deepEqual(lockout.locked(at, 0), ['zoe'])
  assert.deepEqual(lockout.locked(at, 16 * MINUTE), [])
})

test('keys of counters do not show the names', async () => {
  const { store, wrong } = await openRoom()
  await wrong(0, 'ann')
  for (const key of store.keys({ prefix: 'lockout/' })) assert.ok(!key.includes('ann'))
})

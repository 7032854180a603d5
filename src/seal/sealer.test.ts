import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { random } from '../app/ports.ts'
import { Fault } from '../base/fault.ts'
import { BrokenRecord } from '../crypto/aead.ts'
import { memory } from '../store/memory.ts'
import type { Store } from '../store/store.ts'
import { stillTimers as timers } from '../testing/clock.ts'
import { barrier } from './barrier.ts'
import { Keyring } from './keyring.ts'
import { openSealer } from './sealer.ts'

const ports = { clock: { now: () => 1_700_000_000_000, monotonic: () => 0 }, random, timers }

function setUp(store = memory({ timers })) {
  const keyring = new Keyring()
  return { store, keyring, sealer: openSealer(store, keyring, ports) }
}

async function initialised(shares: number, threshold: number) {
  const world = setUp()
  const given = await world.sealer.init({ shares, threshold })
  /** A share is wiped when it is used, so each use takes a copy. */
  const share = (index: number) => Buffer.from(given[index] as Buffer)
  return { ...world, given, share }
}

function invalid(message: RegExp | string) {
  return (error: unknown) => {
    assert.ok(error instanceof Fault && error.code === 'invalid')
    if (typeof message === 'string') assert.equal(error.message, message)
    else assert.match(error.message, message)
    return true
  }
}

const UNTOUCHED = { type: 'shamir', sealed: true, progress: 0, nonce: '', migration: false, recovery_seal: false }

test('before init', async () => {
  const { sealer } = setUp()
  assert.deepEqual(sealer.status(), { ...UNTOUCHED, initialized: false, t: 0, n: 0 })
  await assert.rejects(sealer.unseal(randomBytes(33)), invalid('Vault is not initialized'))
  assert.throws(() => sealer.exportKeyring(), /Vault is sealed/)
})

test('init gives shares and leaves everything sealed', async () => {
  const { sealer, given } = await initialised(5, 3)
  assert.deepEqual(
    given.map((share) => share.length),
    [33, 33, 33, 33, 33],
  )
  assert.deepEqual(sealer.status(), { ...UNTOUCHED, initialized: true, t: 3, n: 5 })
})

test('init refuses what cannot be shared', async () => {
  const { sealer } = setUp()
  const cases: [number, number, string][] = [
    [0, 0, 'shares must be at least one'],
    [-1, 1, 'shares must be at least one'],
    [Number.NaN, 1, 'shares must be at least one'],
    [3, 0, 'threshold must be at least one'],
    [5, 1, 'threshold must be greater than one for multiple shares'],
    [256, 2, 'shares must be less than 256'],
    [2, 256, 'threshold must be less than 256'],
    [2, 3, 'threshold cannot be larger than shares'],
    [1, 2, 'threshold cannot be larger than shares'],
  ]
  for (const [shares, threshold, reason] of cases) {
    await assert.rejects(sealer.init({ shares, threshold }), invalid(`invalid seal configuration: ${reason}`))
  }
  assert.equal(sealer.status().initialized, false)
})

test('of parallel inits, in one process or two, one succeeds', async () => {
  const here = setUp()
  const there = setUp(here.store)
  const spec = { shares: 3, threshold: 2 }
  const results = await Promise.allSettled([here.sealer.init(spec), there.sealer.init(spec), here.sealer.init(spec)])
  const [winner, ...more] = results.filter((result) => result.status === 'fulfilled')
  assert.ok(winner && more.length === 0)
  for (const result of results) if (result.status === 'rejected') invalid('Vault is already initialized')(result.reason)
  await assert.rejects(there.sealer.init(spec), invalid('Vault is already initialized'))
  for (const share of winner.value.slice(1)) await there.sealer.unseal(share)
  assert.equal(there.sealer.status().sealed, false)
})

test('init can put first records behind the barrier', async () => {
  const { store, keyring, sealer } = setUp()
  const prepare = async (inside: Store) => void (await inside.commit({ ops: [{ key: 'token/root', value: Buffer.from('first') }] }))
  const [share] = (await sealer.init({ shares: 1, threshold: 1, prepare })) as [Buffer]
  assert.ok(keyring.sealed)
  await sealer.unseal(share)
  assert.equal(barrier(store, keyring, random).get('token/root')?.value.toString(), 'first')
})

test('unseals with any threshold of shares, and counts each once', async () => {
  const { sealer, share } = await initialised(5, 3)
  const first = await sealer.unseal(share(4))
  assert.equal(first.progress, 1)
  assert.match(first.nonce, /^[0-9a-f]{8}-[0-9a-f]{4}-4/)
  assert.deepEqual(await sealer.unseal(share(4)), first)
  assert.deepEqual(await sealer.unseal(share(1)), { ...first, progress: 2 })
  assert.deepEqual(await sealer.unseal(share(0)), { ...UNTOUCHED, initialized: true, sealed: false, t: 3, n: 5 })
})

test('more shares than needed change nothing', async () => {
  const { sealer, share } = await initialised(4, 2)
  const statuses = await Promise.all([0, 1, 2, 3].map((index) => sealer.unseal(share(index))))
  assert.equal(statuses.at(-1)?.sealed, false)
  assert.deepEqual(sealer.status(), { ...UNTOUCHED, initialized: true, sealed: false, t: 2, n: 4 })
  assert.deepEqual(await sealer.unseal(share(2)), sealer.status())
})

test('wipes each share it was given, taken or not', async () => {
  const { sealer, share } = await initialised(3, 2)
  for (const given of [share(0), randomBytes(10), share(0), share(1), share(2)]) {
    await sealer.unseal(given).catch(() => {})
    assert.ok(given.every((byte) => byte === 0))
  }
})

test('a wrong share ends the attempt, and the next begins anew', async () => {
  const { sealer, share } = await initialised(3, 2)
  const { nonce } = await sealer.unseal(share(0))
  const reason = 'unable to retrieve stored keys: invalid key: failed to decrypt keys from storage: cipher: message authentication failed'
  const wrong = share(1)
  wrong[0] = (wrong[0] as number) ^ 1
  await assert.rejects(sealer.unseal(wrong), invalid(reason))
  assert.deepEqual(sealer.status(), { ...UNTOUCHED, initialized: true, t: 2, n: 3 })
  assert.notEqual((await sealer.unseal(share(0))).nonce, nonce)
  const twin = share(0)
  twin[0] = (twin[0] as number) ^ 1
  await assert.rejects(sealer.unseal(twin), invalid('invalid key: failed to compute combined key: duplicate part detected'))
  await sealer.unseal(share(0))
  assert.equal((await sealer.unseal(share(2))).sealed, false)
})

test('what has not the length of a share is refused at no cost to the others', async () => {
  const { sealer, share } = await initialised(3, 2)
  await sealer.unseal(share(0))
  await assert.rejects(sealer.unseal(randomBytes(32)), invalid('invalid key: key is shorter than minimum 33 bytes'))
  await assert.rejects(sealer.unseal(randomBytes(34)), invalid('invalid key: key is longer than maximum 33 bytes'))
  assert.equal(sealer.status().progress, 1)
})

test('a sole share is the unseal key', async () => {
  const { sealer, share, given } = await initialised(1, 1)
  assert.equal(given[0]?.length, 32)
  await assert.rejects(sealer.unseal(Buffer.alloc(32, 1)), invalid(/failed to decrypt keys/))
  assert.equal((await sealer.unseal(share(0))).sealed, false)
})

test('reset forgets the shares, also those being combined', async () => {
  const { sealer, share } = await initialised(3, 2)
  await sealer.unseal(share(0))
  assert.deepEqual(sealer.reset(), { ...UNTOUCHED, initialized: true, t: 2, n: 3 })
  await sealer.unseal(share(0))
  const last = sealer.unseal(share(1))
  sealer.reset()
  assert.equal((await last).sealed, true)
  await sealer.unseal(share(0))
  await sealer.unseal(share(1))
  assert.throws(() => sealer.reset(), invalid('vault is unsealed'))
})

test('sealing wins over an unseal that is under way', async () => {
  const { sealer, share, keyring } = await initialised(3, 2)
  await sealer.unseal(share(0))
  const last = sealer.unseal(share(1))
  sealer.seal()
  assert.equal((await last).sealed, true)
  assert.ok(keyring.sealed)
})

test('sealed again, it opens again with the same keys', async () => {
  const { sealer, share, keyring } = await initialised(3, 3)
  const unseal = async () => {
    for (const index of [2, 0, 1]) await sealer.unseal(share(index))
    return sealer.exportKeyring()
  }
  const before = await unseal()
  sealer.seal()
  assert.ok(sealer.status().sealed)
  assert.throws(() => sealer.exportKeyring(), /Vault is sealed/)
  assert.deepEqual(await unseal(), before)
  const worker = new Keyring()
  worker.load(before)
  assert.deepEqual(worker.terms, [{ term: 1, createdAt: ports.clock.now() }])
  assert.deepEqual(worker.terms, keyring.terms)
})

test('a keyring that was tampered with is a broken record, not a wrong share', async () => {
  const { sealer, share, store, keyring } = await initialised(1, 1)
  const other = await initialised(1, 1)
  const stored = other.store.get('core/seal/keyring')?.value
  await store.commit({ ops: [{ key: 'core/seal/keyring', value: stored }] })
  await assert.rejects(sealer.unseal(share(0)), BrokenRecord)
  assert.ok(keyring.sealed)
})

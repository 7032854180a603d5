import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JsonObject } from '../base/json.ts'
import { silent } from '../base/log.ts'
import { fakeSeal, reconfigured } from '../testing/fake-seal.ts'
import { openWorld, type World } from '../testing/world.ts'
import { autoUnseal } from './auto-unseal.ts'
import { checkSeal } from './check-seal.ts'
import type { Seal } from './wrapper.ts'

interface Made {
  readonly world: World
  readonly token: string
  readonly shares: string[]
}

async function initialised(seals: readonly Seal[], more: JsonObject = { recovery_shares: 3, recovery_threshold: 2 }): Promise<Made> {
  const world = await openWorld({ blank: true, seals })
  const { root_token: token, recovery_keys: shares = [], keys } = await world.ok('write', 'sys/init', more)
  assert.deepEqual(keys, [])
  return { world, token, shares }
}

/** As after a restart with another configuration. */
function restarted({ store }: World, seals: readonly Seal[]): Promise<World> {
  return openWorld({ blank: true, store, seals })
}

async function tries(world: World): Promise<boolean> {
  const timers = { after: () => () => {} }
  await autoUnseal({ sealer: world.sealer, timers, log: silent, unsealed: async () => {} })
  return !world.keyring.sealed
}

async function give(world: World, path: string, shares: readonly string[], more: JsonObject = {}): Promise<any> {
  let answer: any
  for (const key of shares) answer = (await world.call('write', path, { key, ...more })).body
  return answer
}

const whole = ({ store, keyring }: World) => assert.deepEqual(checkSeal(store, keyring), [])
const names = ({ store }: World) => Array.from(store.keys({ prefix: 'core/seal/wrapped/' }), (key) => key.slice(18))

test('initialised with a seal, a server is open, and opens again by itself', async () => {
  const { world, token, shares } = await initialised([fakeSeal()])
  const status = await world.ok('read', 'sys/seal-status')
  assert.deepEqual(
    [status.type, status.recovery_seal, status.recovery_seal_type, status.sealed, status.t, status.n],
    ['fake', true, 'shamir', false, 2, 3],
  )
  assert.equal(shares.length, 3)
  await world.ok('read', 'sys/mounts', {}, { token })
  whole(world)
  world.sealer.seal()
  assert.ok(await tries(world))
  await world.ok('read', 'sys/mounts', {}, { token })
  await world.close()
})

test('parameters of the other kind of seal are refused', async () => {
  const world = await openWorld({ blank: true, seals: [fakeSeal()] })
  for (const [request, reason] of [
    [{ secret_shares: 3, secret_threshold: 2 }, 'parameters secret_shares,secret_threshold not applicable to seal type fake'],
    [{ recovery_shares: 3, recovery_threshold: 1 }, 'invalid recovery configuration: threshold must be greater than one for multiple shares'],
    [{ recovery_unseal: true }, 'recovery_unseal needs recovery_shares'],
  ] as const) {
    assert.deepEqual((await world.call('write', 'sys/init', request)).body, { errors: [reason] })
  }
  const shamir = await openWorld({ blank: true })
  for (const [request, names] of [
    [{ recovery_shares: 1, recovery_threshold: 1 }, 'recovery_shares,recovery_threshold'],
    [{ stored_shares: 1 }, 'recovery_shares,recovery_threshold'],
    [{ recovery_unseal: true }, 'recovery_unseal'],
  ] as const) {
    const { body } = await shamir.call('write', 'sys/init', { secret_shares: 1, secret_threshold: 1, ...request })
    assert.deepEqual(body, { errors: [`parameters ${names} not applicable to seal type shamir`] })
  }
})

test('a seal that can’t be reached is no init, and is asked until it can', async () => {
  const seal = fakeSeal()
  seal.down = 'away'
  const blank = await openWorld({ blank: true, seals: [seal] })
  assert.deepEqual((await blank.call('write', 'sys/init', {})).body, { errors: ['no seal could wrap the root key'] })
  assert.equal((await blank.ok('read', 'sys/init')).initialized, false)
  seal.down = undefined
  const { world } = await initialised([seal])
  world.sealer.seal()
  seal.down = 'away'
  const waits: number[] = []
  let next = async () => {}
  const after = (wait: number, run: () => void) => {
    waits.push(wait)
    next = async () => run()
    return () => {}
  }
  let told = 0
  await autoUnseal({ sealer: world.sealer, timers: { after }, log: silent, unsealed: async () => void told++ })
  for (let n = 0; n < 7; n++) {
    await next()
    await new Promise((resolve) => setImmediate(resolve))
  }
  assert.deepEqual(waits, [1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000])
  seal.down = undefined
  await next()
  await new Promise((resolve) => setImmediate(resolve))
  assert.equal(told, 1)
  assert.equal(world.keyring.sealed, false)
  await world.close()
})

test('sealed by hand, it stays so until recovery shares or a restart open it; wrong shares do not', async () => {
  const { world, token, shares } = await initialised([fakeSeal()])
  await world.ok('write', 'sys/seal', {}, { token })
  assert.equal((await world.ok('read', 'sys/seal-status')).sealed, true)
  const other = await initialised([fakeSeal()])
  const wrong = await give(world, 'sys/unseal', other.shares.slice(0, 2))
  assert.match(wrong.errors[0], /^unable to retrieve stored keys/)
  assert.equal((await give(world, 'sys/unseal', shares.slice(1))).sealed, false)
  await world.close()
})

test('without recovery shares there is nothing to unseal with, and a rekey makes some at once', async () => {
  const { world, token } = await initialised([fakeSeal()], {})
  world.sealer.seal()
  assert.deepEqual((await give(world, 'sys/unseal', ['00'.repeat(32)])).errors, [
    'there are no key shares that could unseal; a restart unseals by the configured seal',
  ])
  assert.ok(await tries(world))
  whole(world)
  const told = await world.ok('write', 'sys/rekey-recovery-key/init', { secret_shares: 3, secret_threshold: 2 }, { token })
  assert.equal(told.complete, true)
  whole(world)
  world.sealer.seal()
  assert.equal((await give(world, 'sys/unseal', told.keys.slice(1))).sealed, false)
  await world.close()
})

test('recovery shares make root tokens, other recovery shares, and another root key', async () => {
  const { world, token, shares } = await initialised([fakeSeal()])
  const { nonce } = await world.ok('write', 'sys/generate-root/attempt', {}, { token })
  assert.equal((await give(world, 'sys/generate-root/update', shares.slice(0, 2), { nonce })).complete, true)

  const root = await world.ok('write', 'sys/rekey/init', {}, { token })
  assert.deepEqual([root.t, root.n, root.required], [0, 0, 2])
  const before = world.store.get('core/seal/wrapped/fake')?.value
  const rotated = await give(world, 'sys/rekey/update', shares.slice(0, 2), { nonce: root.nonce })
  assert.deepEqual([rotated.complete, rotated.keys], [true, []])
  assert.notDeepEqual(world.store.get('core/seal/wrapped/fake')?.value, before)
  whole(world)
  assert.deepEqual((await world.call('write', 'sys/rekey/init', { require_verification: true }, { token })).body.errors, [
    'requiring verification not supported when rekeying the barrier key with recovery keys',
  ])

  const request = { secret_shares: 2, secret_threshold: 2, require_verification: true }
  const rekey = await world.ok('write', 'sys/rotate/recovery/init', request, { token })
  const made = await give(world, 'sys/rekey-recovery-key/update', shares.slice(1), { nonce: rekey.data.nonce })
  assert.equal(made.keys.length, 2)
  assert.equal((await give(world, 'sys/rekey-recovery-key/verify', made.keys, { nonce: made.verification_nonce })).complete, true)
  whole(world)
  world.sealer.seal()
  assert.match((await give(world, 'sys/unseal', shares.slice(0, 2))).errors[0], /^unable to retrieve/)
  assert.equal((await give(world, 'sys/unseal', made.keys)).sealed, false)
  await world.close()
})

test('recovery shares open a server whose seal is lost, where they were made to', async () => {
  const seal = fakeSeal()
  const { world, shares } = await initialised([seal], { recovery_shares: 3, recovery_threshold: 2, recovery_unseal: true })
  whole(world)
  seal.down = 'gone for good'
  const again = await restarted(world, [seal])
  assert.ok(!(await tries(again)))
  assert.equal((await give(again, 'sys/unseal', shares.slice(0, 2))).sealed, false)
  whole(again)
  const plain = fakeSeal()
  const other = await initialised([plain])
  other.world.sealer.seal()
  plain.down = 'gone for good'
  assert.deepEqual((await give(other.world, 'sys/unseal', other.shares.slice(0, 2))).errors, ['no seal could unwrap the root key'])
})

test('whether recovery shares open can be changed with them', async () => {
  const seal = fakeSeal()
  const { world, token, shares } = await initialised([seal])
  const change = async (present: string[], opens: boolean) => {
    const request = { secret_shares: 2, secret_threshold: 2, recovery_unseal: opens }
    const { nonce } = await world.ok('write', 'sys/rekey-recovery-key/init', request, { token })
    return (await give(world, 'sys/rekey-recovery-key/update', present.slice(0, 2), { nonce })).keys as string[]
  }
  assert.equal((await world.call('write', 'sys/rekey/init', { recovery_unseal: true }, { token })).status, 200)
  await world.ok('delete', 'sys/rekey/init', {}, { token })
  const opening = await change(shares, true)
  whole(world)
  world.sealer.seal()
  seal.down = 'away'
  assert.equal((await give(world, 'sys/unseal', opening)).sealed, false)
  seal.down = undefined
  const closed = await change(opening, false)
  whole(world)
  world.clock.advance(600_000)
  await world.kernel.sweep()
  world.sealer.seal()
  seal.down = 'away'
  assert.deepEqual((await give(world, 'sys/unseal', closed)).errors, ['no seal could unwrap the root key'])
  await world.close()
})

test('any of several seals opens, the first in order is asked first, and one that was away is wrapped for when it returns', async () => {
  const [one, two] = [fakeSeal('one', { priority: 2 }), fakeSeal('two', { priority: 1 })]
  two.down = 'away'
  const { world, token } = await initialised([one, two])
  assert.deepEqual(names(world), ['one'])
  const backends = async () => world.ok('read', 'sys/seal-backend-status', {}, { token: '' })
  await world.tending.check()
  const since = new Date(world.clock.now()).toISOString().replace(/\.?0+Z$/, 'Z')
  assert.deepEqual(await backends(), {
    healthy: false,
    unhealthy_since: since,
    backends: [
      { name: 'two', healthy: false, unhealthy_since: since },
      { name: 'one', healthy: true },
    ],
    fully_wrapped: false,
  })
  two.down = undefined
  world.clock.advance(60_000)
  await world.tending.tick()
  assert.deepEqual(names(world), ['one', 'two'])
  assert.deepEqual(await backends(), {
    healthy: true,
    backends: [
      { name: 'two', healthy: true },
      { name: 'one', healthy: true },
    ],
    fully_wrapped: true,
  })
  whole(world)
  world.sealer.seal()
  one.calls.length = 0
  assert.ok(await tries(world))
  assert.deepEqual(one.calls, [])
  two.down = 'away'
  world.sealer.seal()
  assert.ok(await tries(world))
  assert.equal((await world.call('write', 'sys/rotate/root', {}, { token })).status, 204)
  assert.deepEqual(names(world), ['one'], 'a seal that is away must not keep an old root key')
  whole(world)
  await world.close()
})

test('a seal that is new is wrapped for, and one that is gone from the configuration is forgotten', async () => {
  const [old, fresh] = [fakeSeal('old'), fakeSeal('new')]
  const { world } = await initialised([old])
  const both = await restarted(world, [old, fresh])
  assert.ok(await tries(both))
  await both.tending.check()
  assert.deepEqual(names(both), ['new', 'old'])
  const only = await restarted(world, [fresh])
  assert.ok(await tries(only))
  await only.tending.check()
  assert.deepEqual(names(only), ['new'])
  whole(only)
})

test('the root key follows when a seal’s own key is rotated', async () => {
  const seal = fakeSeal()
  const { world } = await initialised([seal])
  await world.tending.check()
  seal.rotate()
  world.clock.advance(599_999)
  await world.tending.tick()
  assert.match(world.store.get('core/seal/wrapped/fake')?.value.toString() ?? '', /"keyId":"v1"/)
  world.clock.advance(1)
  await world.tending.tick()
  assert.match(world.store.get('core/seal/wrapped/fake')?.value.toString() ?? '', /"keyId":"v2"/)
  whole(world)
  await world.close()
})

test('a server that starts with a newer key of its seal doesn’t say that this wraps the root key before it does', async () => {
  const seal = fakeSeal()
  const { world: before } = await initialised([seal])
  seal.rotate()
  const world = await restarted(before, [seal])
  assert.ok(await tries(world))
  assert.equal(world.tending.fullyWrapped, false)
  await world.tending.check()
  assert.equal(world.tending.fullyWrapped, true)
  assert.match(world.store.get('core/seal/wrapped/fake')?.value.toString() ?? '', /"keyId":"v2"/)
  await world.close()
})

test('a seal that holds a root key of before is passed over', async () => {
  const [one, two] = [fakeSeal('one', { priority: 1 }), fakeSeal('two', { priority: 2 })]
  const { world, token } = await initialised([one, two])
  const stale = world.store.get('core/seal/wrapped/one')?.value
  await world.ok('write', 'sys/rotate/root', {}, { token })
  await world.store.commit({ ops: [{ key: 'core/seal/wrapped/one', value: stale }] })
  world.sealer.seal()
  assert.ok(await tries(world))
  await world.close()
})

test('from shares to a seal and back, with the same shares', async () => {
  const world = await openWorld()
  const token = world.rootToken
  const key = world.share.toString('hex')
  const seal = fakeSeal()
  const auto = await restarted(world, [seal])
  assert.equal((await auto.ok('read', 'sys/seal-status')).migration, true)
  assert.ok(!(await tries(auto)))
  assert.deepEqual((await give(auto, 'sys/unseal', [key])).errors, ['migrate option not provided and seal migration is pending'])
  const migrated = await give(auto, 'sys/unseal', [key], { migrate: true })
  assert.deepEqual([migrated.sealed, migrated.type, migrated.recovery_seal, migrated.migration], [false, 'fake', true, false])
  whole(auto)
  auto.sealer.seal()
  assert.ok(await tries(auto))
  const { nonce } = await auto.ok('write', 'sys/generate-root/attempt', {}, { token })
  assert.equal((await give(auto, 'sys/generate-root/update', [key], { nonce })).complete, true)

  const back = await restarted(world, [reconfigured(seal, { disabled: true })])
  assert.equal((await back.ok('read', 'sys/seal-status')).migration, true)
  assert.equal((await give(back, 'sys/unseal', [key], { migrate: true })).type, 'shamir')
  whole(back)
  assert.deepEqual(names(back), [])
  const shamir = await restarted(world, [])
  assert.deepEqual((await give(shamir, 'sys/unseal', [key], { migrate: true })).errors, ["can't perform a seal migration, no migration seal found"])
  assert.equal((await give(shamir, 'sys/unseal', [key])).sealed, false)
  assert.equal((await shamir.ok('read', 'sys/mounts', {}, { token })).request_id.length > 0, true)
})

test('from one seal to another', async () => {
  const [old, fresh] = [fakeSeal('old'), fakeSeal('new')]
  const { world, shares } = await initialised([old])
  const next = await restarted(world, [reconfigured(old, { disabled: true }), fresh])
  assert.equal((await next.ok('read', 'sys/seal-status')).migration, true)
  assert.ok(!(await tries(next)))
  assert.equal((await give(next, 'sys/unseal', shares.slice(0, 2), { migrate: true })).sealed, false)
  assert.deepEqual(names(next), ['new'])
  whole(next)
  const last = await restarted(world, [fresh])
  assert.ok(await tries(last))
})

test('a migration needs the shares, and a seal that wraps; without either nothing changes', async () => {
  const world = await openWorld()
  const seal = fakeSeal()
  const auto = await restarted(world, [seal])
  const before = [...world.store.range({ prefix: 'core/' })]
  assert.match((await give(auto, 'sys/unseal', ['ab'.repeat(32)], { migrate: true })).errors[0], /^unable to retrieve/)
  seal.down = 'away'
  assert.deepEqual((await give(auto, 'sys/unseal', [world.share.toString('hex')], { migrate: true })).errors, ['no seal could wrap the root key'])
  assert.deepEqual([...world.store.range({ prefix: 'core/' })], before)
  assert.ok(auto.keyring.sealed)
})

test('a lost seal is migrated away from with recovery shares that open', async () => {
  const [lost, fresh] = [fakeSeal('lost'), fakeSeal('new')]
  const { world, shares } = await initialised([lost], { recovery_shares: 3, recovery_threshold: 2, recovery_unseal: true })
  lost.down = 'gone for good'
  const next = await restarted(world, [fresh])
  assert.equal((await give(next, 'sys/unseal', shares.slice(1), { migrate: true })).sealed, false)
  assert.deepEqual(names(next), ['new'])
  whole(next)
  const shamir = await restarted(world, [])
  assert.equal((await give(shamir, 'sys/unseal', shares.slice(1), { migrate: true })).type, 'shamir')
  whole(shamir)
})

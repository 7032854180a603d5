import assert from 'node:assert/strict'
import { test } from 'node:test'
import { random } from '../app/ports.ts'
import { BrokenRecord, sealRecord } from '../crypto/aead.ts'
import { encode } from '../store/records.ts'
import { openWorld } from '../testing/world.ts'

const DAY = 86_400_000

test('a new term seals what is written next, and old terms open what was written before', async () => {
  const world = await openWorld()
  await world.ok('write', 'sys/mounts/kv', { type: 'kv' })
  await world.ok('write', 'kv/old', { v: 1 })
  assert.equal((await world.ok('read', 'sys/key-status')).term, 1)
  assert.equal((await world.call('write', 'sys/rotate')).status, 204)
  await world.ok('write', 'kv/new', { v: 2 })
  const terms = ['kv/old', 'kv/new'].map((name) =>
    Array.from(world.store.range({ prefix: 'data/' })).filter(({ key }) => key.endsWith(name.slice(3))),
  )
  assert.deepEqual(
    terms.map(([entry]) => entry?.value.readUInt32BE(1)),
    [1, 2],
  )
  assert.equal((await world.ok('read', 'kv/old')).data.v, 1)
  const { data, ...top } = await world.ok('read', 'sys/key-status')
  assert.deepEqual(data, { term: 2, install_time: new Date(world.clock.now()).toISOString().replace(/\.?0+Z$/, 'Z'), encryptions: data.encryptions })
  assert.equal(top.term, 2)
  world.sealer.seal()
  await world.ok('write', 'sys/unseal', { key: world.share.toString('base64') })
  assert.equal((await world.ok('read', 'sys/key-status')).term, 2)
  assert.equal((await world.ok('read', 'kv/new')).data.v, 2)
  await world.close()
})

test('counts what is sealed, exactly as long as nobody is killed', async () => {
  const world = await openWorld()
  await world.ok('write', 'sys/rotate/keyring')
  const count = async () => (await world.ok('read', 'sys/key-status')).encryptions
  assert.equal(await count(), 0)
  const before = world.store.revision
  for (const name of ['a', 'b', 'c']) await world.ok('write', `sys/policies/acl/${name}`, { policy: 'path "a" { capabilities = ["read"] }' })
  assert.equal(world.store.revision, before + 4) // the first block of numbers is a commit too
  assert.equal(await count(), 4)
  await world.close()
})

test('the settings, and what is refused', async () => {
  const world = await openWorld()
  const read = async () => (await world.ok('read', 'sys/rotate/config')).data
  assert.deepEqual(await read(), { enabled: true, max_operations: 3_865_470_566, interval: 0 })
  for (const [data, reason] of [
    [{ max_operations: 5 }, 'max_operations must be in the range [1000000,3865470566]'],
    [{ max_operations: 3_865_470_567 }, 'max_operations must be in the range [1000000,3865470566]'],
    [{ interval: '1h' }, 'interval must be greater or equal to 24h0m0s'],
  ] as const) {
    const { status, body } = await world.call('write', 'sys/rotate/config', data)
    assert.deepEqual([status, body.errors], [400, [reason]])
  }
  assert.deepEqual(await read(), { enabled: true, max_operations: 3_865_470_566, interval: 0 })
  assert.equal((await world.call('write', 'sys/rotate/keyring/config', { interval: '25h', max_operations: 2_000_000 })).status, 204)
  assert.equal((await world.call('write', 'sys/rotate/config', { enabled: false })).status, 204)
  assert.deepEqual(await read(), { enabled: false, max_operations: 2_000_000, interval: '25h0m0s' })
  await world.close()
})

test('rotates by itself when a term is old enough, unless that is off', async () => {
  const world = await openWorld()
  const term = async () => (await world.ok('read', 'sys/key-status')).term
  await world.ok('write', 'sys/rotate/config', { interval: '24h' })
  world.clock.advance(DAY - 1)
  await world.kernel.sweep()
  assert.equal(await term(), 1)
  world.clock.advance(1)
  await world.kernel.sweep()
  await world.kernel.sweep()
  assert.equal(await term(), 2)
  await world.ok('write', 'sys/rotate/config', { enabled: false })
  world.clock.advance(2 * DAY)
  await world.kernel.sweep()
  assert.equal(await term(), 2)
  await world.close()
})

test('rotates by itself when a term has sealed enough', async () => {
  const world = await openWorld()
  await world.ok('write', 'sys/rotate/config', { max_operations: 1_000_000 })
  const at = 'core/barrier/used/1'
  const keyring = world.keyring
  const count = (sealed: number) =>
    world.store.commit({ ops: [{ key: at, value: sealRecord(keyring.keyOf(1) ?? assert.fail(), 1, encode({ sealed }), at, random) }] })
  await count(999_999)
  await world.kernel.sweep()
  assert.equal(keyring.active, 1)
  await count(1_000_000)
  await world.kernel.sweep()
  assert.equal(keyring.active, 2)
  await world.close()
})

test('a term is on disk before anything is sealed under it', async () => {
  const world = await openWorld()
  const before = world.store.get('core/seal/keyring')
  await world.ok('write', 'sys/rotate')
  const after = world.store.get('core/seal/keyring')
  assert.ok(before && after && after.revision > before.revision)
  await world.ok('write', 'sys/policies/acl/a', { policy: 'path "a" { capabilities = ["read"] }' })
  await world.store.commit({ ops: [{ key: 'core/seal/keyring', value: before.value }] })
  world.sealer.seal()
  await world.ok('write', 'sys/unseal', { key: world.share.toString('base64') })
  assert.throws(() => world.inside.get('ns/root/policy/a'), BrokenRecord) // the control: without its term it is lost
  await world.store.commit({ ops: [{ key: 'core/seal/keyring', value: after.value }] })
  world.sealer.seal()
  await world.ok('write', 'sys/unseal', { key: world.share.toString('base64') })
  assert.equal((await world.ok('read', 'sys/policies/acl/a')).data.name, 'a')
  await world.close()
})

test('rotating needs sudo; sealed, there is nothing to rotate', async () => {
  const world = await openWorld()
  await world.ok('write', 'sys/policies/acl/u', { policy: 'path "sys/rotate" { capabilities = ["update"] }' })
  const { auth } = await world.ok('write', 'auth/token/create', { policies: ['u'] })
  assert.equal((await world.call('write', 'sys/rotate', {}, { token: auth.client_token })).status, 403)
  await world.ok('write', 'sys/seal')
  assert.equal((await world.call('write', 'sys/rotate')).status, 503)
  await world.close()
})

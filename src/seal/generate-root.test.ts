import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { memory } from '../store/memory.ts'
import { faulty } from '../store/faulty.ts'
import { stillTimers as timers } from '../testing/clock.ts'
import { openWorld } from '../testing/world.ts'
import { decodeToken } from './token-guard.ts'

const hex = (share: Buffer) => share.toString('hex')

test('a root token by Vault’s paths, told as the XOR with the one-time password', async () => {
  const world = await openWorld()
  const idle = await world.ok('read', 'sys/generate-root/attempt', {}, { token: '' })
  assert.deepEqual(idle, {
    nonce: '',
    started: false,
    progress: 0,
    required: 1,
    complete: false,
    encoded_token: '',
    encoded_root_token: '',
    pgp_fingerprint: '',
    otp: '',
    otp_length: 28,
  })
  const { otp, nonce, ...begun } = await world.ok('write', 'sys/generate-root/attempt')
  assert.equal(otp.length, 28)
  assert.equal(begun.started, true)
  assert.equal((await world.ok('read', 'sys/generate-root/attempt')).otp, '')
  const told = await world.ok('write', 'sys/generate-root/update', { key: hex(world.share), nonce })
  const { encoded_token: encoded } = told
  assert.deepEqual(told, {
    ...idle,
    nonce,
    started: true,
    progress: 1,
    complete: true,
    encoded_token: encoded,
    encoded_root_token: encoded,
    otp_length: 0,
  })
  const { data } = await world.ok('write', 'sys/decode-token', { encoded_token: encoded, otp }, { token: '' })
  assert.match(data.token, /^hvs\./)
  assert.deepEqual((await world.ok('read', 'auth/token/lookup-self', {}, { token: data.token })).data.policies, ['root'])
  assert.equal((await world.ok('read', 'sys/generate-root')).started, false)
  await world.close()
})

test('the same by OpenBao’s paths, with a password of one’s own', async () => {
  const world = await openWorld()
  const otp = 'x'.repeat(28)
  assert.deepEqual((await world.call('write', 'sys/generate-root-token/attempt', { otp: 'short' })).body.errors, ['OTP string has incorrect length'])
  const { data } = await world.ok('write', 'sys/generate-root-token/attempt', { otp })
  assert.equal(data.otp, '')
  assert.deepEqual((await world.call('write', 'sys/generate-root-token/attempt')).body.errors, ['root generation already in progress'])
  const told = await world.ok('write', 'sys/generate-root-token/update', { key: hex(world.share), nonce: data.nonce })
  await world.ok('read', 'sys/mounts', {}, { token: decodeToken(told.data.encoded_token, otp) })
  await world.close()
})

test('an attempt gives one token, to the shares it takes', async () => {
  const world = await openWorld()
  const { nonce } = await world.ok('write', 'sys/generate-root/attempt')
  const update = (key: string, more: string) => world.call('write', 'sys/generate-root/update', { key, nonce: more }, { token: '' })
  const before = (await world.ok('list', 'auth/token/accessors')).data.keys.length
  assert.deepEqual((await update(hex(randomBytes(32)), nonce)).body.errors, ['invalid key: not one of the key shares'])
  assert.deepEqual((await update(hex(world.share), 'other')).body.errors, [
    `incorrect nonce supplied; nonce for this root generation operation is "${nonce}"`,
  ])
  const all = await Promise.all(Array.from({ length: 16 }, () => update(hex(world.share), nonce)))
  assert.equal(all.filter(({ status }) => status === 200).length, 1)
  for (const { status, body } of all) if (status !== 200) assert.deepEqual(body.errors, ['no root generation in progress'])
  assert.equal((await world.ok('list', 'auth/token/accessors')).data.keys.length, before + 1)
  await world.close()
})

test('goes on after a restart, and can be given up by whoever holds a share', async () => {
  const world = await openWorld()
  const { nonce } = await world.ok('write', 'sys/generate-root/attempt')
  world.sealer.seal()
  await world.ok('write', 'sys/unseal', { key: hex(world.share) })
  assert.equal((await world.ok('read', 'sys/generate-root/attempt')).nonce, nonce)
  const body = Buffer.from(JSON.stringify({ key: hex(world.share) }))
  assert.equal((await world.call('delete', 'sys/generate-root/attempt', {}, { token: '', body })).status, 204)
  assert.equal((await world.ok('read', 'sys/generate-root/attempt')).started, false)
  await world.close()
})

test('a token that could not be stored was never made', async () => {
  let refusing = false
  const raw = memory({ timers })
  const world = await openWorld({ store: faulty(raw, { fate: () => (refusing ? 'refuse' : 'commit') }) })
  const { nonce } = await world.ok('write', 'sys/generate-root/attempt')
  const before = (await world.ok('list', 'auth/token/accessors')).data.keys.length
  refusing = true
  assert.equal((await world.call('write', 'sys/generate-root/update', { key: hex(world.share), nonce })).status, 503)
  refusing = false
  assert.equal((await world.ok('list', 'auth/token/accessors')).data.keys.length, before)
  assert.equal((await world.ok('write', 'sys/generate-root/update', { key: hex(world.share), nonce })).complete, true)
  await world.close()
})

test('what is no encoded token', async () => {
  const world = await openWorld()
  for (const [data, reason] of [
    [{ encoded_token: 'aaa', otp: 'bbb' }, 'error xoring token: length of byte slices is not equivalent: 2 != 3'],
    [{ encoded_token: 'a', otp: 'b' }, "error decoding base64'd token: illegal base64 data"],
    [{ encoded_token: 'a*', otp: 'b' }, "error decoding base64'd token: illegal base64 data"],
    [{ encoded_token: '', otp: 'b' }, "provided 'encoded_token' or 'otp' is empty"],
  ] as const) {
    const { status, body } = await world.call('write', 'sys/decode-token', data)
    assert.deepEqual([status, body.errors], [400, [reason]])
  }
  await world.close()
})

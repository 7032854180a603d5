// The keys of a namespace with a seal of its own: what they sealed, new terms that start by themselves, and its root token.
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { fsck } from '../app/fsck.ts'
import { decodeToken } from '../seal/token-guard.ts'
import { openWorld, type World } from '../testing/world.ts'

const DAY = 86_400_000

interface Vaulted {
  readonly world: World
  readonly shares: readonly string[]
  unseal(): Promise<void>
}

async function opened(): Promise<Vaulted> {
  const world = await openWorld()
  const { data } = await world.ok('write', 'sys/namespaces/vault', { seal: 'seal "shamir" { shares = 3 threshold = 2 }' })
  const unseal = async () => {
    for (const key of data.key_shares.slice(0, 2)) await world.ok('write', 'sys/namespaces/vault/unseal', { key })
  }
  await unseal()
  await world.ok('write', 'vault/sys/mounts/kv', { type: 'kv' })
  return { world, shares: data.key_shares, unseal }
}

const policy = { policy: 'path "a" { capabilities = ["read"] }' }

test('what a term sealed is counted exactly, beside what the server’s sealed', async () => {
  const { world, unseal } = await opened()
  const status = async () => (await world.ok('read', 'vault/sys/key-status')).data
  await world.ok('write', 'vault/sys/rotate')
  const { term, install_time: installed, encryptions } = await status()
  assert.deepEqual([term, installed, encryptions], [2, new Date(world.clock.now()).toISOString().replace(/\.?0+Z$/, 'Z'), 0])
  for (const name of ['a', 'b', 'c']) await world.ok('write', `vault/sys/policies/acl/${name}`, policy)
  const { encryptions: after } = await status()
  assert.equal(after, 4, 'and the count itself')
  await world.ok('write', 'sys/policies/acl/a', policy)
  await world.ok('write', 'vault/auth/token/create', {})
  assert.equal((await status()).encryptions, after, 'what it does not guard')
  assert.equal((await world.ok('read', 'sys/key-status')).data.term, 1)
  await world.ok('write', 'sys/namespaces/vault/seal')
  await unseal()
  const { encryptions: reopened } = await status()
  assert.ok(reopened >= after, 'never too low, also when what was taken is lost')
  await world.close()
})

test('a new term starts by age and by count, as the namespace says for itself', async () => {
  const { world, shares } = await opened()
  const config = async () => (await world.ok('read', 'vault/sys/rotate/config')).data
  const term = async () => (await world.ok('read', 'vault/sys/key-status')).data.term
  assert.deepEqual(await config(), { enabled: true, max_operations: 3_865_470_566, interval: 0 })
  assert.equal((await world.call('write', 'vault/sys/rotate/config', { interval: '1h' })).status, 400)
  await world.ok('write', 'vault/sys/rotate/keyring/config', { interval: '24h' })
  assert.equal((await config()).interval, '24h0m0s')
  assert.equal((await world.ok('read', 'sys/rotate/config')).data.interval, 0, 'the server’s are its own')
  await world.kernel.sweep()
  assert.equal(await term(), 1)
  await world.ok('write', 'vault/kv/old', { v: 1 })
  world.clock.advance(DAY)
  await world.kernel.sweep()
  await world.kernel.sweep()
  assert.equal(await term(), 2)
  assert.equal((await world.ok('read', 'sys/key-status')).data.term, 1)
  await world.ok('write', 'vault/kv/new', { v: 2 })

  world.clock.advance(DAY)
  await world.ok('write', 'sys/namespaces/vault/seal')
  await world.kernel.sweep()
  for (const key of shares.slice(1)) await world.ok('write', 'sys/namespaces/vault/unseal', { key })
  assert.equal(await term(), 2, 'not while it is sealed')
  await world.kernel.sweep()
  assert.equal(await term(), 3)
  await world.ok('write', 'vault/sys/rotate/config', { enabled: false })
  world.clock.advance(2 * DAY)
  await world.kernel.sweep()
  assert.equal(await term(), 3)
  for (const name of ['old', 'new']) await world.ok('read', `vault/kv/${name}`)
  assert.deepEqual(fsck(world).findings, [])
  await world.close()
})

test('its shares make a root token of its own, which is one there and nowhere else', async () => {
  const { world, shares } = await opened()
  await world.ok('write', 'sys/namespaces/other')
  const attempt = 'vault/sys/generate-root-token/attempt'
  const update = (key: string, nonce: string) => world.call('write', 'vault/sys/generate-root-token/update', { key, nonce })
  const { data: idle } = await world.ok('read', attempt)
  assert.deepEqual([idle.started, idle.required, idle.otp_length], [false, 2, 35])
  assert.deepEqual((await world.call('write', attempt, { otp: 'x'.repeat(28) })).body.errors, ['OTP string has incorrect length'])
  const { otp, nonce } = (await world.ok('write', attempt)).data
  assert.equal((await world.ok('read', 'sys/generate-root/attempt')).started, false, 'the server’s is another')
  assert.deepEqual((await update(world.share.toString('hex'), nonce)).body.errors[0], 'invalid key: key is shorter than minimum 33 bytes')
  assert.deepEqual((await update(randomBytes(33).toString('hex'), nonce)).body.errors, ['invalid key: not one of the key shares'])
  assert.equal((await update(shares[0] as string, nonce)).body.data.progress, 1)
  const { body } = await update(shares[2] as string, nonce)
  assert.equal(body.data.complete, true)
  const token = decodeToken(body.data.encoded_token, otp)
  assert.match(token, /^hvs\.[0-9A-Za-z]{24}\.[0-9A-Za-z]{6}$/)
  const self = (await world.ok('read', 'vault/auth/token/lookup-self', {}, { token })).data
  assert.deepEqual([self.policies, self.namespace_path, self.ttl, self.path], [['root'], 'vault/', 0, 'auth/token/root'])
  await world.ok('write', 'vault/sys/namespaces/inner', {}, { token })
  await world.ok('read', 'vault/inner/sys/mounts', {}, { token })
  for (const path of ['sys/mounts', 'other/sys/mounts', 'sys/audit']) assert.equal((await world.call('read', path, {}, { token })).status, 403, path)
  assert.equal((await world.ok('read', attempt)).data.started, false)
  assert.deepEqual(fsck(world).findings, [])
  await world.ok('write', 'vault/auth/token/revoke', { token })
  assert.equal((await world.call('read', 'vault/sys/mounts', {}, { token })).status, 403)
  await world.close()
})

test('an attempt goes on when it was sealed meanwhile, gives one token, and can be given up', async () => {
  const { world, shares, unseal } = await opened()
  const attempt = 'vault/sys/generate-root-token/attempt'
  const { nonce } = (await world.ok('write', attempt)).data
  const give = (key: string) => world.call('write', 'vault/sys/generate-root-token/update', { key, nonce })
  await give(shares[0] as string)
  await world.ok('write', 'sys/namespaces/vault/seal')
  assert.equal((await give(shares[1] as string)).status, 503)
  await unseal()
  const { data } = await world.ok('read', attempt)
  assert.deepEqual([data.nonce, data.progress], [nonce, 0])
  const before = (await world.ok('list', 'vault/auth/token/accessors').catch(() => ({ data: { keys: [] } }))).data.keys.length
  const all = await Promise.all([...shares, ...shares].map(give))
  assert.equal(all.filter(({ body }) => body.data?.complete).length, 1)
  assert.equal((await world.ok('list', 'vault/auth/token/accessors')).data.keys.length, before + 1)
  await world.ok('write', attempt)
  assert.equal((await world.call('delete', attempt)).status, 204)
  assert.equal((await world.ok('read', attempt)).data.started, false)
  await world.close()
})

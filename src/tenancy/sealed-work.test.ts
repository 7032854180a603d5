// Due work while a namespace is sealed: what can be done without its keys is done, what can't waits, and nobody else has to wait for it.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type Accounts, openAccounts } from '../testing/accounts.ts'
import { lending } from '../testing/lender.ts'
import { openWorld, type World } from '../testing/world.ts'

interface Vaulted {
  readonly world: World
  readonly accounts: Accounts
  readonly id: string
  /** From now on `vault` is sealed. */
  seal(): Promise<void>
  unseal(): Promise<void>
}

async function opened(): Promise<Vaulted> {
  const accounts = openAccounts()
  const world = await openWorld({ modules: lending(accounts) })
  const { data } = await world.ok('write', 'sys/namespaces/vault', { seal: 'seal "shamir" { shares = 1 threshold = 1 }' })
  const seal = async () => void (await world.ok('write', 'sys/namespaces/vault/seal'))
  const unseal = async () => void (await world.ok('write', 'sys/namespaces/vault/unseal', { key: data.key_shares[0] }))
  await unseal()
  await world.ok('write', 'vault/sys/mounts/kv', { type: 'kv' })
  await world.ok('write', 'vault/kv/x', { a: 1 })
  await world.ok('write', 'vault/sys/policies/acl/p', { policy: 'path "*" { capabilities = ["create", "read", "update"] }' })
  return { world, accounts, id: data.id, seal, unseal }
}

const tokenOf = async (world: World, at: string, body = {}, token?: string): Promise<string> =>
  (await world.ok('write', `${at}auth/token/create`, body, token === undefined ? {} : { token })).auth.client_token

const keysWith = ({ world }: Vaulted, part: string): string[] => [...world.store.keys({ prefix: '' })].filter((key) => key.includes(part))

describe('while a namespace is sealed', () => {
  test('its tokens expire in time, and their cubbyholes are wiped once it is unsealed', async () => {
    const vaulted = await opened()
    const { world, id } = vaulted
    const token = await tokenOf(world, 'vault/', { policies: ['p'], ttl: '1m' })
    await world.ok('write', 'vault/cubbyhole/mine', { a: 1 }, { token })
    await vaulted.seal()
    world.clock.advance(61_000)
    await world.kernel.sweep()
    assert.deepEqual(keysWith(vaulted, `ns/${id}/token/id/`), [])
    assert.equal(keysWith(vaulted, '/mine').length, 1)
    await vaulted.unseal()
    await world.kernel.sweep()
    assert.deepEqual([...keysWith(vaulted, '/mine'), ...keysWith(vaulted, 'token-dead/')], [])
  })

  test('what a token from above had made in it ends with that token', async () => {
    const vaulted = await opened()
    const { world } = vaulted
    const parent = await tokenOf(world, '', { policies: ['root'], ttl: '1h' })
    const child = await tokenOf(world, 'vault/', { policies: ['p'] }, parent)
    await world.ok('write', 'vault/cubbyhole/mine', { a: 1 }, { token: child })
    await vaulted.seal()
    await world.ok('write', 'auth/token/revoke', { token: parent })
    await vaulted.unseal()
    assert.equal((await world.call('read', 'vault/kv/x', {}, { token: child })).status, 403)
    await world.kernel.sweep()
    assert.deepEqual(keysWith(vaulted, '/mine'), [])
  })

  test('however many of its dead wait, others are buried', async () => {
    const vaulted = await opened()
    const { world } = vaulted
    for (let n = 0; n < 150; n++) await tokenOf(world, 'vault/', { policies: ['p'], ttl: '1m' })
    await vaulted.seal()
    const others = await Promise.all(Array.from({ length: 5 }, () => tokenOf(world, '', { ttl: '1m' })))
    for (const token of others) await world.ok('write', 'cubbyhole/theirs', { a: 1 }, { token })
    world.clock.advance(61_000)
    for (let time = 0; time < 3; time++) await world.kernel.sweep()
    assert.deepEqual(keysWith(vaulted, '/theirs'), [])
    assert.equal(keysWith(vaulted, 'token-dead/').length, 150)
    await vaulted.unseal()
    for (let time = 0; time < 3; time++) await world.kernel.sweep()
    assert.deepEqual(keysWith(vaulted, 'token-dead/'), [])
  })

  test('what it lent is taken back once it is unsealed; what others lent, in time', async () => {
    const vaulted = await opened()
    const { world, accounts } = vaulted
    for (const at of ['', 'vault/']) {
      await world.ok('write', `${at}sys/mounts/db`, { type: 'lender' })
      await world.ok('write', `${at}db/role/r`, { ttl: '1m' })
      await world.ok('read', `${at}db/creds/r`)
    }
    assert.equal(accounts.names.size, 2)
    await vaulted.seal()
    world.clock.advance(61_000)
    await world.kernel.expire()
    await world.kernel.sweep()
    assert.equal(accounts.names.size, 1)
    await vaulted.unseal()
    await world.kernel.expire()
    assert.equal(accounts.names.size, 0)
  })

  test('rate limits of its mounts stay, and locked names of the others are told', async () => {
    const vaulted = await opened()
    const { world } = vaulted
    await world.ok('write', 'sys/quotas/rate-limit/slow', { path: 'vault/kv', rate: 1000 })
    await vaulted.seal()
    await world.kernel.sweep()
    assert.deepEqual((await world.ok('list', 'sys/quotas/rate-limit')).data.keys, ['slow'])
    await world.ok('read', 'sys/locked-users')
    assert.equal((await world.call('read', 'vault/kv/x')).status, 503)
    await vaulted.unseal()
    assert.equal((await world.ok('read', 'sys/quotas/rate-limit/slow')).data.path, 'vault/kv/')
  })

  test('a removal that began before goes on once it is unsealed', async () => {
    const vaulted = await opened()
    const { world, id } = vaulted
    await world.ok('delete', 'sys/namespaces/vault')
    await vaulted.seal()
    await world.kernel.sweep()
    assert.equal((await world.ok('read', 'sys/namespaces/vault')).data.tainted, true)
    await vaulted.unseal()
    await world.kernel.sweep()
    assert.equal((await world.call('read', 'sys/namespaces/vault')).status, 404)
    assert.deepEqual(
      keysWith(vaulted, id).filter((key) => !/^(?:namespace-)?gone\//.test(key)),
      [],
    )
  })
})

// Removing a namespace that is sealed, whose keys nobody may have any more: gone without a trace, and beyond reading at once.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { openAccounts } from '../testing/accounts.ts'
import { lending } from '../testing/lender.ts'
import { openWorld, type World } from '../testing/world.ts'

const ONE = 'seal "shamir" { shares = 1 threshold = 1 }'

interface Vaulted {
  readonly world: World
  readonly id: string
  readonly share: string
}

async function opened(): Promise<Vaulted> {
  const world = await openWorld({ modules: lending(openAccounts()) })
  await world.kernel.sweep()
  const { data } = await world.ok('write', 'sys/namespaces/vault', { seal: ONE })
  const [share] = data.key_shares
  await world.ok('write', 'sys/namespaces/vault/unseal', { key: share })
  await world.ok('write', 'vault/sys/mounts/kv', { type: 'kv', options: { version: '2' } })
  await world.ok('write', 'vault/kv/data/x', { data: { a: 1 } })
  await world.ok('write', 'vault/sys/policies/acl/p', { policy: 'path "*" { capabilities = ["create", "read", "update"] }' })
  await world.ok('write', 'vault/sys/auth/up', { type: 'userpass' })
  await world.ok('write', 'vault/auth/up/users/ann', { password: 'p', token_policies: 'p' })
  const { client_token: token } = (await world.ok('write', 'vault/auth/up/login/ann', { password: 'p' }, { token: '' })).auth
  await world.ok('write', 'vault/cubbyhole/mine', { a: 1 }, { token })
  await world.ok('write', 'vault/auth/token/create', { policies: ['p'], ttl: '1m' }, { token })
  await world.ok('write', 'vault/sys/mounts/db', { type: 'lender' })
  await world.ok('write', 'vault/db/role/r', { ttl: '1h' })
  await world.ok('read', 'vault/db/creds/r', {}, { token })
  await world.ok('read', 'vault/db/creds/r')
  return { world, id: data.id, share }
}

const keysOf = (world: World): string[] => [...world.store.keys({ prefix: '' })]
const erase = (world: World, query = {}) => world.call('delete', 'sys/namespaces/vault/delete-sealed', query)

async function settled(world: World): Promise<void> {
  await world.kernel.sweep()
  world.clock.advance(121_000)
  await world.kernel.sweep()
}

/** What a name may leave: the numbers of slices, and what an engine's circuit counted. */
const kept = (keys: readonly string[]): string[] => keys.filter((key) => key !== 'slices' && !key.startsWith('core/'))

describe('a sealed namespace', () => {
  test('is removed with all that it had, without being opened', async () => {
    const world = await openWorld()
    await world.kernel.sweep()
    const before = kept(keysOf(world))
    const vaulted = await opened()
    await vaulted.world.ok('write', 'sys/namespaces/vault/seal')
    assert.deepEqual((await erase(vaulted.world)).body.data, { status: 'in-progress' })
    await settled(vaulted.world)
    assert.equal((await vaulted.world.call('read', 'sys/namespaces/vault')).status, 404)
    const after = kept(keysOf(vaulted.world))
    assert.deepEqual(
      after.filter((key) => key.includes(vaulted.id)),
      [],
    )
    assert.equal(after.length, before.length)
    await vaulted.world.ok('write', 'sys/namespaces/vault')
    assert.equal((await vaulted.world.call('read', 'vault/kv/data/x')).status, 404)
  })

  test('can be opened by nobody from the moment on, whoever has its shares', async () => {
    const { world, id, share } = await opened()
    await world.ok('write', 'sys/namespaces/vault/seal')
    await erase(world)
    assert.deepEqual(
      keysOf(world).filter((key) => key.startsWith(`ns/root/seal/${id}/`)),
      [],
    )
    assert.equal((await world.call('write', 'sys/namespaces/vault/unseal', { key: share })).status, 400)
    assert.equal((await world.call('read', 'vault/kv/data/x')).status, 404)
  })

  test('goes with those within it, but only by force', async () => {
    const { world, id } = await opened()
    await world.ok('write', 'vault/sys/namespaces/plain')
    await world.ok('write', 'vault/plain/sys/mounts/kv', { type: 'kv' })
    await world.ok('write', 'vault/plain/kv/x', { a: 1 })
    const inner = (await world.ok('write', 'vault/sys/namespaces/inner', { seal: ONE })).data
    await world.ok('write', 'vault/sys/namespaces/inner/unseal', { key: inner.key_shares[0] })
    await world.ok('write', 'vault/inner/sys/mounts/kv', { type: 'kv' })
    await world.ok('write', 'vault/inner/kv/x', { a: 1 })
    await world.ok('write', 'vault/inner/auth/token/create')
    await world.ok('write', 'sys/namespaces/vault/seal')
    const refused = await erase(world)
    assert.equal(refused.status, 400)
    assert.match(refused.body.errors[0], /leftover child namespaces; pass force=true/)
    assert.equal((await erase(world, { force: true })).status, 200)
    await settled(world)
    await settled(world)
    const left = keysOf(world).filter((key) => key.includes(id) || key.includes(inner.id) || key.includes('vault/'))
    assert.deepEqual(left, [])
  })

  test('that is not sealed, or not there, is not removed this way', async () => {
    const { world } = await opened()
    for (const path of ['sys/namespaces/vault', 'sys/namespaces/plain']) {
      if (path.endsWith('plain')) await world.ok('write', path)
      const { status, body } = await world.call('delete', `${path}/delete-sealed`)
      assert.deepEqual([status, body], [400, { errors: ['namespace is not sealed'] }])
    }
    const { status, body } = await world.call('delete', 'sys/namespaces/nope/delete-sealed')
    assert.deepEqual([status, body.warnings], [200, ['requested namespace does not exist']])
  })

  test('is removed by those with sudo alone', async () => {
    const { world } = await opened()
    await world.ok('write', 'sys/namespaces/vault/seal')
    await world.ok('write', 'sys/policies/acl/most', { policy: 'path "sys/namespaces/*" { capabilities = ["read", "update", "delete"] }' })
    const { client_token: token } = (await world.ok('write', 'auth/token/create', { policies: ['most'] })).auth
    assert.equal((await world.call('delete', 'sys/namespaces/vault/delete-sealed', {}, { token })).status, 403)
  })
})

test('an unsealed one with a seal of its own is removed like any other, and its keys with it', async () => {
  const { world, id } = await opened()
  await world.ok('delete', 'sys/namespaces/vault')
  await world.kernel.sweep()
  await world.kernel.expire()
  await settled(world)
  assert.deepEqual(
    keysOf(world).filter((key) => key.includes(id)),
    [],
  )
  assert.equal((await world.call('read', 'sys/namespaces/vault')).status, 404)
})

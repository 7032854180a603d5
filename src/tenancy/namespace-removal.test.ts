// A removed namespace: closed at once, gone without a trace after, whatever cuts the removal short.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { openWorld, type World } from '../testing/world.ts'

async function withTeam(): Promise<World> {
  const world = await openWorld()
  await world.ok('write', 'sys/namespaces/team')
  await world.ok('write', 'team/sys/mounts/kv', { type: 'kv' })
  await world.ok('write', 'team/kv/x', { a: 1 })
  await world.ok('write', 'team/sys/policies/acl/p', { policy: 'path "*" { capabilities = ["read"] }' })
  return world
}

const keysOf = (world: World): string[] => [...world.store.keys({ prefix: '' })]

describe('removing a namespace', () => {
  test('closes it at once to everybody, its own tokens too', async () => {
    const world = await withTeam()
    const { client_token: token } = (await world.ok('write', 'team/auth/token/create', { policies: ['p'] })).auth
    assert.deepEqual((await world.ok('delete', 'sys/namespaces/team')).data, { status: 'in-progress' })
    assert.equal((await world.call('read', 'kv/x', {}, { namespace: 'team' })).status, 404)
    assert.equal((await world.call('read', 'team/kv/x', {}, { token })).status, 403)
    assert.equal((await world.call('read', 'team/kv/x')).status, 404)
    assert.equal((await world.ok('read', 'sys/namespaces/team')).data.tainted, true)
    const again = await world.call('write', 'sys/namespaces/team')
    assert.deepEqual([again.status, again.body], [400, { errors: ['namespace with that name exists and is currently tainted'] }])
    assert.deepEqual((await world.ok('delete', 'sys/namespaces/team')).data, { status: 'in-progress' })
  })

  test('leaves nothing of it behind', async () => {
    const world = await openWorld()
    await world.kernel.sweep()
    const before = keysOf(world)
    await world.ok('write', 'sys/namespaces/team')
    await world.ok('write', 'team/sys/mounts/kv', { type: 'kv', options: { version: '2' } })
    await world.ok('write', 'team/kv/data/x', { data: { a: 1 } })
    await world.ok('write', 'team/sys/auth/up', { type: 'userpass' })
    await world.ok('write', 'team/auth/up/users/ann', { password: 'p', token_policies: 'p' })
    const { client_token: token } = (await world.ok('write', 'team/auth/up/login/ann', { password: 'p' }, { token: '' })).auth
    await world.ok('write', 'team/sys/policies/acl/default', { policy: 'path "cubbyhole/*" { capabilities = ["create", "update"] }' })
    await world.ok('write', 'team/cubbyhole/mine', { a: 1 }, { token })
    await world.ok('write', 'team/auth/token/create', { policies: ['p'] })
    await world.ok('delete', 'sys/namespaces/team')
    await world.kernel.sweep()
    assert.equal((await world.call('read', 'sys/namespaces/team')).status, 404)
    world.clock.advance(121_000)
    await world.kernel.sweep()
    const kept = (keys: string[]) => keys.filter((key) => key !== 'slices' && !key.startsWith('core/'))
    assert.deepEqual(kept(keysOf(world)), kept(before))
  })

  test('is refused while others are within it', async () => {
    const world = await withTeam()
    await world.ok('write', 'team/sys/namespaces/inner')
    const said = await world.call('delete', 'sys/namespaces/team')
    assert.deepEqual([said.status, said.body], [400, { errors: ['unable to delete namespace containing child namespaces'] }])
    await world.ok('delete', 'team/sys/namespaces/inner')
    await world.kernel.sweep()
    assert.equal((await world.call('delete', 'sys/namespaces/team')).status, 200)
  })

  test('of what is not there only warns', async () => {
    const world = await withTeam()
    assert.deepEqual((await world.ok('delete', 'sys/namespaces/nobody')).warnings, ['requested namespace does not exist'])
  })

  test('makes room for one of the same name that has nothing of the old', async () => {
    const world = await withTeam()
    const { id } = (await world.ok('read', 'sys/namespaces/team')).data
    const { client_token: token, accessor } = (await world.ok('write', 'team/auth/token/create', { policies: ['p'] })).auth
    await world.ok('delete', 'sys/namespaces/team')
    await world.kernel.sweep()
    const made = (await world.ok('write', 'sys/namespaces/team')).data
    assert.notEqual(made.id, id)
    await world.ok('write', 'team/sys/mounts/kv', { type: 'kv' })
    assert.equal((await world.call('read', 'team/kv/x')).status, 404)
    assert.equal((await world.call('read', 'team/kv/x', {}, { token })).status, 403)
    assert.equal((await world.call('write', 'team/auth/token/lookup', { token })).status, 403)
    assert.equal((await world.call('write', 'team/auth/token/lookup-accessor', { accessor })).status, 400)
    assert.equal((await world.call('read', 'team/sys/policies/acl/p')).status, 404)
  })

  test('also removes what a request that began before still wrote', async () => {
    const world = await withTeam()
    const slice = keysOf(world)
      .find((key) => key.startsWith('data/'))
      ?.split('/')[1]
    await world.ok('delete', 'sys/namespaces/team')
    await world.kernel.sweep()
    await world.store.commit({ ops: [{ key: `data/${slice}/late`, value: Buffer.from('x') }] })
    world.clock.advance(60_000)
    await world.kernel.sweep()
    assert.deepEqual(
      keysOf(world).filter((key) => key.startsWith('data/')),
      [],
    )
  })
})

// sys/remount through a whole server: what moves, what ends with the move, and what is refused.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { openWorld, type World } from '../testing/world.ts'

async function opened(): Promise<World> {
  const world = await openWorld()
  for (const name of ['a', 'b']) await world.ok('write', `sys/namespaces/${name}`)
  await world.ok('write', 'sys/mounts/kv', { type: 'kv', options: { version: '2' }, config: { max_lease_ttl: '1h' } })
  await world.ok('write', 'kv/data/x', { data: { of: 'x' } })
  await world.ok('write', 'sys/auth/up', { type: 'userpass' })
  await world.ok('write', 'auth/up/users/ann', { password: 'p', token_policies: 'default' })
  return world
}

async function move(world: World, from: string, to: string): Promise<any> {
  const { data } = await world.ok('write', 'sys/remount', { from, to })
  return (await world.ok('read', `sys/remount/status/${data.migration_id}`)).data.migration_info
}

describe('a moved mount', () => {
  test('keeps its data, accessor and settings, within a namespace and between two', async () => {
    const world = await opened()
    const before = (await world.ok('read', 'sys/mounts/kv')).data
    assert.deepEqual(await move(world, 'kv', 'team/kv'), { source_mount: 'kv/', target_mount: 'team/kv/', status: 'success' })
    assert.equal((await world.call('read', 'kv/data/x')).status, 404)
    assert.deepEqual((await world.ok('read', 'team/kv/data/x')).data.data, { of: 'x' })
    assert.deepEqual(await move(world, 'team/kv', 'a/kv'), { source_mount: 'team/kv/', target_mount: 'a/kv/', status: 'success' })
    assert.deepEqual((await world.ok('read', 'a/kv/data/x')).data.data, { of: 'x' })
    assert.deepEqual((await world.ok('read', 'a/sys/mounts/kv')).data, before)
    assert.deepEqual(await move(world, 'a/kv', 'b/kv'), { source_mount: 'a/kv/', target_mount: 'b/kv/', status: 'success' })
    assert.deepEqual((await world.ok('read', 'b/kv/data/x')).data.data, { of: 'x' })
    await world.ok('write', 'sys/mounts/kv', { type: 'kv' })
    assert.equal((await world.call('read', 'kv/x')).status, 404)
  })

  test('ends the tokens that its logins gave, and those stay ended when it comes back', async () => {
    const world = await opened()
    const { client_token: token } = (await world.ok('write', 'auth/up/login/ann', { password: 'p' }, { token: '' })).auth
    const self = () => world.call('read', 'auth/token/lookup-self', {}, { token })
    assert.equal((await self()).status, 200)
    const { data } = await world.ok('write', 'sys/remount', { from: 'auth/up', to: 'a/auth/up' })
    assert.equal((await self()).status, 403)
    assert.equal((await world.call('write', 'auth/up/login/ann', { password: 'p' }, { token: '' })).status, 403)
    await world.kernel.sweep()
    assert.equal((await world.ok('read', `sys/remount/status/${data.migration_id}`)).data.migration_info.status, 'success')
    assert.equal((await world.call('write', 'a/auth/up/login/ann', { password: 'p' }, { token: '' })).status, 200)
    await move(world, 'a/auth/up', 'auth/up')
    await world.kernel.sweep()
    assert.equal((await self()).status, 403)
  })

  test('stays where it was where its place is taken meanwhile', async () => {
    const world = await opened()
    const { data } = await world.ok('write', 'sys/remount', { from: 'auth/up', to: 'auth/other' })
    await world.ok('write', 'sys/auth/other', { type: 'approle' })
    await world.kernel.sweep()
    assert.equal((await world.ok('read', `sys/remount/status/${data.migration_id}`)).data.migration_info.status, 'failure')
    assert.equal((await world.call('write', 'auth/up/login/ann', { password: 'p' }, { token: '' })).status, 200)
  })

  test('takes its quotas along, whatever namespace it goes to', async () => {
    const world = await opened()
    await world.ok('write', 'sys/quotas/rate-limit/slow', { path: 'kv', rate: 1 })
    await world.ok('write', 'sys/quotas/lease-count/few', { path: 'kv', max_leases: 3 })
    await move(world, 'kv', 'a/kv')
    await world.kernel.sweep()
    assert.equal((await world.ok('read', 'sys/quotas/rate-limit/slow')).data.path, 'a/kv/')
    assert.equal((await world.ok('read', 'sys/quotas/lease-count/few')).data.path, 'a/kv/')
    assert.deepEqual([(await world.call('read', 'a/kv/data/x')).status, (await world.call('read', 'a/kv/data/x')).status], [200, 429])
    await world.ok('write', 'sys/quotas/lease-count/others', { path: 'b', max_leases: 3 })
    await move(world, 'a/kv', 'b/kv')
    assert.equal((await world.ok('read', 'sys/quotas/lease-count/few')).data.path, 'b/kv/')
  })

  test('is forgotten of after a day', async () => {
    const world = await opened()
    const { data } = await world.ok('write', 'sys/remount', { from: 'kv', to: 'kv2' })
    assert.equal((await world.call('read', `a/sys/remount/status/${data.migration_id}`)).status, 404)
    world.clock.advance(86_400_001)
    await world.kernel.sweep()
    assert.equal((await world.call('read', `sys/remount/status/${data.migration_id}`)).status, 404)
  })
})

const REFUSED: readonly (readonly [from: string, to: string, text: string])[] = [
  ['', 'x', "both 'from' and 'to' path must be specified as a string"],
  ['kv', '', "both 'from' and 'to' path must be specified as a string"],
  ['kv', ' x', "'to' path cannot contain trailing whitespace"],
  ['kv ', 'x', "'from' path cannot contain trailing whitespace"],
  ['nope', 'x', 'no matching mount at "nope/"'],
  ['kv/data', 'x', 'no matching mount at "kv/data/"'],
  ['a/kv', 'x', 'no matching mount at "a/kv/"'],
  ['kv', 'kv', 'path already in use at "kv/"'],
  ['kv', 'kv/below', 'path already in use at "kv/"'],
  ['auth/up', 'auth/up', 'path already in use at "auth/up/"'],
  ['kv', 'cubbyhole', 'cannot remount to destination cubbyhole/'],
  ['kv', 'a/cubbyhole/x', 'cannot remount to destination cubbyhole/x/'],
  ['kv', 'a/sys', 'cannot remount to destination sys/'],
  ['kv', 'auth/x', 'cannot remount to destination auth/x/'],
  ['cubbyhole', 'x', 'cannot remount "cubbyhole/"'],
  ['a/sys', 'x', 'cannot remount "sys/"'],
  ['auth/token', 'auth/x', 'cannot remount "auth/token/"'],
  ['auth/up', 'x', 'cannot remount auth mount to non-auth mount "x/"'],
  ['auth/up', 'auth/token', 'cannot remount to destination "auth/token/"'],
  ['kv', 'a', 'invalid destination mount path "a"'],
  ['kv', 'a/', 'invalid destination mount path "a/"'],
  ['kv', 'x/../y', 'invalid destination mount: path cannot contain "." or ".." segments'],
  ['kv', 'x*', 'invalid destination mount: path "x*/" cannot contain "*" or "+"'],
]

test('what can not be moved is refused, with nothing changed', async () => {
  const world = await opened()
  for (const [from, to, text] of REFUSED) {
    const said = await world.call('write', 'sys/remount', { from, to })
    assert.deepEqual([said.status, said.body], [400, { errors: [text] }], `${from} → ${to}`)
  }
  assert.deepEqual((await world.ok('read', 'kv/data/x')).data.data, { of: 'x' })
})

test('moving needs sudo, and reaches no further than the namespace that is asked', async () => {
  const world = await opened()
  await world.ok('write', 'a/sys/mounts/kv', { type: 'kv' })
  await world.ok('write', 'a/sys/policies/acl/p', { policy: 'path "sys/remount" { capabilities = ["update"] }' })
  await world.ok('write', 'a/sys/policies/acl/s', { policy: 'path "sys/remount" { capabilities = ["update", "sudo"] }' })
  const tokenWith = async (policy: string) => (await world.ok('write', 'a/auth/token/create', { policies: [policy] })).auth.client_token
  const data = { from: 'kv', to: 'kv2' }
  assert.equal((await world.call('write', 'a/sys/remount', data, { token: await tokenWith('p') })).status, 403)
  const token = await tokenWith('s')
  assert.equal((await world.call('write', 'sys/remount', data, { token })).status, 403)
  assert.equal((await world.call('write', 'a/sys/remount', data, { token })).status, 200)
  assert.ok((await world.ok('read', 'a/sys/mounts')).data['kv2/'])
  const out = await world.call('write', 'a/sys/remount', { from: 'kv2', to: 'b/kv' }, { token })
  assert.equal(out.status, 200)
  assert.ok((await world.ok('read', 'a/sys/mounts')).data['b/kv/'])
  assert.equal((await world.ok('read', 'b/sys/mounts')).data['kv/'], undefined)
})

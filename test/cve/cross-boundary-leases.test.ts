// Leases across boundaries: what belongs to one namespace, token or mount is neither seen nor touched from another.
// CVE-2026-40264, CVE-2026-45808, CVE-2026-55774, CVE-2026-55775 (leases and tokens reached from another namespace by id,
// accessor or prefix), GHSA-vv66 and CVE-2022-42186 (credentials that outlive what they were lent under).
import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import type { Verb } from '../../src/contract/call.ts'
import { checkLeases } from '../../src/lease/check.ts'
import { type Accounts, openAccounts } from '../../src/testing/accounts.ts'
import { lending } from '../../src/testing/lender.ts'
import { openWorld, type World } from '../../src/testing/world.ts'

interface Tenants extends World {
  readonly accounts: Accounts
  /** Borrows in a namespace; resolves to the lease's id. */
  borrow(namespace: string, token?: string): Promise<string>
  token(namespace: string, data?: object, by?: string): Promise<string>
}

const NAMESPACES = ['', 'team', 'team/app', 'other']
const POLICY = 'path "*" { capabilities = ["create", "read", "update", "delete", "list", "sudo"] }'

async function open(t: TestContext): Promise<Tenants> {
  const accounts = openAccounts()
  const world = await openWorld({ modules: lending(accounts) })
  t.after(() => world.close())
  for (const namespace of NAMESPACES) {
    const parent = namespace.includes('/') ? namespace.slice(0, namespace.lastIndexOf('/')) : ''
    if (namespace !== '') await world.ok('write', `sys/namespaces/${namespace.split('/').at(-1)}`, {}, { namespace: parent })
    await world.ok('write', 'sys/mounts/db', { type: 'lender' }, { namespace })
    await world.ok('write', 'db/role/r', { ttl: '10m', max_ttl: '1h' }, { namespace })
    await world.ok('write', 'sys/policies/acl/all', { policy: POLICY }, { namespace })
  }
  return {
    ...world,
    accounts,
    borrow: async (namespace, token = world.rootToken) => (await world.ok('read', 'db/creds/r', {}, { namespace, token })).lease_id,
    token: async (namespace, data = {}, by = world.rootToken) =>
      (await world.ok('write', 'auth/token/create', { policies: ['all'], ttl: '1h', ...data }, { namespace, token: by })).auth.client_token,
  }
}

async function assertSound(world: Tenants, accounts: number): Promise<void> {
  await world.kernel.expire()
  assert.equal(world.accounts.names.size, accounts)
  const ids = NAMESPACES.filter(Boolean).flatMap((path) => world.inside.get(`ns/root/namespace/${path}/`) ?? [])
  const known = ['root', ...ids.map(({ value }) => JSON.parse(value.toString()).id as string)]
  assert.deepEqual([...checkLeases(world.inside, known)], [])
}

test('an id tells its namespace, and leads to nothing from any other, up, down or beside', async (t) => {
  const world = await open(t)
  const ids = new Map<string, string>()
  for (const namespace of NAMESPACES) ids.set(namespace, await world.borrow(namespace))
  assert.match(ids.get('') ?? '', /^db\/creds\/r\/[0-9A-Za-z]{24}$/)
  assert.match(ids.get('team') ?? '', /^db\/creds\/r\/[0-9A-Za-z]{24}\.[0-9A-Za-z]{6}$/)
  for (const [home, id] of ids) {
    for (const namespace of NAMESPACES.filter((one) => one !== home)) {
      const said = (path: string, data: object) => world.call('write', path, { ...data }, { namespace })
      for (const guess of [id, id.replace(/\.\w{6}$/, '')]) {
        assert.deepEqual((await said('sys/leases/lookup', { lease_id: guess })).body, { errors: ['invalid lease'] })
        assert.deepEqual((await said('sys/leases/renew', { lease_id: guess })).body, { errors: ['lease not found'] })
        assert.deepEqual((await said(`sys/leases/renew/${guess}`, {})).body, { errors: ['lease not found'] })
        assert.equal((await said('sys/leases/revoke', { lease_id: guess })).status, 204)
        assert.equal((await said(`sys/leases/revoke/${guess}`, { sync: false })).status, 202)
        assert.equal((await said(`sys/leases/revoke-prefix/${guess}`, {})).status, 204)
        assert.equal((await said(`sys/leases/revoke-force/${guess}`, {})).status, 204)
      }
    }
  }
  await assertSound(world, NAMESPACES.length)
  for (const [namespace, id] of ids) {
    const { data } = await world.ok('write', 'sys/leases/lookup', { lease_id: id }, { namespace })
    assert.equal(data.namespace_path, namespace === '' ? undefined : `${namespace}/`)
    assert.equal((await world.ok('write', 'sys/leases/renew', { lease_id: id }, { namespace })).lease_id, id)
  }
})

test('lists, prefixes and counts end at the namespace', async (t) => {
  const world = await open(t)
  for (const namespace of NAMESPACES) await world.borrow(namespace)
  for (const namespace of NAMESPACES) {
    const { data } = await world.ok('list', 'sys/leases/lookup/db/creds/r', {}, { namespace })
    assert.equal(data.keys.length, 1)
  }
  await world.ok('write', 'sys/leases/revoke-prefix/db', {}, { namespace: 'team' })
  await assertSound(world, NAMESPACES.length - 1)
  await world.ok('write', 'sys/leases/revoke-force/db', {}, { namespace: '' })
  await assertSound(world, NAMESPACES.length - 1)
  assert.equal((await world.call('list', 'sys/leases/lookup/db', {}, { namespace: '' })).status, 404)
  assert.equal((await world.call('list', 'sys/leases/lookup/db', {}, { namespace: 'team/app' })).status, 200)
})

test('a token of one namespace cannot use the leases of another, whatever its policies say', async (t) => {
  const world = await open(t)
  const id = await world.borrow('team')
  const stranger = await world.token('other')
  const asks: readonly (readonly [Verb, string, object])[] = [
    ['write', 'sys/leases/lookup', { lease_id: id }],
    ['write', 'sys/leases/renew', { lease_id: id }],
    ['write', 'sys/leases/revoke', { lease_id: id }],
    ['write', 'sys/leases/revoke-prefix/db', {}],
    ['write', 'sys/leases/revoke-force/db', {}],
    ['list', 'sys/leases/lookup/db', {}],
    ['read', 'sys/leases', { type: 'irrevocable' }],
    ['write', 'sys/leases/tidy', {}],
    ['read', 'db/creds/r', {}],
  ]
  for (const [verb, path, data] of asks) {
    const { status } = await world.call(verb, path, { ...data }, { namespace: 'team', token: stranger })
    assert.equal(status, 403, path)
  }
  await assertSound(world, 1)
})

test('tokens as leases end at the namespace too', async (t) => {
  const world = await open(t)
  const token = await world.token('team')
  const { data } = await world.ok('list', 'sys/leases/lookup/auth/token/create', {}, { namespace: 'team' })
  const id = `auth/token/create/${data.keys[0]}`
  assert.match(id, /\/h[0-9a-f]{64}\.[0-9A-Za-z]{6}$/)
  for (const namespace of ['', 'other', 'team/app']) {
    assert.equal((await world.call('write', 'sys/leases/lookup', { lease_id: id }, { namespace })).status, 400)
    await world.ok('write', 'sys/leases/revoke', { lease_id: id }, { namespace })
    await world.ok('write', `sys/leases/revoke-prefix/${id}`, {}, { namespace })
    await world.ok('write', 'sys/leases/revoke-prefix/auth/token/create', {}, { namespace })
  }
  await world.ok('read', 'auth/token/lookup-self', {}, { namespace: 'team', token })
  await world.ok('write', 'sys/leases/revoke', { lease_id: id }, { namespace: 'team' })
  assert.equal((await world.call('read', 'auth/token/lookup-self', {}, { namespace: 'team', token })).status, 403)
})

test('what a token lent itself in namespaces below ends with it', async (t) => {
  const world = await open(t)
  const above = await world.token('team')
  const kept = await world.borrow('team/app')
  for (const namespace of ['team', 'team/app']) await world.borrow(namespace, above)
  await world.ok('write', 'auth/token/revoke', { token: above }, { namespace: 'team' })
  await assertSound(world, 1)
  assert.equal((await world.call('write', 'sys/leases/lookup', { lease_id: kept }, { namespace: 'team/app' })).status, 200)
})

test('a namespace that goes takes back all that it lent before it is gone, and leaves nothing', async (t) => {
  const world = await open(t)
  await world.borrow('')
  for (let n = 0; n < 3; n++) await world.borrow('other')
  world.accounts.fault = 'away'
  await world.ok('delete', 'sys/namespaces/other')
  for (let n = 0; n < 5; n++) {
    await world.kernel.sweep()
    await world.kernel.expire()
    world.clock.advance(60_000)
  }
  assert.equal(world.accounts.names.size, 4)
  world.accounts.fault = 'none'
  for (let n = 0; n < 200 && world.accounts.names.size > 1; n++) {
    world.clock.advance(600_000)
    await world.kernel.expire()
  }
  for (let n = 0; n < 5; n++) {
    world.clock.advance(200_000)
    await world.kernel.sweep()
  }
  const [root] = [...world.inside.keys({ prefix: 'ns/root/lease/id/' })]
  assert.equal(root, undefined) // its ten minutes are over as well
  assert.deepEqual(
    [...world.store.keys({ prefix: '' })].filter((key) => key.startsWith('lease') || key.includes('/lease/')),
    [],
  )
  assert.equal((await world.call('list', 'sys/namespaces')).body.data.keys.includes('other/'), false)
})

test('a mount that moves leaves its leases behind: they end first', async (t) => {
  const world = await open(t)
  await world.borrow('')
  await world.ok('write', 'sys/remount', { from: 'db', to: 'moved' })
  for (let n = 0; n < 3; n++) {
    await world.kernel.expire()
    await world.kernel.sweep()
  }
  await assertSound(world, 0)
  assert.equal((await world.call('read', 'moved/creds/r')).status, 200)
})

test('a quota of a namespace holds below it where nothing else does, and each namespace counts its own', async (t) => {
  const world = await open(t)
  await world.ok('write', 'sys/quotas/lease-count/few', { max_leases: 1 })
  const status = async (namespace: string) => (await world.call('read', 'db/creds/r', {}, { namespace })).status
  assert.deepEqual([await status(''), await status('')], [200, 429])
  assert.deepEqual([await status('team'), await status('team')], [200, 429])
  await world.ok('write', 'sys/quotas/lease-count/own', { path: 'team', max_leases: 2, inheritable: true })
  assert.deepEqual([await status('team'), await status('team')], [200, 429])
  assert.deepEqual([await status('team/app'), await status('team/app'), await status('team/app')], [200, 200, 429])
  await world.ok('write', 'sys/quotas/lease-count/mount', { path: 'team/app/db', max_leases: 3 })
  assert.deepEqual([await status('team/app'), await status('team/app')], [200, 429])
  assert.deepEqual((await world.ok('read', 'sys/quotas/lease-count/mount')).data, {
    name: 'mount',
    type: 'lease-count',
    path: 'team/app/db/',
    role: '',
    max_leases: 3,
    counter: 3,
    inheritable: false,
  })
  assert.deepEqual((await world.ok('list', 'sys/quotas/lease-count')).data.keys, ['few', 'mount', 'own'])
  await assertSound(world, 6)
})

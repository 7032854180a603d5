// No token comes to be that nobody was told of, and none lives longer than it was given.
// CVE-2026-46405 (a login that fails and still makes a token), GHSA-rh46 (an operation of the server's own asked for from outside),
// CVE-2021-32923 (a lease of no seconds became one for ever), CVE-2020-25816 (a token's last lease revived it at its end).
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Verb } from '../../src/contract/call.ts'
import { openTokenWorld, type TokenWorld } from '../../src/testing/token-world.ts'

type Data = Record<string, any>

async function open() {
  const world = await openTokenWorld()
  await world.ok('write', 'sys/auth/userpass', { type: 'userpass' })
  await world.ok('write', 'sys/auth/approle', { type: 'approle' })
  await world.ok('write', 'auth/userpass/users/ann', { password: 'correct horse' })
  await world.ok('write', 'auth/userpass/users/far', { password: 'correct horse', token_bound_cidrs: '10.0.0.0/8' })
  await world.ok('write', 'auth/userpass/users/few', { password: 'correct horse', token_num_uses: 2 })
  await world.ok('write', 'auth/userpass/users/rooted', { password: 'correct horse', token_policies: 'root' })
  await world.ok('write', 'auth/userpass/users/inner', { password: 'correct horse', token_policies: 'response-wrapping' })
  await world.ok('write', 'auth/approle/role/web')
  await world.ok('write', 'auth/approle/role/far', { secret_id_bound_cidrs: '10.0.0.0/8' })
  const idOf = async (name: string) => (await world.ok('read', `auth/approle/role/${name}/role-id`)).data.role_id
  const secretOf = async (name: string) => (await world.ok('write', `auth/approle/role/${name}/secret-id`)).data.secret_id
  return { world, idOf, secretOf }
}

/** What is stored of tokens: their number, and that of all their index entries. */
function stored(world: TokenWorld): readonly number[] {
  const count = (prefix: string) => [...world.store.keys({ prefix: `ns/root/token/${prefix}` })].length
  return ['id/', 'accessor/', 'due/', 'child/', 'dead/'].map(count)
}

describe('a login that fails', () => {
  test('leaves no token behind (CVE-2026-46405)', async () => {
    const { world, idOf, secretOf } = await open()
    const web = { role_id: await idOf('web'), secret_id: await secretOf('web') }
    const far = { role_id: await idOf('far'), secret_id: await secretOf('far') }
    await world.ok('write', 'sys/auth/batch', { type: 'userpass', config: { token_type: 'batch' } })
    await world.ok('write', 'auth/batch/users/few', { password: 'correct horse', token_num_uses: 2 })
    const FAILING: readonly (readonly [path: string, data: Data])[] = [
      ['auth/userpass/login/ann', { password: 'wrong' }],
      ['auth/userpass/login/ann', {}],
      ['auth/userpass/login/nobody', { password: 'correct horse' }],
      ['auth/userpass/login/far', { password: 'correct horse' }],
      ['auth/userpass/login/rooted', { password: 'correct horse' }],
      ['auth/userpass/login/inner', { password: 'correct horse' }],
      ['auth/batch/login/few', { password: 'correct horse' }],
      ['auth/approle/login', { role_id: web.role_id, secret_id: 'wrong' }],
      ['auth/approle/login', { role_id: 'wrong', secret_id: web.secret_id }],
      ['auth/approle/login', { role_id: web.role_id, secret_id: far.secret_id }],
      ['auth/approle/login', far],
    ]
    const before = stored(world)
    for (const [path, data] of FAILING) {
      for (const wrapTtl of [undefined, 60]) {
        const { status, body } = await world.call('write', path, data, { token: '', wrapTtl })
        assert.ok(status === 400 || status === 403, `${path} ${status}`)
        assert.deepEqual(Object.keys(body), ['errors'])
        assert.deepEqual(stored(world), before, path)
      }
    }
  })

  test('because it can not be recorded leaves none either, nor what was wrapped', async () => {
    const { world } = await open()
    await world.ok('write', 'sys/audit/file', { type: 'file', options: { file_path: '/log' } })
    const asks: readonly (readonly [path: string, data: Data, token?: string])[] = [
      ['auth/userpass/login/ann', { password: 'correct horse' }, ''],
      ['auth/token/create', { policies: ['default'] }],
      ['auth/token/create-orphan', { policies: ['default'], num_uses: 1 }],
      ['sys/wrapping/wrap', { secret: 'x' }],
    ]
    const wrapped = () => [...world.store.keys({ prefix: 'data/' })].filter((key) => key.endsWith('/response')).length
    const before = [...stored(world), wrapped()]
    for (const [path, data, token = world.rootToken] of asks) {
      for (const passing of [0, 1]) {
        for (const wrapTtl of [undefined, 60]) {
          world.breakAudit(new Error('disk full'), passing)
          const { status } = await world.call('write', path, data, { token, wrapTtl })
          world.breakAudit(undefined)
          if (path === 'sys/wrapping/wrap' && wrapTtl === undefined) continue
          assert.equal(status, 500, path)
          assert.deepEqual([...stored(world), wrapped()], before, `${path} ${passing} ${wrapTtl}`)
        }
      }
    }
  })

  test('by its verb is no login', async () => {
    const { world } = await open()
    const before = stored(world)
    for (const verb of ['read', 'list', 'delete', 'patch', 'scan', 'help'] as const) {
      const { body } = await world.call(verb, 'auth/userpass/login/ann', { password: 'correct horse' }, { token: '' })
      assert.equal(body?.auth ?? null, null)
    }
    assert.deepEqual(stored(world), before)
  })
})

test('no verb, path or parameter of the outside reaches an operation of the server itself (GHSA-rh46)', async () => {
  const { world } = await open()
  const { client_token: token } = await world.make({ policies: ['maker'] })
  const before = stored(world)
  const INTERNAL = ['renew', 'revoke', 'rollback', 'alias-lookahead', 'resolve-role', 'header'] as unknown as readonly Verb[]
  for (const verb of INTERNAL) {
    for (const path of ['auth/userpass/login/ann', 'auth/token/create', 'auth/token/lookup-self']) {
      const { status } = await world.call(verb, path, { password: 'correct horse' }, { token })
      assert.ok(status >= 400, `${verb} ${path}: ${status}`)
    }
  }
  for (const data of [{ operation: 'renew' }, { hash: 'x' }, { accessor: 'x' }, { parent: '' }, { expiresAt: 9e15 }, { internal: {} }]) {
    await world.call('write', 'auth/token/create', { ...data, ttl: 'x' }, { token })
  }
  assert.deepEqual(stored(world), before)
})

describe('a life of no length', () => {
  const NOTHING: readonly any[] = [0, '0', '', '0s', null]
  const ABSURD: readonly any[] = [-1, '-1', '-1s', 'NaN', 'Infinity', '1e400', 2 ** 63, '9223372036854775808', [], {}]

  test('is the default, never for ever (CVE-2021-32923)', async () => {
    const { world } = await open()
    const fields = ['ttl', 'lease', 'explicit_max_ttl', 'period']
    for (const value of NOTHING) {
      for (const field of fields) {
        for (const type of ['service', 'batch']) {
          const auth = await world.make({ policies: ['default'], type, [field]: value })
          assert.equal(auth.lease_duration, 2_764_800, `${type} ${field} ${JSON.stringify(value)}`)
          assert.notEqual((await world.self(auth.client_token)).expire_time, null)
        }
      }
      await world.ok('write', 'auth/userpass/users/ann', {
        token_ttl: value,
        token_max_ttl: value,
        token_explicit_max_ttl: value,
        token_period: value,
      })
      const { auth } = await world.ok('write', 'auth/userpass/login/ann', { password: 'correct horse' }, { token: '' })
      assert.equal(auth.lease_duration, 2_764_800)
    }
  })

  test('of a part of a second is one second', async () => {
    const { world } = await open()
    for (const type of ['service', 'batch']) {
      assert.equal((await world.make({ policies: ['default'], type, ttl: '500ms' })).lease_duration, 1)
    }
    assert.equal((await world.make({ policies: ['default'], explicit_max_ttl: '1ns' })).lease_duration, 1)
  })

  test('that no clock knows is refused, and makes nothing', async () => {
    const { world } = await open()
    const before = stored(world)
    for (const value of ABSURD) {
      for (const field of ['ttl', 'lease', 'explicit_max_ttl', 'period']) {
        for (const type of ['service', 'batch']) {
          const { status } = await world.call('write', 'auth/token/create', { policies: ['default'], type, [field]: value })
          assert.equal(status, 400, `${type} ${field} ${JSON.stringify(value)}`)
        }
      }
      const { client_token: token } = await world.make({ policies: ['default'], ttl: '1h' })
      assert.equal((await world.call('write', 'auth/token/renew', { token, increment: value })).status, 400, JSON.stringify(value))
      assert.equal((await world.self(token)).ttl, 3600)
      await world.ok('write', 'auth/token/revoke', { token })
      const roleFields = ['token_period', 'token_explicit_max_ttl', 'period', 'explicit_max_ttl']
      for (const field of roleFields) assert.equal((await world.call('write', 'auth/token/roles/r', { [field]: value })).status, 400)
    }
    assert.deepEqual(stored(world), before)
  })

  test('asked of a renewal is the last one again, and never past the maximum', async () => {
    const { world } = await open()
    for (const value of NOTHING) {
      const { client_token: token } = await world.make({ policies: ['default'], ttl: '1h', explicit_max_ttl: '90m' })
      world.clock.advance(1_200_000)
      assert.equal((await world.ok('write', 'auth/token/renew', { token, increment: value })).auth.lease_duration, 3600)
      world.clock.advance(1_200_000)
      assert.equal((await world.ok('write', 'auth/token/renew', { token, increment: value })).auth.lease_duration, 3000)
      world.clock.advance(3_000_000)
      assert.equal(await world.self(token), undefined)
    }
  })
})

test('nothing revives a token at or after its end (CVE-2020-25816)', async () => {
  const { world } = await open()
  const token = (await world.make({ policies: ['maker'], ttl: '10s', explicit_max_ttl: '20s' })).client_token as string
  world.clock.advance(9_999)
  await world.ok('write', 'auth/token/renew', { token, increment: '1h' })
  world.clock.advance(10_001)
  for (const path of ['renew', 'lookup']) assert.ok((await world.call('write', `auth/token/${path}`, { token })).status >= 400)
  assert.equal((await world.call('write', 'auth/token/renew-self', {}, { token })).status, 403)
  await world.kernel.sweep()
  assert.equal((await world.call('write', 'auth/token/renew', { token })).status, 400)
  assert.equal(await world.self(token), undefined)
})

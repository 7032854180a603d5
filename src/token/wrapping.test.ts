// Response wrapping through a whole server: what is wrapped, how it is looked at, taken and passed on, and in which words it is refused.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { openTokenWorld, type TokenWorld } from '../testing/token-world.ts'
import type { Verb } from '../contract/call.ts'

type Data = Record<string, any>

const NOT_WRAPPING = [400, 'wrapping token is not valid or does not exist']

async function open() {
  const world = await openTokenWorld()
  await world.ok('write', 'sys/mounts/kv', { type: 'kv' })
  await world.ok('write', 'kv/a', { secret: 'x', n: 1 })
  const wrap = (verb: Verb = 'read', path = 'kv/a', data: Data = {}, more: Data = {}) => world.call(verb, path, data, { wrapTtl: 60, ...more })
  /** The `wrap_info` of an answer. */
  const wrapped = async (...of: Parameters<typeof wrap>): Promise<any> => {
    const { status, body } = await wrap(...of)
    assert.equal(status, 200, JSON.stringify(body))
    return body.wrap_info
  }
  const unwrap = (token: string, data: Data = {}) => world.call('write', 'sys/wrapping/unwrap', data, { token })
  const isLive = async (token: string) => (await world.call('write', 'sys/wrapping/lookup', { token }, { token: '' })).status === 200
  return { world, wrap, wrapped, unwrap, isLive }
}

const tokensOf = async (world: TokenWorld) => (await world.ok('list', 'auth/token/accessors')).data.keys.length

describe('a wrapped answer', () => {
  test('tells of its token, and of nothing else', async () => {
    const { world, wrap } = await open()
    const { body } = await wrap()
    const { request_id, wrap_info, ...rest } = body
    assert.match(request_id, /^request-/)
    assert.deepEqual(rest, { lease_id: '', renewable: false, lease_duration: 0, data: null, warnings: null, auth: null, mount_type: 'kv' })
    const { token, accessor, ...info } = wrap_info
    assert.deepEqual(info, { ttl: 60, creation_time: '2030-01-02T03:04:05.678Z', creation_path: 'kv/a' })
    const { data } = await world.ok('write', 'auth/token/lookup', { token })
    assert.deepEqual(data, {
      accessor,
      creation_time: 1893553445,
      creation_ttl: 60,
      display_name: '',
      entity_id: '',
      expire_time: '2030-01-02T03:05:05.678Z',
      explicit_max_ttl: 60,
      id: token,
      issue_time: '2030-01-02T03:04:05.678Z',
      meta: null,
      num_uses: 1,
      orphan: true,
      path: 'kv/a',
      policies: ['response-wrapping'],
      renewable: false,
      ttl: 60,
      type: 'service',
    })
  })

  test('is taken as it was, once', async () => {
    const { world, wrapped, unwrap } = await open()
    const bare = await world.ok('read', 'kv/a', {}, { id: 'same' })
    for (const how of ['as caller', 'in the body', 'both']) {
      const { token } = await wrapped('read', 'kv/a', {}, { id: 'same' })
      const [caller, data] = how === 'as caller' ? [token, {}] : [how === 'both' ? token : world.rootToken, { token }]
      const { status, body } = await unwrap(caller, data)
      assert.deepEqual([status, body], [200, bare], how)
      const again = await unwrap(caller, data)
      assert.deepEqual([again.status, ...again.body.errors], NOT_WRAPPING, how)
    }
    assert.deepEqual(
      [...world.store.keys({ prefix: 'token-' })].filter((key) => /^token-(dead|due)/.test(key)),
      [],
    )
    assert.equal(
      [...world.store.keys({ prefix: 'data/' })].some((key) => key.endsWith('/response')),
      false,
    )
  })

  test('is not taken by another wrapping token without a use of that one', async () => {
    const { wrapped, unwrap, isLive } = await open()
    const [one, other] = [await wrapped(), await wrapped()]
    assert.equal((await unwrap(one.token, { token: other.token })).status, 200)
    assert.deepEqual([await isLive(one.token), await isLive(other.token)], [false, false])
  })

  test('ends with its time, and leaves nothing', async () => {
    const { world, wrapped, unwrap } = await open()
    const before = await tokensOf(world)
    const { token } = await wrapped()
    world.clock.advance(60_000)
    assert.deepEqual((await unwrap(world.rootToken, { token })).body.errors, NOT_WRAPPING.slice(1))
    await world.kernel.sweep()
    assert.equal(await tokensOf(world), before)
    assert.equal(
      [...world.store.keys({ prefix: 'data/' })].some((key) => key.endsWith('/response')),
      false,
    )
  })

  test('is found by its accessor, and can be revoked', async () => {
    const { world, wrapped, isLive } = await open()
    const { token, accessor } = await wrapped()
    assert.equal((await world.ok('write', 'auth/token/lookup-accessor', { accessor })).data.path, 'kv/a')
    assert.deepEqual(await world.refused('auth/token/renew', { token }), [400, 'lease is not renewable'])
    await world.ok('write', 'auth/token/revoke-accessor', { accessor })
    assert.equal(await isLive(token), false)
  })

  test('is read from its cubbyhole too, with a warning', async () => {
    const { world, wrapped, isLive } = await open()
    const { token } = await wrapped('read', 'kv/a', {}, { id: 'inside' })
    const { data, warnings } = await world.ok('read', 'cubbyhole/response', {}, { token })
    assert.deepEqual(Object.keys(data), ['response'])
    assert.deepEqual([JSON.parse(data.response).request_id, JSON.parse(data.response).data], ['inside', { n: 1, secret: 'x' }])
    assert.deepEqual(warnings, [
      "Reading from 'cubbyhole/response' is deprecated. Please use sys/wrapping/unwrap to unwrap responses, as it provides additional security checks and other benefits.",
    ])
    assert.equal(await isLive(token), false)
  })

  test('is lost to whoever uses its token for anything else', async () => {
    const { world, wrapped, isLive } = await open()
    const uses: readonly (readonly [Verb, string])[] = [
      ['read', 'auth/token/lookup-self'],
      ['read', 'cubbyhole/other'],
      ['write', 'cubbyhole/response'],
      ['write', 'auth/token/renew-self'],
      ['write', 'sys/wrapping/rewrap'],
    ]
    for (const [verb, path] of uses) {
      const { token } = await wrapped()
      assert.equal((await world.call(verb, path, {}, { token })).status, 403)
      assert.equal(await isLive(token), false, path)
    }
  })
})

describe('what is wrapped', () => {
  test('lists, and data with its warnings', async () => {
    const { wrap, wrapped, unwrap } = await open()
    assert.deepEqual((await unwrap((await wrapped('list', 'kv/')).token)).body.data, { keys: ['a'] })
    const { warnings, wrap_info: made } = (await wrap('write', 'auth/token/create', { policies: ['ghost'] })).body
    assert.equal(warnings, null)
    assert.deepEqual((await unwrap(made.token)).body.warnings, ['Policy "ghost" does not exist'])
  })

  test('a token, by whose accessor it can be revoked unread', async () => {
    const { world, wrapped, unwrap } = await open()
    const made = await wrapped('write', 'auth/token/create', { policies: ['default'], ttl: '1h' })
    const { auth } = (await unwrap(made.token)).body
    assert.equal(made.wrapped_accessor, auth.accessor)
    assert.equal((await world.self(auth.client_token)).ttl, 3600)
    const unread = await wrapped('write', 'auth/token/create', { policies: ['default'] })
    assert.equal((await world.call('write', 'auth/token/revoke-accessor', { accessor: unread.wrapped_accessor })).status, 204)
    const batch = await wrapped('write', 'auth/token/create', { policies: ['default'], type: 'batch' })
    assert.equal('wrapped_accessor' in batch, false)
    assert.equal((await unwrap(batch.token)).body.auth.token_type, 'batch')
  })

  test('a login, whose token lives its own life when nobody takes it', async () => {
    const { world, wrapped } = await open()
    await world.ok('write', 'sys/auth/userpass', { type: 'userpass' })
    await world.ok('write', 'auth/userpass/users/ann', { password: 'correct horse', token_ttl: '1h' })
    const info = await wrapped('write', 'auth/userpass/login/ann', { password: 'correct horse' }, { token: '' })
    assert.equal(info.creation_path, 'auth/userpass/login/ann')
    world.clock.advance(61_000)
    await world.kernel.sweep()
    assert.equal((await world.ok('write', 'auth/token/lookup-accessor', { accessor: info.wrapped_accessor })).data.ttl, 3539)
  })

  test('a secret ID of AppRole, with its accessor', async () => {
    const { world, wrapped, unwrap } = await open()
    await world.ok('write', 'sys/auth/approle', { type: 'approle' })
    await world.ok('write', 'auth/approle/role/web')
    const info = await wrapped('write', 'auth/approle/role/web/secret-id')
    const { data } = (await unwrap(info.token)).body
    assert.equal(info.wrapped_accessor, data.secret_id_accessor)
    const { role_id } = (await world.ok('read', 'auth/approle/role/web/role-id')).data
    assert.equal((await world.call('write', 'auth/approle/login', { role_id, secret_id: data.secret_id })).status, 200)
  })

  test('numbers without loss', async () => {
    const { world, wrapped, unwrap } = await open()
    const { token } = await wrapped('write', 'sys/wrapping/wrap', { n: 1 })
    const { answer } = await unwrap(token)
    assert.match(answer.body.toString(), /"data":\{"n":1\}/)
    const body = Buffer.from('{"long":10000000000000000999,"exact":2.50}')
    const big = await wrapped('write', 'sys/wrapping/wrap', {}, { body })
    assert.match((await unwrap(big.token)).answer.body.toString(), /"data":\{"long":10000000000000000999,"exact":2\.50\}/)
    await world.close()
  })

  test('what is larger than a request may be nested or long', async () => {
    const { world, wrapped, unwrap } = await open()
    const long = Object.fromEntries(Array.from({ length: 9_000 }, (_, n) => [`key-${n}`, n]))
    await world.ok('write', 'kv/long', long)
    await world.ok('write', 'kv/text', { text: 'x'.repeat(400_000) })
    assert.deepEqual((await unwrap((await wrapped('read', 'kv/long')).token)).body.data, long)
    assert.equal((await unwrap((await wrapped('read', 'kv/text')).token)).body.data.text.length, 400_000)
  })

  test('nothing that is too large to be kept, and no token for it', async () => {
    const { world, wrap } = await open()
    await world.ok('write', 'kv/quotes', { text: '"'.repeat(400_000) })
    const before = await tokensOf(world)
    const { status, body } = await wrap('read', 'kv/quotes')
    assert.deepEqual([status, body.errors], [413, ['a value must be at most 1048576 bytes']])
    assert.equal(await tokensOf(world), before)
  })

  test('what is no success, with its status', async () => {
    const { world, wrapped, unwrap } = await open()
    await world.ok('write', 'sys/mounts/kv2', { type: 'kv', options: { version: '2' } })
    await world.ok('write', 'kv2/data/a', { data: { x: 1 } })
    await world.ok('delete', 'kv2/data/a')
    const bare = await world.call('read', 'kv2/data/a', {}, { id: 'same' })
    const { token } = await wrapped('read', 'kv2/data/a', {}, { id: 'same' })
    const { status, body } = await unwrap(token)
    assert.deepEqual([status, body], [404, bare.body])
  })

  test('bytes that are no JSON', async () => {
    const { world, wrapped, unwrap } = await open()
    const { token } = await wrapped('read', 'sys/metrics', { format: 'prometheus' })
    const { status, answer } = await unwrap(token)
    const bare = await world.call('read', 'sys/metrics', { format: 'prometheus' })
    assert.deepEqual([status, answer.headers], [200, bare.answer.headers])
    assert.match(answer.body.toString(), /^# HELP/)
  })

  test('data that looks like such bytes stays data', async () => {
    const { wrapped, unwrap } = await open()
    const data = { http_content_type: 'text/html', http_raw_body: 'PHNjcmlwdD4=', http_status_code: 201 }
    const { token } = await wrapped('write', 'sys/wrapping/wrap', data)
    const { status, answer, body } = await unwrap(token)
    assert.deepEqual([status, answer.headers, body.data], [200, {}, data])
  })

  test('an answer that was just taken', async () => {
    const { world, wrapped, unwrap } = await open()
    const first = await wrapped('read', 'kv/a', {}, { id: 'same' })
    const second = await wrapped('write', 'sys/wrapping/unwrap', { token: first.token })
    assert.equal(second.creation_path, 'sys/wrapping/unwrap')
    assert.deepEqual((await unwrap(second.token)).body, await world.ok('read', 'kv/a', {}, { id: 'same' }))
  })

  const BARE: readonly (readonly [verb: Verb, path: string, data: Data, status: number, more?: Data])[] = [
    ['write', 'kv/b', { x: 1 }, 204],
    ['delete', 'kv/b', {}, 204],
    ['read', 'kv/missing', {}, 404],
    ['list', 'kv/none', {}, 404],
    ['read', 'nowhere/a', {}, 404],
    ['read', 'kv/a', {}, 403, { token: 'nobody' }],
    ['write', 'auth/token/create', { ttl: 'x' }, 400],
    ['help', 'kv/', {}, 200],
    ['read', 'sys/health', {}, 200],
  ]

  test('nothing empty, no refusal, no help, no health', async () => {
    const { world, wrap } = await open()
    const before = await tokensOf(world)
    for (const [verb, path, data, status, more] of BARE) {
      const said = await wrap(verb, path, data, more)
      assert.deepEqual([said.status, said.body?.wrap_info ?? null], [status, null], `${verb} ${path}`)
    }
    assert.equal(await tokensOf(world), before)
  })

  test('at least and at most as long as the policy says', async () => {
    const { world, wrap } = await open()
    const policy = 'path "kv/*" { capabilities = ["read"] min_wrapping_ttl = "10s" max_wrapping_ttl = "60s" }'
    await world.ok('write', 'sys/policies/acl/w', { policy })
    const { client_token: token } = await world.make({ policies: ['w'] })
    const statuses = []
    for (const wrapTtl of [undefined, 9, 10, 60, 61]) statuses.push((await wrap('read', 'kv/a', {}, { token, wrapTtl })).status)
    assert.deepEqual(statuses, [403, 403, 200, 200, 403])
  })

  test('with the last use of a token', async () => {
    const { world, wrapped, unwrap } = await open()
    const { client_token: token } = await world.make({ policies: ['default'], num_uses: 1 })
    const info = await wrapped('read', 'auth/token/lookup-self', {}, { token })
    assert.equal((await unwrap(info.token)).body.data.path, 'auth/token/create')
    assert.equal(await world.self(token), undefined)
  })
})

describe('sys/wrapping', () => {
  test('wrap answers what it was given, wrapped, and only so', async () => {
    const { world, wrapped, unwrap } = await open()
    for (const data of [{ a: 1, b: { c: ['x'] } }, {}]) {
      const { token, creation_path } = await wrapped('write', 'sys/wrapping/wrap', data)
      assert.equal(creation_path, 'sys/wrapping/wrap')
      assert.deepEqual((await unwrap(token)).body.data, data)
    }
    assert.deepEqual(await world.refused('sys/wrapping/wrap', { a: 1 }), [400, 'endpoint requires response wrapping to be used'])
    assert.equal((await world.call('read', 'sys/wrapping/wrap')).status, 405)
  })

  test('lookup needs nothing but the wrapping token, and counts no use', async () => {
    const { world, wrapped, isLive } = await open()
    const { token } = await wrapped()
    const told = { creation_path: 'kv/a', creation_time: '2030-01-02T03:04:05.678Z', creation_ttl: 60 }
    for (const verb of ['read', 'write'] as const) {
      for (const [caller, data] of [
        ['', { token }],
        ['nobody', { token }],
        [token, {}],
      ] as const) {
        assert.deepEqual((await world.ok(verb, 'sys/wrapping/lookup', data, { token: caller })).data, told)
      }
    }
    assert.equal(await isLive(token), true)
  })

  test('rewrap passes on what was wrapped, for as long or shorter, and ends the old token', async () => {
    const { world, wrapped, unwrap, isLive } = await open()
    const first = await wrapped('read', 'kv/a', {}, { id: 'same' })
    world.clock.advance(30_000)
    const rewrap = async (token: string, wrapTtl?: number) => (await world.ok('write', 'sys/wrapping/rewrap', { token }, { wrapTtl })).wrap_info
    const second = await rewrap(first.token)
    assert.deepEqual([second.ttl, second.creation_path, second.creation_time], [60, 'kv/a', '2030-01-02T03:04:35.678Z'])
    assert.equal(await isLive(first.token), false)
    const third = await rewrap(second.token, 20)
    assert.equal(third.ttl, 20)
    const fourth = await rewrap(third.token, 200)
    assert.deepEqual([fourth.ttl, fourth.creation_path], [20, 'kv/a'])
    assert.equal((await world.ok('write', 'sys/wrapping/lookup', { token: fourth.token })).data.creation_path, 'kv/a')
    assert.equal((await world.ok('write', 'auth/token/lookup', { token: fourth.token })).data.path, 'sys/wrapping/rewrap')
    assert.deepEqual((await unwrap(fourth.token)).body, await world.ok('read', 'kv/a', {}, { id: 'same' }))
  })

  test('unwrap and rewrap need a token that may, besides the one in the body, and spare it otherwise', async () => {
    const { world, wrapped, isLive } = await open()
    const { client_token: poor } = await world.make({ policies: ['nothing'], no_default_policy: true })
    for (const path of ['unwrap', 'rewrap']) {
      const { token } = await wrapped()
      for (const caller of ['', 'nobody', poor]) {
        assert.equal((await world.call('write', `sys/wrapping/${path}`, { token }, { token: caller })).status, 403)
      }
      assert.equal(await isLive(token), true)
    }
    const { client_token: usual } = await world.make({ policies: ['default'] })
    const { token } = await wrapped()
    assert.equal((await world.call('write', 'sys/wrapping/unwrap', { token }, { token: usual })).status, 200)
  })

  const REFUSED: readonly (readonly [caller: string, data: Data, refusal: readonly unknown[]])[] = [
    ['', {}, [403, 'error validating wrapping token: token is empty']],
    ['root', {}, NOT_WRAPPING],
    ['root', { token: null }, NOT_WRAPPING],
    ['root', { token: '' }, [403, 'error validating wrapping token: empty token in request body']],
    ['root', { token: 1 }, [403, 'error validating wrapping token: could not decode token in request body']],
    ['root', { token: [] }, [403, 'error validating wrapping token: could not decode token in request body']],
    ['root', { token: 'nobody' }, NOT_WRAPPING],
    ['root', { token: 'hvb.AAAA' }, NOT_WRAPPING],
    ['', { token: 'nobody' }, NOT_WRAPPING],
    ['nobody', {}, NOT_WRAPPING],
  ]

  test('refuses what is no wrapping token before it asks who calls', async () => {
    const { world } = await open()
    for (const [caller, data, refusal] of REFUSED) {
      for (const path of ['lookup', 'unwrap', 'rewrap']) {
        const token = caller === 'root' ? world.rootToken : caller
        assert.deepEqual(await world.refused(`sys/wrapping/${path}`, data, token), refusal, `${path} ${caller} ${JSON.stringify(data)}`)
      }
    }
    assert.deepEqual(await world.refused('sys/wrapping/unwrap', { token: world.rootToken }), NOT_WRAPPING)
  })
})

describe('a namespace', () => {
  async function inTeam() {
    const opened = await open()
    const { world } = opened
    for (const name of ['team', 'other']) await world.ok('write', `sys/namespaces/${name}`)
    const make = async (namespace: string) =>
      (await world.ok('write', 'auth/token/create', { policies: ['default'] }, { namespace })).auth.client_token as string
    const wrap = async () => (await world.ok('write', 'sys/wrapping/wrap', { a: 1 }, { namespace: 'team', wrapTtl: 60 })).wrap_info.token as string
    return { ...opened, make, wrap }
  }

  test('is that of its tokens, wherever they ask for what they hold', async () => {
    const { world, wrap } = await inTeam()
    for (const namespace of ['', 'team', 'other']) {
      const token = await wrap()
      assert.match(token, /^hvs\.\w{24}\.\w{6}$/)
      assert.equal((await world.ok('read', 'sys/wrapping/lookup', {}, { token, namespace })).data.creation_path, 'sys/wrapping/wrap')
      assert.deepEqual((await world.ok('write', 'sys/wrapping/unwrap', {}, { token, namespace })).data, { a: 1 })
    }
  })

  test('keeps what is wrapped in it from those who come from beside it', async () => {
    const { world, make, wrap } = await inTeam()
    const token = await wrap()
    const beside = { token: await make('other'), namespace: 'other' }
    assert.equal((await world.call('write', 'sys/wrapping/unwrap', { token }, beside)).status, 400)
    const above = { token: await make(''), namespace: 'team' }
    assert.deepEqual((await world.ok('write', 'sys/wrapping/unwrap', { token }, above)).data, { a: 1 })
  })

  test('is where a token sees, renews and revokes itself', async () => {
    const { world, make } = await inTeam()
    const token = await make('team')
    for (const namespace of ['', 'team', 'other']) {
      assert.equal((await world.ok('read', 'auth/token/lookup-self', {}, { token, namespace })).data.namespace_path, 'team/')
      assert.equal((await world.ok('write', 'auth/token/renew-self', {}, { token, namespace })).auth.client_token, token)
    }
    assert.equal((await world.call('read', 'auth/token/lookup', {}, { token })).status, 403)
    await world.ok('write', 'auth/token/revoke-self', {}, { token, namespace: 'other' })
    assert.equal((await world.call('read', 'auth/token/lookup-self', {}, { token, namespace: 'team' })).status, 403)
  })
})

describe('the audit records', () => {
  async function audited() {
    const opened = await open()
    await opened.world.ok('write', 'sys/audit/file', { type: 'file', options: { file_path: '/log' } })
    const hash = async (input: string) => (await opened.world.ok('write', 'sys/audit-hash/file', { input })).hash
    const responses = (id: string) => opened.world.audit('/log').filter(({ type, request }) => type === 'response' && request.id === id)
    return { ...opened, hash, responses }
  }

  test('tell of a wrapped answer by what holds it', async () => {
    const { wrapped, hash, responses } = await audited()
    const info = await wrapped('write', 'auth/token/create', { policies: ['default'] }, { id: 'it' })
    const [record] = responses('it')
    assert.equal(record.request.wrap_ttl, 60)
    assert.deepEqual(record.response.wrap_info, {
      ttl: 60,
      token: await hash(info.token),
      accessor: await hash(info.accessor),
      creation_time: '2030-01-02T03:04:05.678Z',
      creation_path: 'auth/token/create',
      wrapped_accessor: await hash(info.wrapped_accessor),
    })
    assert.deepEqual([record.response.auth, record.response.data], [undefined, undefined])
  })

  test('tell what was taken as they would have told it bare', async () => {
    const { world, wrapped, hash, responses } = await audited()
    const { token } = await wrapped()
    await world.ok('write', 'sys/wrapping/unwrap', { token }, { id: 'it' })
    const [record] = responses('it')
    assert.deepEqual(record.request.data, { token: await hash(token) })
    assert.deepEqual(record.response.data, { n: 1, secret: await hash('x') })
    const login = await wrapped('write', 'auth/token/create', { policies: ['default'] })
    const { auth } = await world.ok('write', 'sys/wrapping/unwrap', {}, { token: login.token, id: 'that' })
    const [taken] = responses('that')
    assert.equal(taken.response.auth.client_token, await hash(auth.client_token))
    assert.equal(taken.auth.client_token, await hash(login.token))
    assert.deepEqual(taken.auth.policies, ['response-wrapping'])
    assert.equal(JSON.stringify(world.audit('/log')).includes(auth.client_token), false)
  })

  test('tell of a refusal, without the token', async () => {
    const { world, responses } = await audited()
    await world.call('write', 'sys/wrapping/unwrap', { token: 'a-secret-guess' }, { id: 'it' })
    const [record] = responses('it')
    assert.equal(record.error, 'wrapping token is not valid or does not exist')
    assert.equal(JSON.stringify(record).includes('a-secret-guess'), false)
  })

  test('come first: what can not be recorded is not given out, and no token of it lives on', async () => {
    const { world, wrap } = await audited()
    const before = await tokensOf(world)
    for (const passing of [0, 1]) {
      for (const [verb, path] of [
        ['read', 'kv/a'],
        ['write', 'auth/token/create'],
      ] as const) {
        world.breakAudit(new Error('disk full'), passing)
        assert.equal((await wrap(verb, path)).status, 500)
      }
    }
    world.breakAudit(undefined)
    assert.equal(await tokensOf(world), before)
  })
})

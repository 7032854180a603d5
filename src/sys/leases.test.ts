// sys/leases and sys/quotas/lease-count as a client meets them: status, texts and shapes as OpenBao answers.
import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { type Accounts, openAccounts } from '../testing/accounts.ts'
import { lending } from '../testing/lender.ts'
import { openWorld, type World } from '../testing/world.ts'

interface LendWorld extends World {
  readonly accounts: Accounts
  borrow(role?: string, token?: string): Promise<string>
}

async function opened(t: TestContext): Promise<LendWorld> {
  const accounts = openAccounts()
  const world = await openWorld({ modules: lending(accounts) })
  t.after(() => world.close())
  await world.ok('write', 'sys/mounts/db', { type: 'lender' })
  for (const role of ['r', 's']) await world.ok('write', `db/role/${role}`, { ttl: '10m', max_ttl: '1h' })
  await world.ok('write', 'db/role/fixed', { ttl: '10m', renewable: false })
  const borrow = async (role = 'r', token = world.rootToken): Promise<string> => {
    const { lease_id: id } = await world.ok('read', `db/creds/${role}`, {}, { token })
    return id as string
  }
  return { ...world, accounts, borrow }
}

const LEASE_IN_ANSWER = /^db\/creds\/r\/[0-9A-Za-z]{24}$/

test('what is lent comes with its lease, and the record of the answer names it', async (t) => {
  const world = await opened(t)
  await world.ok('write', 'sys/audit/file', { type: 'file', options: { file_path: '/audit' } })
  const body = await world.ok('read', 'db/creds/r')
  assert.match(body.lease_id, LEASE_IN_ANSWER)
  assert.equal(body.renewable, true)
  assert.equal(body.lease_duration, 600)
  assert.deepEqual(Object.keys(body.data), ['name', 'password'])
  assert.deepEqual(world.audit('/audit').at(-1).response.secret, { lease_id: body.lease_id })
})

test('lookup tells times in full and seconds that are left', async (t) => {
  const world = await opened(t)
  const id = await world.borrow()
  world.clock.advance(30_400)
  const expected = {
    id,
    path: 'db/creds/r',
    issue_time: '2030-01-02T03:04:05.678Z',
    expire_time: '2030-01-02T03:14:05.678Z',
    last_renewal: null,
    renewable: true,
    ttl: 570,
  }
  assert.deepEqual((await world.ok('write', 'sys/leases/lookup', { lease_id: id })).data, expected)
  await world.ok('write', 'sys/leases/renew', { lease_id: id })
  const renewed = (await world.ok('write', 'sys/leases/lookup', { lease_id: id })).data
  assert.equal(renewed.last_renewal, '2030-01-02T03:04:36.078Z')
  assert.equal(renewed.ttl, 600)
})

test('renewing answers with the lease and nothing else', async (t) => {
  const world = await opened(t)
  const id = await world.borrow()
  for (const [path, body] of [
    ['sys/leases/renew', { lease_id: id, increment: 1800 }],
    [`sys/leases/renew/${id}`, { increment: '30m' }],
  ] as const) {
    const answer = await world.ok('write', path, body)
    assert.deepEqual(
      { ...answer, request_id: '' },
      {
        request_id: '',
        lease_id: id,
        renewable: true,
        lease_duration: 1800,
        data: null,
        wrap_info: null,
        warnings: null,
        auth: null,
        mount_type: 'system',
      },
    )
  }
  const capped = await world.ok('write', 'sys/leases/renew', { lease_id: id, increment: '30h' })
  assert.equal(capped.lease_duration, 3600)
  assert.deepEqual(capped.warnings, ['TTL of "30h" exceeded the effective max_ttl of "1h"; TTL value is capped accordingly'])
  world.clock.advance(3_600_000)
  assert.deepEqual((await world.call('write', 'sys/leases/renew', { lease_id: id })).body, { errors: ['lease expired'] })
})

test('what is refused, and how', async (t) => {
  const world = await opened(t)
  const fixed = await world.borrow('fixed')
  const cases: readonly (readonly [verb: 'write' | 'read' | 'list', path: string, body: object, status: number, error: string | undefined])[] = [
    ['write', 'sys/leases/lookup', {}, 400, 'lease_id must be specified'],
    ['write', 'sys/leases/lookup', { lease_id: 'none' }, 400, 'invalid lease'],
    ['write', 'sys/leases/lookup', { lease_id: `${fixed}/` }, 400, 'invalid lease'],
    ['write', 'sys/leases/lookup', { lease_id: `/${fixed}` }, 400, 'invalid lease'],
    ['write', 'sys/leases/lookup', { lease_id: `${fixed}.a1B2c3` }, 400, 'invalid lease'],
    ['read', 'sys/leases/lookup', {}, 405, '1 error occurred:\n\t* unsupported operation\n\n'],
    ['write', 'sys/leases/renew', {}, 400, 'lease_id must be specified'],
    ['write', 'sys/leases/renew', { lease_id: 'none' }, 400, 'lease not found'],
    ['write', 'sys/leases/renew', { lease_id: `${fixed}.a1B2c3` }, 400, 'lease not found'],
    ['write', 'sys/leases/renew', { lease_id: fixed }, 400, 'lease is not renewable'],
    ['write', `sys/leases/renew/${fixed}`, {}, 400, 'lease is not renewable'],
    [
      'write',
      'sys/leases/renew',
      { lease_id: fixed, increment: 'x' },
      400,
      'Field validation failed: error converting input for field "increment": time: invalid duration "x"',
    ],
    [
      'write',
      'sys/leases/renew',
      { lease_id: fixed, increment: -5 },
      400,
      'Field validation failed: error converting input for field "increment": cannot provide negative value \'-5\'',
    ],
    ['write', 'sys/leases/revoke', {}, 400, 'lease_id must be specified'],
    ['write', 'sys/leases/revoke', { lease_id: 'none' }, 204, undefined],
    ['write', 'sys/leases/revoke', { lease_id: 'none', sync: false }, 202, undefined],
    ['write', 'sys/leases/revoke-prefix/none', {}, 204, undefined],
    ['write', 'sys/leases/revoke-prefix/none', { sync: false }, 202, undefined],
    ['write', 'sys/leases/revoke-force/none', {}, 204, undefined],
    ['list', 'sys/leases/lookup/none', {}, 404, undefined],
    ['list', 'sys/leases/lookup', { limit: 0 }, 400, 'limit must be a positive number'],
    ['read', 'sys/leases', {}, 404, undefined],
    ['read', 'sys/leases', { type: 'all' }, 404, undefined],
    ['read', 'sys/leases/count', {}, 404, undefined],
    ['read', 'sys/leases', { type: 'irrevocable', limit: '0' }, 400, "limit must be 'none' or a positive integer"],
    ['read', 'sys/leases', { type: 'irrevocable', limit: 'x' }, 400, `invalid 'limit' provided: strconv.Atoi: parsing "x": invalid syntax`],
    ['write', 'sys/renew', { lease_id: fixed }, 404, '1 error occurred:\n\t* unsupported path\n\n'],
    ['write', `sys/revoke/${fixed}`, {}, 404, '1 error occurred:\n\t* unsupported path\n\n'],
    ['write', 'sys/revoke-prefix/db', {}, 404, '1 error occurred:\n\t* unsupported path\n\n'],
  ]
  for (const [verb, path, body, status, error] of cases) {
    const said = await world.call(verb, path, { ...body })
    assert.equal(said.status, status, `${verb} ${path} ${JSON.stringify(body)}: ${JSON.stringify(said.body)}`)
    assert.deepEqual(said.body, error === undefined ? (status === 404 ? { errors: [] } : undefined) : { errors: [error] })
  }
  assert.equal(world.accounts.names.size, 1)
})

test('lists show folders and leases, tokens among them, page by page where asked', async (t) => {
  const world = await opened(t)
  const ids = [await world.borrow('r'), await world.borrow('r'), await world.borrow('s')]
  const { auth } = await world.ok('write', 'auth/token/create', { ttl: '1h' })
  const list = async (path: string, page = {}) => (await world.ok('list', path, page)).data.keys
  assert.deepEqual(await list('sys/leases/lookup'), ['auth/', 'db/'])
  assert.deepEqual(await list('sys/leases/lookup/db/creds'), ['r/', 's/'])
  const names = ids
    .slice(0, 2)
    .map((id) => id.split('/').at(-1) as string)
    .sort()
  assert.deepEqual(await list('sys/leases/lookup/db/creds/r'), names)
  assert.deepEqual(await list('sys/leases/lookup/db/creds/r', { limit: 1 }), names.slice(0, 1))
  assert.deepEqual(await list('sys/leases/lookup/db/creds/r', { limit: 1, after: names[0] }), names.slice(1))
  assert.deepEqual(await list('sys/leases/lookup', { after: 'auth/' }), ['db/'])
  const [token = ''] = await list('sys/leases/lookup/auth/token/create')
  assert.match(token, /^h[0-9a-f]{64}$/)
  assert.ok(!JSON.stringify(await list('sys/leases/lookup/auth/token/create')).includes(auth.client_token))
})

test('a token’s lease can be looked up and revoked, not renewed', async (t) => {
  const world = await opened(t)
  await world.ok('write', 'sys/auth/up', { type: 'userpass' })
  await world.ok('write', 'auth/up/users/ann', { password: 'pw', token_ttl: '1h', token_policies: 'default' })
  const { auth } = await world.ok('write', 'auth/up/login/ann', { password: 'pw' }, { token: '' })
  const { data } = await world.ok('list', 'sys/leases/lookup/auth/up/login/ann')
  const id = `auth/up/login/ann/${data.keys[0]}`
  assert.deepEqual((await world.ok('write', 'sys/leases/lookup', { lease_id: id })).data, {
    id,
    path: 'auth/up/login/ann',
    issue_time: '2030-01-02T03:04:05.678Z',
    expire_time: '2030-01-02T04:04:05.678Z',
    last_renewal: null,
    renewable: true,
    ttl: 3600,
  })
  const wrong = id.replace('login/ann', 'login/bob')
  assert.equal((await world.call('write', 'sys/leases/lookup', { lease_id: wrong })).status, 400)
  assert.deepEqual((await world.call('write', 'sys/leases/renew', { lease_id: id })).body, {
    errors: ['tokens cannot be renewed through this endpoint'],
  })
  await world.ok('write', 'sys/leases/revoke', { lease_id: wrong })
  await world.ok('read', 'auth/token/lookup-self', {}, { token: auth.client_token })
  await world.ok('write', 'sys/leases/revoke', { lease_id: id })
  assert.equal((await world.call('read', 'auth/token/lookup-self', {}, { token: auth.client_token })).status, 403)
  assert.equal((await world.call('list', 'sys/leases/lookup/auth/up')).status, 404)
})

test('the root token that a server starts with is no lease', async (t) => {
  const world = await opened(t)
  assert.equal((await world.call('list', 'sys/leases/lookup/auth')).status, 404)
})

test('revoking takes back at once, or is done later', async (t) => {
  const world = await opened(t)
  const [now, later] = [await world.borrow(), await world.borrow()]
  assert.equal((await world.call('write', 'sys/leases/revoke', { lease_id: now })).status, 204)
  assert.equal(world.accounts.names.size, 1)
  assert.equal((await world.call('write', `sys/leases/revoke/${later}`, { sync: false })).status, 202)
  assert.equal(world.accounts.names.size, 1)
  assert.equal((await world.ok('write', 'sys/leases/lookup', { lease_id: later })).data.ttl, 0)
  await world.kernel.expire()
  assert.equal(world.accounts.names.size, 0)
  assert.equal((await world.call('write', 'sys/leases/lookup', { lease_id: later })).status, 400)
})

test('where taking back fails the answer says so, the lease has ended, and it is tried again', async (t) => {
  const world = await opened(t)
  const id = await world.borrow()
  world.accounts.fault = 'refuses'
  const said = await world.call('write', 'sys/leases/revoke', { lease_id: id })
  assert.deepEqual([said.status, said.body], [400, { errors: ['failed to revoke entry: the target refuses'] }])
  assert.deepEqual((await world.call('write', 'sys/leases/renew', { lease_id: id })).body, { errors: ['lease expired'] })
  const prefix = await world.call('write', 'sys/leases/revoke-prefix/db')
  assert.deepEqual(prefix.body, { errors: [`failed to revoke "${id}" (1 / 1): failed to revoke entry: the target refuses`] })
  world.accounts.fault = 'none'
  world.clock.advance(60_000)
  await world.kernel.expire()
  assert.equal(world.accounts.names.size, 0)
})

test('a prefix is whole segments, or one id', async (t) => {
  const world = await opened(t)
  await world.ok('write', 'db/role/rr', { ttl: '10m' })
  const one = await world.borrow('r')
  for (const role of ['r', 'rr', 's']) await world.borrow(role)
  await world.ok('write', `sys/leases/revoke-prefix/${one}`)
  assert.equal(world.accounts.names.size, 3)
  await world.ok('write', 'sys/leases/revoke-prefix/db/creds/r')
  assert.equal(world.accounts.names.size, 2)
  assert.equal((await world.call('write', 'sys/leases/revoke-prefix/db', { sync: false })).status, 202)
  assert.equal(world.accounts.names.size, 2)
  await world.kernel.expire()
  assert.equal(world.accounts.names.size, 0)
})

test('a prefix of logins revokes their tokens, and all they hold', async (t) => {
  const world = await opened(t)
  const policy = 'path "db/*" { capabilities = ["read"] }'
  await world.ok('write', 'sys/policies/acl/db', { policy })
  const tokens: string[] = []
  for (let n = 0; n < 3; n++) tokens.push((await world.ok('write', 'auth/token/create', { policies: ['db'], ttl: '1h' })).auth.client_token)
  for (const token of tokens) await world.borrow('r', token)
  await world.ok('write', 'sys/leases/revoke-prefix/auth/token/create')
  for (const token of tokens) assert.equal((await world.call('read', 'db/creds/r', {}, { token })).status, 403)
  await world.kernel.expire()
  assert.equal(world.accounts.names.size, 0)
})

test('force forgets without asking, and what was lent stays where it is', async (t) => {
  const world = await opened(t)
  await world.borrow()
  world.accounts.fault = 'away'
  const before = world.accounts.asked.length
  assert.equal((await world.call('write', 'sys/leases/revoke-force/db')).status, 204)
  assert.equal((await world.call('list', 'sys/leases/lookup')).status, 404)
  await world.kernel.expire()
  assert.equal(world.accounts.asked.length, before)
  assert.equal(world.accounts.names.size, 1)
})

test('irrevocable leases are listed and counted, and say why', async (t) => {
  const world = await opened(t)
  const ids = [await world.borrow(), await world.borrow('s')]
  world.accounts.fault = 'refuses'
  for (let n = 0; n < 12; n++) {
    world.clock.advance(600_000)
    await world.kernel.expire()
  }
  const { accessor } = (await world.ok('read', 'sys/mounts/db')).data
  const { data } = await world.ok('read', 'sys/leases', { type: 'irrevocable' })
  assert.equal(data.lease_count, 2)
  assert.deepEqual(
    data.leases,
    ids.sort().map((id) => ({ lease_id: id, mount_id: accessor, error: 'the target refuses' })),
  )
  const some = await world.ok('read', 'sys/leases', { type: 'IRREVOCABLE', limit: '1' })
  assert.equal(some.data.leases.length, 1)
  assert.equal(some.warnings.length, 1)
  assert.equal((await world.ok('read', 'sys/leases', { type: 'irrevocable', limit: 'none' })).data.leases.length, 2)
  assert.deepEqual((await world.ok('read', 'sys/leases/count', { type: 'irrevocable' })).data, { lease_count: 2, counts: { [accessor]: 2 } })
  const looked = (await world.ok('write', 'sys/leases/lookup', { lease_id: ids[0] as string })).data
  assert.equal(looked.revoke_error, 'the target refuses')
  assert.equal(looked.renewable, false)
  await world.kernel.sweep()
  const metrics = await world.ok('read', 'sys/metrics', { format: 'prometheus' })
  assert.match(metrics, /^vault_expire_num_leases 2$/m)
  assert.match(metrics, /^vault_expire_num_irrevocable_leases 2$/m)
})

test('tidying is told to have begun', async (t) => {
  const world = await opened(t)
  const { status, body } = await world.call('write', 'sys/leases/tidy')
  assert.equal(status, 202)
  assert.match(body.warnings[0], /^Tidy operation successfully started/)
})

test('a mount that is disabled gives back first; what it can’t is visible until it is forgotten or taken back', async (t) => {
  const world = await opened(t)
  await world.borrow()
  assert.equal((await world.call('delete', 'sys/mounts/db')).status, 204)
  assert.equal(world.accounts.names.size, 0)
  await world.ok('write', 'sys/mounts/db', { type: 'lender' })
  await world.ok('write', 'db/role/r', { ttl: '10m' })
  const id = await world.borrow()
  world.accounts.fault = 'away'
  const { status, body } = await world.call('delete', 'sys/mounts/db')
  assert.equal(status, 200)
  assert.match(body.warnings[0], /^Not everything that "db\/" lent could be taken back yet/)
  assert.equal((await world.call('read', 'db/creds/r')).status, 404)
  assert.equal((await world.ok('write', 'sys/leases/lookup', { lease_id: id })).data.ttl, 0)
  await world.ok('write', 'sys/mounts/db', { type: 'lender' })
  await world.ok('write', 'db/role/r', { ttl: '10m' })
  world.accounts.fault = 'none'
  const kept = await world.borrow()
  world.clock.advance(60_000)
  await world.kernel.expire()
  await world.kernel.sweep()
  assert.deepEqual((await world.ok('list', 'sys/leases/lookup/db/creds/r')).data.keys, [kept.split('/').at(-1)])
  assert.equal(world.accounts.names.size, 1)
})

test('a login method that is disabled takes the leases of its tokens along', async (t) => {
  const world = await opened(t)
  await world.ok('write', 'sys/policies/acl/db', { policy: 'path "db/*" { capabilities = ["read"] }' })
  await world.ok('write', 'sys/auth/up', { type: 'userpass' })
  await world.ok('write', 'auth/up/users/ann', { password: 'pw', token_policies: 'db' })
  const { auth } = await world.ok('write', 'auth/up/login/ann', { password: 'pw' }, { token: '' })
  await world.borrow('r', auth.client_token)
  assert.equal((await world.call('delete', 'sys/auth/up')).status, 204)
  await world.kernel.expire()
  assert.equal(world.accounts.names.size, 0)
})

test('the last use of a token gets no lease', async (t) => {
  const world = await opened(t)
  await world.ok('write', 'sys/policies/acl/db', { policy: 'path "db/*" { capabilities = ["read"] }' })
  const { auth } = await world.ok('write', 'auth/token/create', { policies: ['db'], num_uses: 2, ttl: '1h' })
  await world.borrow('r', auth.client_token)
  const said = await world.call('read', 'db/creds/r', {}, { token: auth.client_token })
  assert.equal(said.status, 400)
  assert.deepEqual(said.body, { errors: ['Secret cannot be returned; token had one use left, so leased credentials were immediately revoked.'] })
  await world.kernel.expire()
  assert.equal(world.accounts.names.size, 0)
})

test('leases of a batch token end with its parent, or with its own time', async (t) => {
  const world = await opened(t)
  await world.ok('write', 'sys/policies/acl/db', { policy: 'path "db/*" { capabilities = ["read"] }' })
  const batch = { type: 'batch', policies: ['db'] }
  const parent = (await world.ok('write', 'auth/token/create', { ttl: '1h' })).auth.client_token
  const child = (await world.ok('write', 'auth/token/create', { ...batch, ttl: '1h' }, { token: parent })).auth.client_token
  await world.borrow('r', child)
  await world.ok('write', 'auth/token/revoke', { token: parent })
  await world.kernel.expire()
  assert.equal(world.accounts.names.size, 0)
  const orphan = (await world.ok('write', 'auth/token/create-orphan', { ...batch, ttl: '5m' })).auth.client_token
  const body = await world.ok('read', 'db/creds/r', {}, { token: orphan })
  assert.equal(body.lease_duration, 300)
  world.clock.advance(60_000)
  assert.equal((await world.ok('write', 'sys/leases/renew', { lease_id: body.lease_id, increment: '1h' })).lease_duration, 240)
  world.clock.advance(240_000)
  await world.kernel.expire()
  assert.equal(world.accounts.names.size, 0)
})

test('what is lent can be wrapped', async (t) => {
  const world = await opened(t)
  const { wrap_info: info } = await world.ok('read', 'db/creds/r', {}, { wrapTtl: 60 })
  const answer = await world.ok('write', 'sys/wrapping/unwrap', { token: info.token })
  assert.match(answer.lease_id, LEASE_IN_ANSWER)
  assert.equal(answer.lease_duration, 600)
  await world.ok('write', 'sys/leases/revoke', { lease_id: answer.lease_id })
  assert.equal(world.accounts.names.size, 0)
})

test('what no audit device could record is taken back, since nobody will know of it', async (t) => {
  const world = await opened(t)
  await world.ok('write', 'sys/audit/file', { type: 'file', options: { file_path: '/audit' } })
  const add = world.accounts.add
  world.accounts.add = async (...given) => {
    await add(...given)
    world.breakAudit(new Error('disk full'))
  }
  assert.equal((await world.call('read', 'db/creds/r')).status, 500)
  world.breakAudit(undefined)
  assert.equal(world.accounts.names.size, 1)
  await world.kernel.expire()
  assert.equal(world.accounts.names.size, 0)
})

test('quotas: shapes and refusals', async (t) => {
  const world = await opened(t)
  assert.deepEqual((await world.ok('list', 'sys/quotas/lease-count')).data.keys, ['default'])
  assert.deepEqual((await world.ok('read', 'sys/quotas/lease-count/default')).data, {
    name: 'default',
    type: 'lease-count',
    path: '',
    role: '',
    max_leases: 1_000_000,
    counter: 0,
    inheritable: true,
  })
  await world.ok('write', 'sys/quotas/lease-count/few', { path: 'db', max_leases: 1 })
  await world.borrow()
  const said = await world.call('read', 'db/creds/r')
  assert.equal(said.status, 429)
  assert.deepEqual(said.body, { errors: ['1 error occurred:\n\t* request path "db/creds/r": lease count quota exceeded\n\n'] })
  assert.deepEqual((await world.ok('read', 'sys/quotas/lease-count/few')).data, {
    name: 'few',
    type: 'lease-count',
    path: 'db/',
    role: '',
    max_leases: 1,
    counter: 1,
    inheritable: false,
  })
  for (const [body, error] of [
    [{ max_leases: 0 }, "'max_leases' is invalid"],
    [{}, "'max_leases' is invalid"],
    [{ max_leases: 1, path: 'nowhere' }, 'invalid mount path "nowhere"'],
    [{ max_leases: 1, path: 'auth/token' }, 'Mount path "auth/token" is that of an auth method: tokens are not counted as leases'],
    [{ max_leases: 1, path: 'db' }, 'quota rule with similar properties exists under the name "few"'],
    [{ max_leases: 1, role: 'r' }, 'role requires the path of a mount'],
    [{ max_leases: 1, path: 'db', role: 'r', inheritable: true }, 'inheritable can only be set on quotas of a namespace'],
    [{ max_leases: 1, type: 'rate-limit' }, 'invalid quota type "rate-limit"'],
  ] as const) {
    const refused = await world.call('write', 'sys/quotas/lease-count/x', { ...body })
    assert.deepEqual([refused.status, refused.body], [400, { errors: [error] }])
  }
  const misnamed = await world.call('write', 'sys/quotas/lease-count/default', { max_leases: 1, path: 'db', role: 'r' })
  assert.equal(misnamed.status, 400)
  await world.ok('write', 'sys/quotas/lease-count/default', { max_leases: 5 })
  assert.equal((await world.ok('read', 'sys/quotas/lease-count/default')).data.max_leases, 5)
  await world.ok('delete', 'sys/quotas/lease-count/default')
  assert.equal((await world.ok('read', 'sys/quotas/lease-count/default')).data.max_leases, 1_000_000)
  assert.equal((await world.call('read', 'sys/quotas/lease-count/x')).status, 404)
  assert.equal((await world.call('delete', 'sys/quotas/lease-count/x')).status, 204)
})

test('who may: sudo for lists and prefixes, and the policy default for looking up and renewing', async (t) => {
  const world = await opened(t)
  const id = await world.borrow()
  await world.ok('write', 'sys/policies/acl/leases', { policy: 'path "sys/leases*" { capabilities = ["read", "update", "list"] }' })
  const plain = (await world.ok('write', 'auth/token/create', { policies: ['default'], ttl: '1h' })).auth.client_token
  const more = (await world.ok('write', 'auth/token/create', { policies: ['leases'], ttl: '1h' })).auth.client_token
  const status = async (token: string, verb: 'write' | 'list' | 'read', path: string, body = {}) =>
    (await world.call(verb, path, body, { token })).status
  assert.equal(await status(plain, 'write', 'sys/leases/lookup', { lease_id: id }), 200)
  assert.equal(await status(plain, 'write', 'sys/leases/renew', { lease_id: id }), 200)
  assert.equal(await status(plain, 'write', 'sys/leases/revoke', { lease_id: id }), 403)
  assert.equal(await status(more, 'list', 'sys/leases/lookup'), 403)
  assert.equal(await status(more, 'list', 'sys/leases/lookup/db'), 403)
  assert.equal(await status(more, 'write', 'sys/leases/revoke-prefix/db'), 403)
  assert.equal(await status(more, 'write', 'sys/leases/revoke-force/db'), 403)
  assert.equal(await status(more, 'read', 'sys/leases', { type: 'irrevocable' }), 403)
  assert.equal(await status(more, 'read', 'sys/leases/count', { type: 'irrevocable' }), 200)
  assert.equal(await status(more, 'write', 'sys/leases/revoke', { lease_id: id }), 204)
})

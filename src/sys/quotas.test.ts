// Rate limits as a client meets them: the endpoints' words, and who is refused when.
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { JsonObject } from '../base/json.ts'
import { openWorld, type World } from '../testing/world.ts'

const RULES = 'sys/quotas/rate-limit'

async function world(t: TestContext, rules: Record<string, JsonObject> = {}, config?: JsonObject): Promise<World> {
  const made = await openWorld()
  t.after(() => made.close())
  if (config) await made.ok('write', 'sys/quotas/config', config)
  for (const [name, rule] of Object.entries(rules)) await made.ok('write', `${RULES}/${name}`, rule)
  return made
}

/** Statuses of reads of these paths, in order. */
async function statuses({ call }: World, ...paths: string[]): Promise<number[]> {
  const seen: number[] = []
  for (const path of paths) seen.push((await call('read', path)).status)
  return seen
}

test('a rule reads back as Vault shows it', async (t) => {
  const { ok, call } = await world(t)
  assert.deepEqual((await call('list', RULES)).body, { errors: [] })
  await ok('write', `${RULES}/all`, { rate: '10.5' })
  assert.deepEqual((await ok('read', `${RULES}/all`)).data, {
    type: 'rate-limit',
    name: 'all',
    path: '',
    role: '',
    rate: 10.5,
    interval: 1,
    block_interval: 0,
    inheritable: true,
    group_by: 'ip',
  })
  await ok('write', `${RULES}/one`, { rate: 3, path: '/sys/policies/acl/a/', interval: '1m', block_interval: 30 })
  const { data } = await ok('read', `${RULES}/one`)
  assert.deepEqual([data.path, data.interval, data.block_interval, data.inheritable], ['sys/policies/acl/a', 60, 30, false])
  assert.deepEqual((await ok('list', RULES)).data.keys, ['all', 'one'])
  assert.equal((await call('delete', `${RULES}/one`)).status, 204)
  assert.equal((await call('delete', `${RULES}/one`)).status, 204)
  assert.deepEqual((await call('read', `${RULES}/one`)).body, { errors: [] })
})

test('what can not be a rule is refused in the words that clients know', async (t) => {
  const { ok, call } = await world(t, { first: { rate: 1000 } })
  await ok('write', 'sys/auth/userpass', { type: 'userpass' })
  const cases: readonly (readonly [JsonObject, string])[] = [
    [{}, "'rate' is invalid"],
    [{ rate: 0 }, "'rate' is invalid"],
    [{ rate: -1 }, "'rate' is invalid"],
    [{ rate: 'x' }, 'Field validation failed: error converting input for field "rate": cannot parse value as float'],
    [{ rate: 1, path: 'nosuch' }, 'invalid mount path "nosuch/"'],
    [{ rate: 1, path: 'sys', role: 'x' }, 'Mount path "sys/" is not a valid auth method and therefore unsuitable for use with role-based quotas'],
    [{ rate: 1, role: 'x' }, 'Mount path "" is not a valid auth method and therefore unsuitable for use with role-based quotas'],
    [{ rate: 1, path: 'auth/userpass', role: 'x' }, 'Mount path "auth/userpass/" does not support use with role-based quotas'],
    [
      { rate: 1, path: 'auth/userpass/login', role: 'x' },
      'Quotas cannot contain both a path suffix and a role. If a role is provided, path must be a valid auth mount with a concept of roles',
    ],
    [{ rate: 1 }, 'quota rule with similar properties exists under the name "first"'],
    [
      { rate: 1, path: 'sys', block_interval: -4 },
      `Field validation failed: error converting input for field "block_interval": cannot provide negative value '-4'`,
    ],
    [
      { rate: 1, path: 'sys', group_by: 'entity_then_ip' },
      'Field validation failed: error converting input for field "group_by": must be one of , ip',
    ],
  ]
  for (const [input, error] of cases) {
    const { status, body } = await call('write', `${RULES}/second`, input)
    assert.deepEqual([status, body.errors], [400, [error]], JSON.stringify(input))
  }
  for (const [verb, path, status] of [
    ['write', `${RULES}/a b`, 404],
    ['read', RULES, 405],
    ['delete', 'sys/quotas/config', 405],
    ['read', 'sys/quotas', 404],
  ] as const) {
    assert.equal((await call(verb, path, { rate: 1 })).status, status, path)
  }
  assert.deepEqual((await ok('list', RULES)).data.keys, ['first'])
})

test('a refused request has cost nothing: neither its body was read nor its token looked at', async (t) => {
  const made = await world(t, { all: { rate: 1, interval: 60 } })
  assert.deepEqual(await statuses(made, 'sys/mounts'), [200])
  const { status, body } = await made.call('write', 'sys/mounts/a', {}, { body: Buffer.from('{'), token: 'nobody' })
  assert.deepEqual([status, body], [429, { errors: ['request path "sys/mounts/a": rate limit quota exceeded'] }])
  const list = await made.call('list', 'sys/policies/acl')
  assert.deepEqual(list.body.errors, ['request path "sys/policies/acl/": rate limit quota exceeded'])
  assert.deepEqual(list.answer.headers, {})
  assert.equal((await made.call('read', 'sys/mounts', {}, { peer: { address: '10.0.0.9', port: 1 } })).status, 200, 'another client')
  made.clock.advance(60_000)
  assert.deepEqual(await statuses(made, 'sys/mounts'), [200])
})

test('of all rules that fit, the most exact counts', async (t) => {
  const made = await world(t)
  for (const at of ['a', 'b']) await made.ok('write', `sys/mounts/${at}`, { type: 'kv', options: { version: '1' } })
  const rates = { all: ['', 6], mount: ['a/', 5], glob: ['a/x*', 4], longer: ['a/x/y*', 3], path: ['a/x/y/z', 2] } as const
  for (const [name, [path, rate]] of Object.entries(rates).toReversed()) {
    await made.ok('write', `${RULES}/${name}`, { rate, interval: 60, path })
  }
  await made.ok('write', 'sys/quotas/config', { enable_rate_limit_response_headers: true, rate_limit_exempt_paths: ['sys/health'] })
  for (const [path, limit] of [
    ['a/x/y/z', '2'],
    ['a/x/y/zz', '3'],
    ['a/x', '4'],
    ['a/w', '5'],
    ['b/x', '6'],
    ['nowhere', '6'],
  ] as const) {
    const { answer } = await made.call('read', path)
    assert.equal(answer.headers['X-Ratelimit-Limit'], limit, path)
  }
  assert.equal((await made.call('list', 'a/x/y/z')).answer.headers['X-Ratelimit-Limit'], '2', 'a folder is the path without its slash')
})

test('a rule with a role counts logins of that role only, whatever else is said of the mount', async (t) => {
  const made = await world(t)
  const { ok, call } = made
  await ok('write', 'sys/auth/approle', { type: 'approle' })
  for (const role of ['web', 'job'])
    await ok('write', `auth/approle/role/${role}`, { bind_secret_id: false, token_bound_cidrs: '127.0.0.1/8', secret_id_bound_cidrs: '127.0.0.1/8' })
  const ids = await Promise.all(['web', 'job'].map(async (role) => (await ok('read', `auth/approle/role/${role}/role-id`)).data.role_id as string))
  const login = async (body: JsonObject | Buffer) =>
    (await call('write', 'auth/approle/login', Buffer.isBuffer(body) ? {} : body, { token: '', ...(Buffer.isBuffer(body) ? { body } : {}) })).status
  await ok('write', `${RULES}/web`, { rate: 1, interval: 60, path: 'auth/approle', role: 'web' })
  await ok('write', `${RULES}/mount`, { rate: 2, interval: 60, path: 'auth/approle' })
  assert.deepEqual([await login({ role_id: ids[0] as string }), await login({ role_id: ids[0] as string })], [200, 429])
  assert.deepEqual([await login({ role_id: ids[1] as string }), await login(Buffer.from('[')), await login({ role_id: 'nobody' })], [200, 400, 429])
})

test('exempt paths are let through, each with all that begins so', async (t) => {
  const made = await world(
    t,
    { all: { rate: 1, interval: 60 } },
    { rate_limit_exempt_paths: 'sys/pol', absolute_rate_limit_exempt_paths: 'sys/audit' },
  )
  assert.deepEqual(
    await statuses(made, 'sys/mounts', 'sys/mounts', 'sys/policies/acl', 'sys/audit', 'sys/health', 'sys/seal-status'),
    [200, 429, 200, 200, 200, 200],
  )
  made.clock.advance(60_000)
  await made.ok('write', 'sys/quotas/config', {})
  assert.deepEqual(await statuses(made, 'sys/policies/acl'), [429], 'writing the settings replaces them all')
})

test('settings read back, the default exemptions first', async (t) => {
  const { ok } = await world(t)
  const before = (await ok('read', 'sys/quotas/config')).data
  assert.equal(before.rate_limit_exempt_paths.length, 7)
  await ok('write', 'sys/quotas/config', { enable_rate_limit_audit_logging: true, rate_limit_exempt_paths: ['a', 'b'] })
  assert.deepEqual((await ok('read', 'sys/quotas/config')).data, {
    absolute_rate_limit_exempt_paths: [],
    enable_rate_limit_audit_logging: true,
    enable_rate_limit_response_headers: false,
    rate_limit_exempt_paths: ['a', 'b'],
  })
})

test('a blocked client is told how long', async (t) => {
  const made = await world(
    t,
    { acl: { rate: 1, interval: 10, block_interval: 60, path: 'sys/policies/acl' } },
    { enable_rate_limit_response_headers: true },
  )
  await made.call('read', 'sys/policies/acl')
  made.clock.advance(500)
  const { answer } = await made.call('read', 'sys/policies/acl')
  assert.deepEqual(answer.headers, { 'X-Ratelimit-Limit': '1', 'X-Ratelimit-Remaining': '0', 'X-Ratelimit-Reset': '10', 'Retry-After': '60' })
  made.clock.advance(30_000)
  assert.equal((await made.call('read', 'sys/policies/acl')).answer.headers['Retry-After'], '30')
})

test('refusals go on record where that was asked for', async (t) => {
  const made = await world(t, { mounts: { rate: 1, interval: 60, path: 'sys/mounts' } })
  await made.ok('write', 'sys/audit/file', { type: 'file', options: { file_path: '/log' } })
  await statuses(made, 'sys/mounts', 'sys/mounts')
  const refused = () => made.audit('/log').filter(({ error }) => String(error).includes('quota exceeded'))
  assert.deepEqual(refused(), [])
  await made.ok('write', 'sys/quotas/config', { enable_rate_limit_audit_logging: true })
  await statuses(made, 'sys/mounts')
  assert.deepEqual(
    refused().map(({ type, request, auth }) => [type, request.path, auth.accessor]),
    [
      ['request', 'sys/mounts', undefined],
      ['response', 'sys/mounts', undefined],
    ],
  )
})

test('a rule ends with its mount, and counting starts anew with each change', async (t) => {
  const made = await world(t)
  const { ok, call, kernel } = made
  await ok('write', 'sys/mounts/a', { type: 'kv' })
  await ok('write', `${RULES}/a`, { rate: 1, interval: 60, path: 'a' })
  assert.deepEqual(await statuses(made, 'a/x', 'a/x'), [404, 429])
  await ok('write', `${RULES}/a`, { rate: 1, interval: 60, path: 'a' })
  assert.deepEqual(await statuses(made, 'a/x', 'a/x'), [404, 429])
  await ok('delete', 'sys/mounts/a')
  await ok('write', 'sys/mounts/a', { type: 'kv' })
  assert.deepEqual(await statuses(made, 'a/x', 'a/x'), [404, 404], 'another mount at the same place')
  assert.equal((await call('read', `${RULES}/a`)).status, 404)
  await kernel.sweep()
  assert.equal((await call('list', RULES)).status, 404)
})

test('violations are counted by rule', async (t) => {
  const made = await world(t, { mounts: { rate: 1, interval: 60, path: 'sys/mounts' } })
  await statuses(made, 'sys/mounts', 'sys/mounts', 'sys/mounts')
  assert.match((await made.call('read', 'sys/metrics', { format: 'prometheus' })).body, /^vault_quota_rate_limit_violation\{name="mounts"\} 2$/m)
})

test('a namespace has its own limit, or that of the nearest above it that may be inherited', async (t) => {
  const made = await world(t)
  const { ok, call } = made
  for (const path of ['team', 'team/app', 'other']) {
    const [name, ...above] = path.split('/').toReversed()
    await ok('write', `sys/namespaces/${name}`, {}, { namespace: above.toReversed().join('/') })
  }
  await ok('write', 'sys/mounts/kv', { type: 'kv' }, { namespace: 'team/app' })
  await ok('write', 'sys/quotas/config', { enable_rate_limit_response_headers: true, rate_limit_exempt_paths: ['sys/health'] })
  const rules = { all: ['', 90], team: ['team/', 80], app: ['team/app', 70], kv: ['team/app/kv', 60], path: ['team/app/kv/a*', 50] } as const
  const limit = async (namespace: string, path: string) => (await call('read', path, {}, { namespace })).answer.headers['X-Ratelimit-Limit']
  const limits = () =>
    Promise.all([
      limit('', 'sys/mounts'),
      limit('other', 'kv/a'),
      limit('team', 'kv/a'),
      limit('team/app', 'sys/mounts'),
      limit('', 'team/app/kv/b'),
      limit('team', 'app/kv/a'),
    ])
  const seen: (string | undefined)[][] = []
  for (const [name, [path, rate]] of Object.entries(rules)) {
    await ok('write', `${RULES}/${name}`, { rate, interval: 3600, path })
    seen.push(await limits())
  }
  assert.deepEqual(seen, [
    ['90', '90', '90', '90', '90', '90'],
    ['90', '90', '80', '90', '90', '90'],
    ['90', '90', '80', '70', '70', '70'],
    ['90', '90', '80', '70', '60', '60'],
    ['90', '90', '80', '70', '60', '50'],
  ])
  await ok('write', `${RULES}/team`, { rate: 80, path: 'team', inheritable: true })
  await ok('delete', `${RULES}/app`)
  assert.deepEqual(await limits(), ['90', '90', '80', '80', '60', '50'])
  assert.equal((await ok('read', `${RULES}/path`)).data.path, 'team/app/kv/a*')
  assert.equal((await call('read', `${RULES}/path`, {}, { namespace: 'team' })).status, 400)
})

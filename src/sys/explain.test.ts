// Explanations as clients ask for them: of a token, of policies, of a refused request; and who may ask what.
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { JsonObject } from '../base/json.ts'
import { openWorld, type World } from '../testing/world.ts'

const TEXT = `
path "kv/data/app/*" { capabilities = ["read"] }
path "kv/data/app/secret" { capabilities = ["deny"] }
path "sys/audit" { capabilities = ["read"] }
path "kv/data/form" {
  capabilities = ["update"]
  denied_parameters = { password = [] }
}`

async function world(t: TestContext): Promise<World & { readonly ann: string; readonly accessor: string }> {
  const made = await openWorld()
  t.after(() => made.close())
  await made.ok('write', 'sys/mounts/kv', { type: 'kv', options: { version: '2' } })
  await made.ok('write', 'sys/policies/acl/app', { policy: TEXT })
  const { auth } = await made.ok('write', 'auth/token/create', { policies: ['app', 'gone'] })
  return { ...made, ann: auth.client_token, accessor: auth.accessor }
}

const SELF = 'sys/policies/explain-self'
const EXPLAIN = 'sys/policies/explain'

test('a token may ask about itself', async (t) => {
  const { ok, ann } = await world(t)
  const ask = async (question: JsonObject) => (await ok('write', SELF, question, { token: ann })).data
  assert.deepEqual(await ask({ operation: 'read', path: 'kv/data/app/db' }), {
    policies: ['app', 'default', 'gone'],
    absent_policies: ['gone'],
    allowed: true,
    operation: 'read',
    path: 'kv/data/app/db',
    needs: ['read'],
    reason: '"kv/data/app/*" grants read, by app',
    decided_by: {
      path: 'kv/data/app/*',
      capabilities: ['read'],
      because: 'no other rule matches',
      stanzas: [{ policy: 'app', line: 2, path: 'kv/data/app/*', capabilities: ['read'] }],
    },
    beaten: [],
    idle: [],
    change: null,
  })
  const denied = await ask({ operation: 'read', path: '/kv/data/app/secret' })
  assert.deepEqual([denied.allowed, denied.reason], [false, '"kv/data/app/secret" is denied, by app'])
  assert.deepEqual(denied.beaten[0].because, '"kv/data/app/secret" goes before it: it names this very path')
  assert.deepEqual(denied.change, { text: 'only without the deny on this path in app: it goes before all that grants' })
  const nothing = await ask({ operation: 'list', path: 'kv/metadata/app' })
  assert.deepEqual([nothing.path, nothing.reason], ['kv/metadata/app/', 'no rule of these policies matches the path'])
  assert.deepEqual(nothing.change.rule, 'path "kv/metadata/app/" {\n  capabilities = ["list"]\n}\n')
  const sudo = await ask({ operation: 'read', path: 'sys/audit' })
  assert.deepEqual([sudo.needs, sudo.reason], [['read', 'sudo'], '"sys/audit" does not grant sudo'])
  const parameter = await ask({ operation: 'update', path: 'kv/data/form', parameters: { password: 'hunter2' } })
  assert.equal(parameter.reason, '"kv/data/form" denies the parameter "password", or its value')
  assert.ok(!JSON.stringify(parameter).includes('hunter2'))
})

test('about others only those with sudo may ask', async (t) => {
  const { ok, call, ann, accessor } = await world(t)
  const question = { operation: 'read', path: 'kv/data/app/db' }
  await ok('write', 'sys/policies/acl/desk', { policy: 'path "sys/policies/explain" { capabilities = ["update"] }' })
  const desk = (await ok('write', 'auth/token/create', { policies: ['desk'] })).auth.client_token
  assert.equal((await call('write', EXPLAIN, { ...question, accessor }, { token: desk })).status, 403)
  for (const whose of [{ token: ann }, { accessor }, { policies: 'App, gone' }]) {
    assert.equal((await ok('write', EXPLAIN, { ...question, ...whose })).data.reason, '"kv/data/app/*" grants read, by app')
  }
  assert.equal((await ok('write', EXPLAIN, { ...question, policies: ['root'] })).data.reason, 'the policy root allows everything')
})

test('what can not be answered is refused', async (t) => {
  const { call, ann } = await world(t)
  const cases: readonly (readonly [JsonObject, string])[] = [
    [{ operation: 'read', path: 'a' }, 'one of token, accessor and policies must be given, or an id'],
    [{ operation: 'read', path: 'a', token: ann, policies: 'app' }, 'one of token, accessor and policies must be given, or an id'],
    [{ operation: 'read', path: 'a', token: 'hvs.nobody' }, 'invalid token'],
    [{ operation: 'read', path: 'a', accessor: 'nobody' }, 'invalid accessor'],
    [{ operation: 'read', path: 'a', policies: 'root,app' }, 'other policies present along with root'],
    [{ operation: 'read', policies: 'app' }, 'missing path'],
    [{ path: 'a', policies: 'app' }, 'missing operation'],
    [{ operation: 'read', path: 'a/../b', policies: 'app' }, 'path cannot contain "." or ".." segments'],
    [{ id: 'nope' }, 'no refused request with this id is known; the audit trail keeps them longer, by request.id'],
  ]
  for (const [input, error] of cases) {
    const { status, body } = await call('write', EXPLAIN, input)
    assert.deepEqual([status, body.errors], [400, [error]], JSON.stringify(input))
  }
  const { status } = await call('write', EXPLAIN, { operation: 'write', path: 'a', policies: 'app' })
  assert.equal(status, 400)
})

const idOf = ({ answer }: { answer: { headers: Readonly<Record<string, string>> } }) => answer.headers['X-Signet-Explain-Id'] as string

test('a refused request is explained by the id that its answer and its audit record carry', async (t) => {
  const made = await world(t)
  const { ok, call, ann, accessor } = made
  await ok('write', 'sys/audit/file', { type: 'file', options: { file_path: '/log' } })
  await ok('write', 'kv/data/form', { data: { there: true } })
  const refused = await call('write', 'kv/data/form', { password: 'hunter2' }, { token: ann })
  assert.deepEqual([refused.status, refused.body], [403, { errors: ['1 error occurred:\n\t* permission denied\n\n'] }])
  const id = idOf(refused)
  assert.equal(made.audit('/log').filter(({ request }) => request.id === id).length, 2)
  await ok('write', 'sys/policies/acl/app', { policy: 'path "other" {}' })
  const { data } = await ok('write', EXPLAIN, { id })
  const { time, ...told } = data
  assert.equal(typeof time, 'string')
  assert.deepEqual(told, {
    id,
    namespace: '',
    remote_address: '127.0.0.1',
    accessor,
    display_name: 'token',
    policies: ['app', 'default', 'gone'],
    allowed: false,
    operation: 'update',
    path: 'kv/data/form',
    needs: ['update'],
    reason: '"kv/data/form" denies the parameter "password", or its value',
    decided_by: {
      path: 'kv/data/form',
      capabilities: ['update'],
      because: 'no other rule matches',
      stanzas: [{ policy: 'app', line: 5, path: 'kv/data/form', capabilities: ['update'] }],
    },
    beaten: [],
    idle: [],
    change: { text: 'leave out the parameter "password", or send another value: the rule denies it' },
  })
  assert.deepEqual((await ok('write', SELF, { id }, { token: ann })).data, data, 'its own token may ask too')
  const other = (await ok('write', 'auth/token/create', { policies: ['default'] })).auth.client_token
  assert.equal((await call('write', SELF, { id }, { token: other })).status, 400, 'another may not')
})

test('whether what was to be written is there is told to nobody who could not see it', async (t) => {
  const { ok, call, ann } = await world(t)
  await ok('write', 'kv/data/app/old', { data: { there: true } })
  const told: JsonObject[] = []
  for (const path of ['kv/data/app/old', 'kv/data/app/new', 'kv/data/else']) {
    const id = idOf(await call('write', path, { data: {} }, { token: ann }))
    const { data } = await ok('write', SELF, { id }, { token: ann })
    told.push({ ...data, id: '', path: '' })
    const all = (await ok('write', EXPLAIN, { id })).data.operation
    assert.equal(all, path.endsWith('old') ? 'update' : 'create')
  }
  assert.deepEqual(told[0], told[1])
  assert.deepEqual(
    [told[0]?.['operation'], told[0]?.['needs'], told[0]?.['reason']],
    ['write', ['create', 'update'], '"kv/data/app/*" does not grant create or update'],
  )
  assert.equal(told[2]?.['reason'], 'no rule of these policies matches the path')
})

test('403s that are no matter of policies say so', async (t) => {
  const made = await world(t)
  const { ok, call, rootToken } = made
  await ok('write', 'sys/auth/userpass', { type: 'userpass' })
  const bound = (
    await ok('write', 'auth/userpass/users/ann', { password: 'right', token_bound_cidrs: '127.0.0.1/32' }).then(() =>
      call('write', 'auth/userpass/login/ann', { password: 'right' }, { token: '' }),
    )
  ).body.auth.client_token
  const reason = async (refused: Parameters<typeof idOf>[0] & { status: number }) => {
    assert.equal(refused.status, 403)
    return (await ok('write', EXPLAIN, { id: idOf(refused) })).data.reason
  }
  assert.equal(await reason(await call('read', 'kv/data/a', {}, { token: '' })), 'no token was sent')
  assert.match(await reason(await call('read', 'kv/data/a', {}, { token: 'hvs.nobody' })), /^the token is unknown/)
  const elsewhere = { token: bound, peer: { address: '10.0.0.1', port: 1 } }
  assert.equal(await reason(await call('read', 'auth/token/lookup-self', {}, elsewhere)), 'the token may not be used from this address')
  for (let n = 0; n < 5; n++) await call('write', 'auth/userpass/login/ann', { password: 'wrong' }, { token: '' })
  assert.match(
    await reason(await call('write', 'auth/userpass/login/ann', { password: 'right' }, { token: '' })),
    /^policies allow it, or are not asked/,
  )
  assert.match(await reason(await call('write', 'auth/token/lookup', { token: 'hvs.nobody' }, { token: rootToken })), /^policies allow it/)
})

test('only so many are kept, those without a token apart, and none over a seal', async (t) => {
  const { call, ann, sealer, share, kernel } = await world(t)
  const status = async (id: string) => (await call('write', EXPLAIN, { id })).status
  const first = idOf(await call('read', 'kv/data/a', {}, { token: ann }))
  const stranger = idOf(await call('read', 'kv/data/a', {}, { token: '' }))
  for (let n = 0; n < 512; n++) await call('read', 'kv/data/a', {}, { token: 'hvs.nobody' })
  assert.deepEqual([await status(first), await status(stranger)], [200, 400])
  for (let n = 0; n < 2048; n++) await call('read', 'kv/data/a', {}, { token: ann })
  assert.equal(await status(first), 400)
  const last = idOf(await call('read', 'kv/data/a', {}, { token: ann }))
  sealer.seal()
  kernel.forget()
  await sealer.unseal(share)
  assert.equal(await status(last), 400)
})

test('whoami tells of the token and whom it stands for', async (t) => {
  const { ok, call, clock, accessor, ann } = await world(t)
  await ok('write', 'sys/auth/userpass', { type: 'userpass' })
  await ok('write', 'auth/userpass/users/bob', { password: 'right', token_ttl: '1h', token_policies: 'app' })
  const { auth } = await call('write', 'auth/userpass/login/bob', { password: 'right' }, { token: '' }).then(({ body }) => body)
  clock.advance(60_000)
  const { data } = await ok('read', 'sys/whoami', {}, { token: auth.client_token })
  const mounted = (await ok('read', 'sys/auth')).data['userpass/'].accessor
  assert.deepEqual(data, {
    display_name: 'userpass-bob',
    entity_id: '',
    metadata: { username: 'bob' },
    policies: ['app', 'default'],
    namespace: '',
    accessor: auth.accessor,
    type: 'service',
    path: 'auth/userpass/login/bob',
    mount: { accessor: mounted, path: 'auth/userpass/', type: 'userpass' },
    role: '',
    issue_time: data.issue_time,
    expire_time: data.expire_time,
    ttl: 3540,
    renewable: true,
    uses_left: 0,
    orphan: true,
    bound_cidrs: [],
  })
  const made = (await ok('read', 'sys/whoami', {}, { token: ann })).data
  assert.deepEqual([made.accessor, made.mount, made.orphan], [accessor, null, false])
  const root = (await ok('read', 'sys/whoami')).data
  assert.deepEqual([root.policies, root.ttl, root.expire_time], [['root'], 0, null])
  assert.equal((await call('read', 'sys/whoami', {}, { token: '' })).status, 403)
})

test('in namespaces: a token asks from its own on, and those of a namespace learn of it and what is within', async (t) => {
  const { ok, call, ann } = await world(t)
  await ok('write', 'sys/namespaces/team')
  const inside = { namespace: 'team' }
  await ok(
    'write',
    'sys/policies/acl/app',
    { policy: 'path "kv/a" { capabilities = ["read"] }\npath "sys/policies/explain" { capabilities = ["update", "sudo"] }' },
    inside,
  )
  const bob = (await ok('write', 'auth/token/create', { policies: ['app'] }, inside)).auth.client_token
  const ask = async (path: string, token: string, namespace: string) =>
    (await ok('write', SELF, { operation: 'read', path }, { token, namespace })).data
  assert.equal((await ask('kv/a', bob, 'team')).allowed, true)
  await ok('write', 'sys/policies/acl/app', {
    policy: 'path "team/sys/policies/explain-self" { capabilities = ["update"] }\npath "team/kv/a" { capabilities = ["read"] }',
  })
  assert.equal((await ask('kv/a', ann, 'team')).decided_by.path, 'team/kv/a')
  const outside = await call('read', 'kv/data/app/db', {}, { token: bob })
  assert.equal(
    (await ok('write', EXPLAIN, { id: idOf(outside) })).data.reason,
    'the token is of a namespace that is neither this one nor one above it',
  )
  assert.equal(
    (await call('write', EXPLAIN, { id: idOf(outside) }, { token: bob, ...inside })).status,
    400,
    'what others were refused above is not for it',
  )
  const own = await call('read', 'kv/b', {}, { token: bob, ...inside })
  assert.equal((await ok('write', EXPLAIN, { id: idOf(own) }, { token: bob, ...inside })).data.namespace, 'team/')
  assert.equal((await ok('write', EXPLAIN, { id: idOf(own) })).data.namespace, 'team/')
  assert.equal((await ok('read', 'sys/whoami', {}, { token: bob, ...inside })).data.namespace, 'team/')
})

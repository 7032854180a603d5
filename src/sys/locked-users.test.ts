// Lockout as operators and users meet it: who is listed, who may unlock, and what a mount can be told.
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { JsonObject } from '../base/json.ts'
import { openWorld, type World } from '../testing/world.ts'

async function world(t: TestContext): Promise<World & { accessor: (mount: string) => Promise<string> }> {
  const made = await openWorld()
  t.after(() => made.close())
  for (const type of ['userpass', 'approle']) await made.ok('write', `sys/auth/${type}`, { type })
  for (const name of ['ann', 'bob']) await made.ok('write', `auth/userpass/users/${name}`, { password: 'right' })
  return { ...made, accessor: async (mount) => (await made.ok('read', 'sys/auth')).data[`${mount}/`].accessor }
}

/** `status text` of each try. */
async function guess({ call }: World, name: string, tries: number, password = 'wrong'): Promise<string[]> {
  const seen: string[] = []
  for (let n = 0; n < tries; n++) {
    const { status, body } = await call('write', `auth/userpass/login/${name}`, { password }, { token: '' })
    seen.push(`${status} ${body.errors ?? ''}`)
  }
  return seen
}

const WRONG = '400 invalid username or password'
const LOCKED = '403 permission denied'

test('who is locked is listed by mount, and can be let in again', async (t) => {
  const made = await world(t)
  const { ok, call } = made
  const none = { by_namespace: [{ namespace_id: 'root', namespace_path: '', counts: 0, mount_accessors: [] }], total: 0 }
  assert.deepEqual((await ok('read', 'sys/locked-users')).data, none)
  assert.deepEqual(await guess(made, 'ann', 6), [...Array(5).fill(WRONG), LOCKED])
  assert.deepEqual(await guess(made, 'ANN', 1, 'right'), [LOCKED], 'the same user')
  await guess(made, 'bob', 5)
  const { data: role } = await ok('read', 'sys/auth').then(() =>
    ok('write', 'auth/approle/role/web', { token_policies: 'default' }).then(() => ok('read', 'auth/approle/role/web/role-id')),
  )
  for (let n = 0; n < 5; n++) await call('write', 'auth/approle/login', { role_id: role.role_id, secret_id: 'x' }, { token: '' })

  const userpass = { mount_accessor: await made.accessor('userpass'), counts: 2, alias_identifiers: ['ann', 'bob'] }
  const approle = { mount_accessor: await made.accessor('approle'), counts: 1, alias_identifiers: [role.role_id] }
  const of = (...mounts: (typeof userpass)[]) => {
    const total = mounts.reduce((sum, { counts }) => sum + counts, 0)
    return { by_namespace: [{ namespace_id: 'root', namespace_path: '', counts: total, mount_accessors: mounts }], total }
  }
  assert.deepEqual((await ok('read', 'sys/locked-users')).data, of(userpass, approle))
  assert.deepEqual((await ok('read', 'sys/locked-users', { mount_accessor: approle.mount_accessor })).data, of(approle))
  assert.deepEqual((await ok('read', 'sys/locked-users', { mount_accessor: 'nope' })).data.by_namespace[0].mount_accessors, [
    { mount_accessor: 'nope', counts: 0, alias_identifiers: null },
  ])

  const unlock = (accessor: string, name: string, token?: string) =>
    call('write', `sys/locked-users/${accessor}/unlock/${name}`, {}, token === undefined ? {} : { token }).then(({ status }) => status)
  await ok('write', 'sys/policies/acl/desk', { policy: 'path "sys/locked-users/*" { capabilities = ["update"] }' })
  const desk = (await ok('write', 'auth/token/create', { policies: ['desk'] })).auth.client_token
  assert.equal(await unlock(userpass.mount_accessor, 'ann', desk), 403, 'it needs sudo')
  assert.equal(await unlock(userpass.mount_accessor, 'Ann'), 204)
  assert.equal(await unlock(userpass.mount_accessor, 'ann'), 204)
  assert.equal(await unlock(approle.mount_accessor, role.role_id), 204)
  assert.equal(await unlock('nope', 'ann'), 204)
  assert.equal(await unlock(userpass.mount_accessor, 'no/such'), 204)
  assert.deepEqual((await ok('read', 'sys/locked-users')).data, of({ ...userpass, counts: 1, alias_identifiers: ['bob'] }))
  assert.deepEqual(await guess(made, 'ann', 1, 'right'), ['200 '])
})

test('a name that nobody has answers like one that somebody has, and can be unlocked as well', async (t) => {
  const made = await world(t)
  assert.deepEqual(await guess(made, 'nobody', 7), await guess(made, 'ann', 7))
  assert.deepEqual(await guess(made, 'nobody-else', 1), [WRONG], 'not locked by the guesses at another')
  await made.ok('write', `sys/locked-users/${await made.accessor('userpass')}/unlock/nobody`)
  assert.deepEqual(await guess(made, 'nobody', 1), [WRONG])
})

test('a mount may lock sooner, later or never', async (t) => {
  const made = await world(t)
  const { ok, call, clock } = made
  const tune = (config: JsonObject) => call('write', 'sys/auth/userpass/tune', { user_lockout_config: config })
  const shown = async () => (await ok('read', 'sys/auth/userpass/tune')).data
  assert.equal('user_lockout_threshold' in (await shown()), false)
  assert.equal((await tune({ lockout_threshold: '2', lockout_duration: '1m' })).status, 204)
  const { user_lockout_threshold, user_lockout_duration, user_lockout_counter_reset_duration, user_lockout_disable } = await shown()
  assert.deepEqual([user_lockout_threshold, user_lockout_duration, user_lockout_counter_reset_duration, user_lockout_disable], [2, 60, 0, false])
  assert.deepEqual((await ok('read', 'sys/auth')).data['userpass/'].config.user_lockout_config, {
    user_lockout_counter_reset_duration: 0,
    user_lockout_disable: false,
    user_lockout_duration: 60,
    user_lockout_threshold: 2,
  })
  assert.deepEqual(await guess(made, 'ann', 3), [WRONG, WRONG, LOCKED])
  clock.advance(60_000)
  assert.deepEqual(await guess(made, 'ann', 1, 'right'), ['200 '])
  assert.equal((await tune({ lockout_disable: true })).status, 204)
  assert.deepEqual(await guess(made, 'ann', 9), Array(9).fill(WRONG))
  assert.equal((await tune({ lockout_disable: false, lockout_threshold: 0, lockout_duration: 'system' })).status, 204)
  assert.deepEqual(await guess(made, 'ann', 6), [...Array(5).fill(WRONG), LOCKED], 'as the server has it')
})

test('settings that mean nothing are refused, and change nothing', async (t) => {
  const { ok, call } = await world(t)
  const cases: readonly (readonly [string, JsonObject, string])[] = [
    ['userpass', { lockout_threshold: 'x' }, 'unable to parse user lockout threshold: "x" is not a whole number'],
    ['userpass', { lockout_threshold: -1 }, 'unable to parse user lockout threshold: "-1" is not a whole number'],
    ['userpass', { lockout_duration: '1x' }, 'time: unknown unit "x" in duration "1x"'],
    ['userpass', { lockout_duration: '-1s' }, "cannot provide negative value '-1'"],
    ['userpass', { lockout_disable: 'perhaps' }, 'cannot parse as bool'],
    ['userpass', { lockout_threshold: 3, bogus: 1 }, 'unable to convert given user lockout config information'],
    ['userpass', { lockout_threshold: [3] }, 'unable to convert given user lockout config information'],
    ['token', { lockout_threshold: 3 }, 'tuning of user lockout configuration for auth type "token" not allowed'],
  ]
  for (const [mount, config, error] of cases) {
    const { status, body } = await call('write', `sys/auth/${mount}/tune`, { user_lockout_config: config, description: 'changed' })
    assert.deepEqual([status, body.errors], [400, [error]], JSON.stringify(config))
    assert.notEqual((await ok('read', 'sys/auth')).data[`${mount}/`].description, 'changed')
  }
  assert.equal((await call('write', 'sys/auth/early', { type: 'userpass', config: { user_lockout_config: { lockout_threshold: 1 } } })).status, 204)
  assert.equal((await ok('read', 'sys/auth/early/tune')).data.user_lockout_threshold, 1)
})

test('a namespace is told of its own and of those within it', async (t) => {
  const made = await world(t)
  const { ok, call } = made
  await ok('write', 'sys/namespaces/team')
  const inside = { namespace: 'team' }
  await ok('write', 'sys/auth/userpass', { type: 'userpass' }, inside)
  await ok('write', 'auth/userpass/users/ann', { password: 'right' }, inside)
  for (let n = 0; n < 5; n++) await call('write', 'auth/userpass/login/ann', { password: 'wrong' }, { ...inside, token: '' })
  const counts = async (namespace: string) =>
    (await ok('read', 'sys/locked-users', {}, { namespace })).data.by_namespace.map((one: { namespace_path: string; counts: number }) => [
      one.namespace_path,
      one.counts,
    ])
  assert.deepEqual(await counts(''), [
    ['team/', 1],
    ['', 0],
  ])
  assert.deepEqual(await counts('team'), [['team/', 1]])
  assert.deepEqual(await guess(made, 'ann', 1, 'right'), ['200 '], 'her namesake above is not locked')
  const { accessor } = (await ok('read', 'sys/auth', {}, inside)).data['userpass/']
  await ok('write', `sys/locked-users/${accessor}/unlock/ann`, {}, inside)
  assert.deepEqual(await counts('team'), [['team/', 0]])
})

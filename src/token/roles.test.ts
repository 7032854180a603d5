// Token roles through a whole server: what they keep, and what tokens made by them may be.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { openTokenWorld, type TokenWorld } from '../testing/token-world.ts'

type Data = Record<string, any>

const NEW = {
  allowed_entity_aliases: null,
  allowed_policies: [],
  allowed_policies_glob: [],
  disallowed_policies: [],
  disallowed_policies_glob: [],
  explicit_max_ttl: 0,
  name: 'r',
  orphan: false,
  path_suffix: '',
  period: 0,
  renewable: true,
  token_explicit_max_ttl: 0,
  token_no_default_policy: false,
  token_period: 0,
  token_type: 'default-service',
}

const read = async (world: TokenWorld, name = 'r') => (await world.ok('read', `auth/token/roles/${name}`)).data

describe('a role', () => {
  test('is made with what is given, and keeps what a later write leaves out', async () => {
    const world = await openTokenWorld()
    await world.ok('write', 'auth/token/roles/r')
    assert.deepEqual(await read(world), NEW)
    await world.ok('write', 'auth/token/roles/r', {
      allowed_policies: 'a, B,a',
      disallowed_policies: ['X', 'y'],
      allowed_policies_glob: 'g-*,H-*',
      orphan: 'true',
      path_suffix: 'v1.x',
      token_bound_cidrs: ['10.0.0.0/8', '127.0.0.1/32'],
      token_num_uses: '4',
      allowed_entity_aliases: ['Foo', 'bar*'],
    })
    await world.ok('write', 'auth/token/roles/r', { renewable: false, token_no_default_policy: true })
    assert.deepEqual(await read(world), {
      ...NEW,
      allowed_policies: ['a', 'b'],
      disallowed_policies: ['x', 'y'],
      allowed_policies_glob: ['g-*', 'h-*'],
      orphan: true,
      path_suffix: 'v1.x',
      token_bound_cidrs: ['10.0.0.0/8', '127.0.0.1'],
      token_num_uses: 4,
      allowed_entity_aliases: ['bar*', 'foo'],
      renewable: false,
      token_no_default_policy: true,
    })
  })

  test('is shown under the older names that it was set by', async () => {
    const world = await openTokenWorld()
    const older = { period: '1h', explicit_max_ttl: '3h', bound_cidrs: '127.0.0.1' }
    await world.ok('write', 'auth/token/roles/r', older)
    const both = { period: 3600, token_period: 3600, explicit_max_ttl: 10_800, token_explicit_max_ttl: 10_800 }
    assert.deepEqual(await read(world), { ...NEW, ...both, bound_cidrs: ['127.0.0.1'], token_bound_cidrs: ['127.0.0.1'] })
    const newer = { token_period: '2h', token_explicit_max_ttl: '4h', token_bound_cidrs: '127.0.0.2' }
    const { warnings } = await world.ok('write', 'auth/token/roles/r', { ...older, ...newer })
    assert.deepEqual(warnings, [
      "Both 'token_period' and deprecated 'period' value supplied, ignoring the deprecated value",
      "Both 'token_bound_cidrs' and deprecated 'bound_cidrs' value supplied, ignoring the deprecated value",
      "Both 'token_explicit_max_ttl' and deprecated 'explicit_max_ttl' value supplied, ignoring the deprecated value",
    ])
    assert.deepEqual(await read(world), { ...NEW, token_period: 7200, token_explicit_max_ttl: 14_400, token_bound_cidrs: ['127.0.0.2'] })
  })

  test('is listed, and is gone once removed', async () => {
    const world = await openTokenWorld()
    assert.equal((await world.call('list', 'auth/token/roles')).status, 404)
    for (const name of ['b', 'a.b', 'A']) await world.ok('write', `auth/token/roles/${name}`)
    assert.deepEqual((await world.ok('list', 'auth/token/roles')).data.keys, ['A', 'a.b', 'b'])
    assert.equal((await world.call('delete', 'auth/token/roles/b')).status, 204)
    assert.equal((await world.call('delete', 'auth/token/roles/b')).status, 204)
    assert.equal((await world.call('read', 'auth/token/roles/b')).status, 404)
    assert.deepEqual(await world.refused('auth/token/create/b', {}), [400, 'unknown role b'])
    for (const name of ['a b', '-a', 'a@b']) assert.equal((await world.call('write', `auth/token/roles/${name}`)).status, 404)
  })

  test('needs create for a new one and update for an old one', async () => {
    const world = await openTokenWorld()
    await world.ok('write', 'sys/policies/acl/changer', { policy: 'path "auth/token/roles/*" { capabilities = ["update"] }' })
    const { client_token: token } = await world.make({ policies: ['changer'] })
    assert.equal((await world.call('write', 'auth/token/roles/r', {}, { token })).status, 403)
    await world.ok('write', 'auth/token/roles/r')
    assert.equal((await world.call('write', 'auth/token/roles/r', { orphan: true }, { token })).status, 204)
  })

  const BATCH = { token_type: 'batch', orphan: true, renewable: false }
  const REFUSED: readonly (readonly [data: Data, text: string])[] = [
    [{ token_type: 'default' }, `invalid 'token_type' value "default"`],
    [{ token_type: '' }, `invalid 'token_type' value ""`],
    [{ token_type: 'batch' }, "'token_type' cannot be 'batch' when role is set to generate non-orphan tokens"],
    [{ ...BATCH, renewable: true }, "'token_type' cannot be 'batch' when role is set to generate renewable tokens"],
    [{ ...BATCH, token_period: 1 }, "'token_type' cannot be 'batch' when role is set to generate periodic tokens"],
    [{ ...BATCH, period: 1 }, "'token_type' cannot be 'batch' when role is set to generate periodic tokens"],
    [{ ...BATCH, token_explicit_max_ttl: 1 }, "'token_type' cannot be 'batch' when role is set to generate tokens with an explicit max TTL"],
    [{ ...BATCH, token_num_uses: 1 }, "'token_type' cannot be 'batch' when role is set to generate tokens with limited use count"],
    [{ token_num_uses: -1 }, "error parsing role fields: 'token_num_uses' cannot be negative"],
    [{ path_suffix: '..' }, 'error registering path suffix: path cannot contain parent references'],
    [{ path_suffix: 'a/b' }, 'given role path suffix contains invalid characters; must match \\w[\\w-.]+\\w'],
    [{ path_suffix: 'abc/' }, 'given role path suffix contains invalid characters; must match \\w[\\w-.]+\\w'],
    [{ token_bound_cidrs: 'x' }, 'error parsing role fields: error parsing address "x": Unable to convert "x" to an IPv4 or IPv6 address'],
    [{ bound_cidrs: 'x' }, 'error parsing bound_cidrs: error parsing address "x": Unable to convert "x" to an IPv4 or IPv6 address'],
    [{ token_period: -1 }, `Field validation failed: error converting input for field "token_period": cannot provide negative value '-1'`],
  ]

  test('is refused where it makes no sense, and not changed', async () => {
    const world = await openTokenWorld()
    for (const [data, text] of REFUSED) assert.deepEqual(await world.refused('auth/token/roles/r', data), [400, text], JSON.stringify(data))
    assert.equal((await world.call('read', 'auth/token/roles/r')).status, 404)
  })
})

const ROLES: Readonly<Record<string, Data>> = {
  plain: {},
  allowed: { allowed_policies: 'a,b' },
  globs: { allowed_policies_glob: 'dev-*' },
  both: { allowed_policies: 'a', allowed_policies_glob: 'dev-*' },
  disallowed: { disallowed_policies: 'secret,extra' },
  noadmin: { disallowed_policies_glob: 'adm*' },
  nodefault: { disallowed_policies: 'default' },
  without: { token_no_default_policy: true, allowed_policies: 'a,b' },
  periodic: { token_period: '1h' },
  ending: { token_explicit_max_ttl: '30m' },
  fixed: { renewable: false },
  suffix: { path_suffix: 'v1.0' },
  uses: { token_num_uses: 3 },
  free: { orphan: true },
  batch: { token_type: 'batch', orphan: true, renewable: false },
  batchy: { token_type: 'default-batch' },
  limitedbatchy: { token_type: 'default-batch', token_num_uses: 3 },
  endingbatchy: { token_type: 'default-batch', token_explicit_max_ttl: '30m' },
  periodicbatchy: { token_type: 'default-batch', token_period: '30m' },
  service: { token_type: 'service' },
  alias: { allowed_entity_aliases: 'bob,x*' },
  rooted: { allowed_policies: 'root' },
}

const GIVEN: readonly (readonly [role: string, data: Data, auth: Data])[] = [
  ['plain', {}, { policies: ['default', 'extra', 'maker'], orphan: false }],
  ['plain', { no_parent: true }, { orphan: false }],
  ['allowed', {}, { policies: ['a', 'b', 'default'] }],
  ['allowed', { policies: ['b'] }, { policies: ['b', 'default'] }],
  ['allowed', { policies: ['b'], no_default_policy: true }, { policies: ['b'] }],
  ['globs', {}, { policies: ['default'] }],
  ['globs', { policies: ['dev-x'], no_default_policy: true }, { policies: ['dev-x'] }],
  ['both', { policies: ['a', 'dev-x'] }, { policies: ['a', 'default', 'dev-x'] }],
  ['noadmin', { policies: ['anything'] }, { policies: ['anything', 'default'] }],
  ['noadmin', {}, { policies: ['default', 'extra', 'maker'] }],
  ['nodefault', { policies: ['a'] }, { policies: ['a'] }],
  ['without', {}, { policies: ['a', 'b'] }],
  ['periodic', {}, { lease_duration: 3600 }],
  ['ending', { ttl: '2h' }, { lease_duration: 1800 }],
  ['ending', { explicit_max_ttl: '10m' }, { lease_duration: 600 }],
  ['fixed', { renewable: true }, { renewable: false }],
  ['uses', {}, { num_uses: 3 }],
  ['uses', { num_uses: 2 }, { num_uses: 2 }],
  ['uses', { num_uses: 9 }, { num_uses: 3 }],
  ['free', {}, { orphan: true }],
  ['batch', {}, { token_type: 'batch', accessor: '', orphan: true, renewable: false }],
  ['batch', { type: 'service' }, { token_type: 'batch' }],
  ['batchy', {}, { token_type: 'batch', orphan: false }],
  ['batchy', { type: 'service' }, { token_type: 'service' }],
  ['limitedbatchy', { type: 'service' }, { token_type: 'service', num_uses: 3 }],
  ['endingbatchy', { ttl: '5h' }, { token_type: 'batch', lease_duration: 1800 }],
  ['service', { type: 'batch' }, { token_type: 'service' }],
]

const SUBSET = (asked: string, allowed: string, globs: string) =>
  `token policies ([${asked}]) must be subset of the role's allowed policies ([${allowed}]) or glob policies ([${globs}])`

const REFUSED: readonly (readonly [role: string, data: Data, text: string])[] = [
  ['plain', { policies: ['other'] }, 'child policies must be subset of parent'],
  ['plain', { entity_alias: 'x' }, "invalid 'entity_alias' value"],
  ['alias', { entity_alias: 'BOB' }, "'entity_alias' is not supported: entities are not offered yet"],
  ['alias', { entity_alias: 'xy' }, "'entity_alias' is not supported: entities are not offered yet"],
  ['alias', { entity_alias: 'zed' }, "invalid 'entity_alias' value"],
  ['allowed', { policies: ['c'] }, SUBSET('"c" "default"', '"a" "b" "default"', '')],
  ['allowed', { policies: ['root'] }, SUBSET('"root"', '"a" "b" "default"', '')],
  ['globs', { policies: ['prod-x'] }, SUBSET('"default" "prod-x"', '"default"', '"dev-*"')],
  ['disallowed', {}, 'token policy "extra" is disallowed by this role'],
  ['disallowed', { policies: ['secret'] }, 'token policy "secret" is disallowed by this role'],
  ['noadmin', { policies: ['admin'] }, 'token policy "admin" is disallowed by this role'],
  ['nodefault', { policies: ['default'] }, 'token policy "default" is disallowed by this role'],
  ['rooted', {}, 'root tokens may not be created without parent token being root'],
  ['batch', { num_uses: 2 }, 'batch tokens cannot have "num_uses" set'],
  ['batchy', { period: '1h' }, 'batch tokens cannot have "period" set'],
  ['limitedbatchy', {}, 'batch tokens cannot have "num_uses" set'],
  ['periodicbatchy', {}, 'batch tokens cannot have "period" set'],
  ['uses', { type: 'batch' }, 'batch tokens cannot have "num_uses" set'],
]

describe('a token made by a role', () => {
  async function open() {
    const world = await openTokenWorld()
    for (const [name, data] of Object.entries(ROLES)) await world.ok('write', `auth/token/roles/${name}`, data)
    const { client_token: token } = await world.make({ policies: ['maker', 'extra'] })
    return { world, token }
  }

  test('is what the role says', async () => {
    const { world, token } = await open()
    for (const [role, data, auth] of GIVEN) {
      const made = await world.make(data, token, `create/${role}`)
      for (const [name, value] of Object.entries(auth)) assert.deepEqual(made[name], value, `${role} ${JSON.stringify(data)}: ${name}`)
    }
  })

  test('and no more', async () => {
    const { world, token } = await open()
    for (const [role, data, text] of REFUSED) {
      assert.deepEqual(await world.refused(`auth/token/create/${role}`, data, token), [400, text], `${role} ${JSON.stringify(data)}`)
    }
  })

  test('says by which, and at which path', async () => {
    const { world, token } = await open()
    const { role, path } = await world.self((await world.make({}, token, 'create/suffix')).client_token)
    assert.deepEqual({ role, path }, { role: 'suffix', path: 'auth/token/create/suffix/v1.0' })
  })

  test('hears what was not taken, and which of two limits was', async () => {
    const { world } = await open()
    const { warnings } = await world.ok('write', 'auth/token/create/periodic', { period: '2h', no_parent: true, policies: ['default'] })
    assert.deepEqual(warnings, [
      "'no_parent' has no effect here: the role says whether its tokens have a parent",
      'Period specified both during creation call and in role; using the lesser value of 3600 seconds',
    ])
  })

  test('is renewed as the role says by then, and not without it', async () => {
    const { world, token } = await open()
    const { client_token: made } = await world.make({}, token, 'create/periodic')
    await world.ok('write', 'auth/token/roles/periodic', { token_period: '2h' })
    assert.equal((await world.ok('write', 'auth/token/renew', { token: made })).auth.lease_duration, 7200)
    await world.ok('delete', 'auth/token/roles/periodic')
    const text = 'failed to renew entry: original token role "periodic" could not be found, not renewing'
    assert.deepEqual(await world.refused('auth/token/renew', { token: made }), [400, `1 error occurred:\n\t* ${text}\n\n`])
  })

  test('keeps the end that its maker gave it, whatever the role says', async () => {
    const { world, token } = await open()
    const { client_token: made } = await world.make({ explicit_max_ttl: '20m', ttl: '10m' }, token, 'create/ending')
    await world.ok('write', 'auth/token/roles/ending', { token_explicit_max_ttl: 0 })
    assert.equal((await world.ok('write', 'auth/token/renew', { token: made, increment: '5h' })).auth.lease_duration, 1200)
  })
})

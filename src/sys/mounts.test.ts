// sys/mounts and sys/auth through a whole server: what can be enabled and changed, what is refused and in which words.
import assert from 'node:assert/strict'
import { before, describe, test } from 'node:test'
import type { Json, JsonObject } from '../base/json.ts'
import { openWorld, type World } from '../testing/world.ts'

let world: World
before(async () => {
  world = await openWorld()
  await world.ok('write', 'sys/mounts/kv', { type: 'kv' })
  await world.ok('write', 'sys/mounts/deep/kv', { type: 'kv' })
  await world.ok('write', 'sys/auth/up', { type: 'userpass' })
  await world.ok('write', 'sys/namespaces/team')
})

const enable = (path: string, type: Json, rest: JsonObject = {}) => world.call('write', path, { type, ...rest })
const read = async (path: string) => (await world.ok('read', path)).data

async function refuses(asked: ReturnType<World['call']>, text: string, about: string): Promise<void> {
  const { status, body } = await asked
  assert.deepEqual([status, body], [400, { errors: [text] }], about)
}

describe('enabling', () => {
  test('takes an engine with all that can be set, and shows it', async () => {
    const config = { default_lease_ttl: '1h', max_lease_ttl: 7200, listing_visibility: 'unauth', audit_non_hmac_request_keys: ['a', 'b'] }
    const given = { description: 'hello', local: true, config: { ...config, audit_non_hmac_response_keys: 'c,d', force_no_cache: true } }
    assert.equal((await enable('sys/mounts/all', 'kv', given)).status, 204)
    const { accessor, uuid, running_plugin_version: _, ...shown } = await read('sys/mounts/all')
    assert.match(accessor, /^kv_[0-9a-f]{8}$/)
    assert.match(uuid, /^[0-9a-f-]{36}$/)
    assert.deepEqual(shown, {
      type: 'kv',
      description: 'hello',
      local: true,
      options: {},
      config: {
        default_lease_ttl: 3600,
        max_lease_ttl: 7200,
        force_no_cache: false,
        listing_visibility: 'unauth',
        audit_non_hmac_request_keys: ['a', 'b'],
        audit_non_hmac_response_keys: ['c', 'd'],
      },
      deprecation_status: 'supported',
      external_entropy_access: false,
      seal_wrap: false,
      plugin_version: '',
      running_sha256: '',
    })
  })

  test('knows the versions of kv by name or option, and a plugin by the name of one', async () => {
    const shown: readonly (readonly [type: string, rest: JsonObject, options: JsonObject])[] = [
      ['kv', {}, {}],
      ['kv-v1', {}, { version: '1' }],
      ['kv-v2', {}, { version: '2' }],
      ['kv', { options: { version: '2' } }, { version: '2' }],
      ['plugin', { plugin_name: 'kv' }, {}],
    ]
    for (const [n, [type, rest, options]] of shown.entries()) {
      assert.equal((await enable(`sys/mounts/version${n}`, type, rest)).status, 204, type)
      assert.deepEqual((await read(`sys/mounts/version${n}`)).options, options, type)
    }
  })

  const REFUSED: readonly (readonly [path: string, type: Json, text: string, rest?: JsonObject])[] = [
    ['sys/mounts/x', '', 'backend type must be specified as a string'],
    ['sys/mounts/x', 'nope', 'plugin not found in the catalog: nope'],
    ['sys/mounts/x', 'userpass', 'plugin not found in the catalog: userpass'],
    ['sys/auth/x', 'kv', 'plugin not found in the catalog: kv'],
    ['sys/mounts/x', 'plugin', 'plugin_name must be provided for plugin backend'],
    ['sys/mounts/x', 'cubbyhole', 'mount type of "cubbyhole" is not mountable'],
    ['sys/mounts/x', 'system', 'mount type of "system" is not mountable'],
    ['sys/auth/x', 'token', 'token credential backend cannot be instantiated'],
    ['sys/mounts/x', 'kv', 'invalid version provided: 3', { options: { version: '3' } }],
    ['sys/auth/x', 'userpass', 'auth method "userpass" does not allow setting a version', { options: { version: '2' } }],
    ['sys/mounts/kv', 'kv', 'path is already in use at kv/'],
    ['sys/mounts/kv/in', 'kv', 'path is already in use at kv/'],
    ['sys/mounts/deep', 'kv', 'path is already in use at deep/kv/'],
    ['sys/mounts/team', 'kv', 'path is already in use at team/'],
    ['sys/mounts/team/x', 'kv', 'path is already in use at team/'],
    ['sys/auth/up', 'approle', 'path is already in use at up/'],
    ['sys/auth/up/in', 'approle', 'path is already in use at up/'],
    ...['sys', 'sys/x', 'auth', 'auth/x', 'cubbyhole', 'cubbyhole/x', 'identity', 'audit/x'].map(
      (path) => [`sys/mounts/${path}`, 'kv', `cannot mount "${path}/"`] as const,
    ),
    ['sys/auth/token', 'userpass', 'cannot mount "token/"'],
    ['sys/auth/token/x', 'userpass', 'cannot mount "token/x/"'],
    ['sys/mounts/x*', 'kv', 'mount path cannot contain "*" or "+"'],
    ['sys/mounts/x/+', 'kv', 'mount path cannot contain "*" or "+"'],
    ['sys/mounts/x', 'kv', 'seal_wrap and external_entropy_access are not supported', { seal_wrap: true }],
    ['sys/mounts/x', 'kv', 'seal_wrap and external_entropy_access are not supported', { external_entropy_access: true }],
  ]
  for (const [path, type, text, rest] of REFUSED) {
    test(`refuses ${type || 'nothing'} at ${path} ${JSON.stringify(rest ?? {})}`, () => refuses(enable(path, type, rest), text, path))
  }

  const CONFIGS: readonly (readonly [config: JsonObject, text: string])[] = [
    [{ default_lease_ttl: '3h', max_lease_ttl: '2h' }, 'given default lease TTL greater than given max lease TTL'],
    [{ default_lease_ttl: '9000h' }, 'given default lease TTL greater than system max lease TTL of 2764800'],
    [{ default_lease_ttl: 'bogus' }, `unable to parse default TTL of bogus: time: invalid duration "bogus"`],
    [{ max_lease_ttl: -1 }, `unable to parse max TTL of -1: cannot provide negative value '-1'`],
    [{ listing_visibility: 'nope' }, 'invalid listing_visibility nope'],
    [{ token_type: 'nope' }, "invalid value for 'token_type'"],
    [{ passthrough_request_headers: ['X'] }, 'passthrough_request_headers is not supported'],
    [{ allowed_response_headers: ['X'] }, 'allowed_response_headers is not supported'],
    [{ plugin_version: 'v1' }, 'cannot select non-builtin version: there is one version of each engine'],
  ]
  for (const [config, text] of CONFIGS) {
    test(`refuses ${JSON.stringify(config)}`, async () => {
      await refuses(enable('sys/auth/x', 'userpass', { config }), text, text)
      assert.equal((await world.call('read', 'sys/auth/x')).status, 400)
    })
  }

  test('takes "system", 0 and an empty text for the lifetimes of the server', async () => {
    for (const [n, ttl] of ['system', 0, ''].entries()) {
      const config = { default_lease_ttl: ttl, max_lease_ttl: ttl }
      assert.equal((await enable(`sys/mounts/plain${n}`, 'kv', { config })).status, 204)
      const { default_lease_ttl: lasts, max_lease_ttl: most } = await read(`sys/mounts/plain${n}/tune`)
      assert.deepEqual([lasts, most], [2_764_800, 2_764_800])
    }
  })

  test('warns of settings that it does not know', async () => {
    const { status, body } = await enable('sys/mounts/odd', 'kv', { config: { bogus: 1 } })
    assert.deepEqual([status, body.warnings], [200, ['Endpoint ignored these unrecognized parameters: [config.bogus]']])
  })

  test('of the same path by many at once succeeds for one', async () => {
    const paths = ['race', 'race', 'race/a', 'race/a/b', 'race']
    const said = await Promise.all(paths.map((path) => enable(`sys/mounts/${path}`, 'kv')))
    assert.deepEqual(
      [204, 400].map((status) => said.filter((one) => one.status === status).length),
      [1, 4],
    )
  })
})

describe('changing settings', () => {
  const tune = (path: string, body: JsonObject) => world.call('write', `${path}/tune`, body)

  test('sets what is named and leaves the rest', async () => {
    await world.ok('write', 'sys/mounts/t', { type: 'kv', description: 'before', config: { max_lease_ttl: '2h' } })
    assert.equal((await tune('sys/mounts/t', { default_lease_ttl: '1h' })).status, 204)
    assert.equal((await tune('sys/mounts/t', { audit_non_hmac_request_keys: 'a,b', options: { x: 'y' } })).status, 204)
    assert.equal((await tune('sys/mounts/t', {})).status, 204)
    const shown = { description: 'before', default_lease_ttl: 3600, max_lease_ttl: 7200, force_no_cache: false }
    assert.deepEqual(await read('sys/mounts/t/tune'), { ...shown, audit_non_hmac_request_keys: ['a', 'b'], options: { x: 'y' } })
    assert.equal((await tune('sys/mounts/t', { default_lease_ttl: 'system', max_lease_ttl: '', description: '' })).status, 204)
    const after = await read('sys/mounts/t/tune')
    assert.deepEqual([after.default_lease_ttl, after.max_lease_ttl, after.description], [7200, 7200, ''])
  })

  test('reaches logins by both of their paths', async () => {
    assert.equal((await tune('sys/auth/up', { token_type: 'batch' })).status, 204)
    assert.equal((await tune('sys/mounts/auth/up', { listing_visibility: 'hidden' })).status, 204)
    const { token_type: type, listing_visibility: seen } = await read('sys/auth/up/tune')
    assert.deepEqual([type, seen], ['batch', 'hidden'])
  })

  const REFUSED: readonly (readonly [at: string, body: JsonObject, text: string])[] = [
    ['sys/mounts/nope', { description: 'x' }, 'tune of path "nope/" failed: no mount entry found'],
    ['sys/auth/nope', { description: 'x' }, 'tune of path "auth/nope/" failed: no mount entry found'],
    ['sys/mounts/sys', { description: 'x' }, 'cannot tune parameter description of sys/'],
    ['sys/mounts/cubbyhole', { default_lease_ttl: '1h' }, 'cannot tune parameter default_lease_ttl of cubbyhole/'],
    ['sys/mounts/kv', { token_type: 'batch' }, "'token_type' can only be modified on auth mounts"],
    ['sys/auth/token', { token_type: 'batch' }, "'token_type' cannot be set for 'token' or 'ns_token' auth mounts"],
    ['sys/auth/up', { token_type: 'nope' }, "invalid value for 'token_type'"],
    ['sys/mounts/kv', { listing_visibility: 'nope' }, 'invalid listing_visibility nope'],
    ['sys/mounts/kv', { default_lease_ttl: 'bogus' }, 'time: invalid duration "bogus"'],
    ['sys/mounts/kv', { default_lease_ttl: -5 }, "cannot provide negative value '-5'"],
    [
      'sys/mounts/kv',
      { default_lease_ttl: '2h', max_lease_ttl: '1h' },
      'backend max lease TTL of 3600 would be less than backend default lease TTL of 7200',
    ],
    ['sys/mounts/kv', { passthrough_request_headers: ['X'] }, 'passthrough_request_headers is not supported'],
    ['sys/mounts/kv', { options: { version: '0' } }, 'invalid version provided: 0'],
  ]
  for (const [at, body, text] of REFUSED) {
    test(`refuses ${JSON.stringify(body)} of ${at}`, () => refuses(tune(at, body), text, at))
  }

  test('never brings back a mount that is disabled at the same time', async () => {
    for (let n = 0; n < 20; n++) {
      await world.ok('write', 'sys/mounts/going', { type: 'kv' })
      await Promise.all([world.call('delete', 'sys/mounts/going'), tune('sys/mounts/going', { description: 'x' })])
      assert.equal((await world.call('read', 'sys/mounts/going')).status, 400)
    }
  })
})

describe('disabling', () => {
  test('takes the mount and its data, and is no error where there is none', async () => {
    await world.ok('write', 'sys/mounts/gone', { type: 'kv' })
    await world.ok('write', 'gone/x', { a: 1 })
    for (let time = 0; time < 2; time++) assert.equal((await world.call('delete', 'sys/mounts/gone/')).status, 204)
    assert.equal((await world.call('read', 'gone/x')).status, 404)
    await world.ok('write', 'sys/mounts/gone', { type: 'kv' })
    assert.equal((await world.call('read', 'gone/x')).status, 404)
  })

  const REFUSED: readonly (readonly [path: string, text: string])[] = [
    ['sys/mounts/sys', 'cannot unmount "sys/"'],
    ['sys/mounts/cubbyhole', 'cannot unmount "cubbyhole/"'],
    ['sys/mounts/auth/up', 'cannot unmount "auth/up/"'],
    ['sys/mounts/auth/token', 'cannot unmount "auth/token/"'],
    ['sys/auth/token', 'token credential backend cannot be disabled'],
  ]
  for (const [path, text] of REFUSED) test(`is refused of ${path}`, () => refuses(world.call('delete', path), text, path))
})

test('a mount is read, and a namespace too, with the slash that ends its path; policy decides on the path without', async () => {
  const policy = 'path "sys/mounts/kv" { capabilities = ["read"] }'
  await world.ok('write', 'sys/policies/acl/reader', { policy })
  const { client_token: token } = (await world.ok('write', 'auth/token/create', { policies: ['reader'] })).auth
  for (const path of ['sys/mounts/kv', 'sys/mounts/kv/']) assert.equal((await world.call('read', path, {}, { token })).status, 200)
  assert.equal((await world.call('read', 'sys/mounts/deep/kv/', {}, { token })).status, 403)
  assert.equal((await world.ok('read', 'sys/namespaces/team/')).data.path, 'team/')
  await refuses(world.call('read', 'sys/auth/nope/'), 'No auth engine at nope/', 'absent')
})

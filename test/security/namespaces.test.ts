// What is one namespace's is nobody else's: whichever way another is addressed, and whoever asks.
import assert from 'node:assert/strict'
import { before, describe, test } from 'node:test'
import type { Verb } from '../../src/contract/call.ts'
import { openWorld, type Said, type World } from '../../src/testing/world.ts'

const ALL = 'path "*" { capabilities = ["create", "read", "update", "patch", "delete", "list", "scan", "sudo"] }'
const core = (cause: string) => `1 error occurred:\n\t* ${cause}\n\n`
const DENIED = { errors: [core('permission denied')] }

/** A parent with a child, its sibling, and the root: each with the same names inside. */
const PATHS = ['', 'a/', 'a/deep/', 'b/'] as const
type At = (typeof PATHS)[number]

interface Auth {
  readonly client_token: string
  readonly accessor: string
}

/** Each namespace's administrator, who may do everything that a policy can grant. */
type Admins = Readonly<Record<At, Auth>>

async function family(): Promise<{ world: World; admins: Admins }> {
  const world = await openWorld()
  for (const name of ['sys/namespaces/a', 'sys/namespaces/b', 'a/sys/namespaces/deep']) await world.ok('write', name)
  const made = await Promise.all(PATHS.map(async (at) => [at, await furnish(world, at)] as const))
  return { world, admins: Object.fromEntries(made) as unknown as Admins }
}

async function furnish(world: World, at: At): Promise<Auth> {
  await world.ok('write', `${at}sys/mounts/kv`, { type: 'kv' })
  await world.ok('write', `${at}kv/x`, { of: at })
  await world.ok('write', `${at}sys/auth/up`, { type: 'userpass' })
  await world.ok('write', `${at}auth/up/users/ann`, { password: 'p' })
  await world.ok('write', `${at}sys/policies/acl/all`, { policy: ALL })
  return (await world.ok('write', `${at}auth/token/create`, { policies: ['all'] })).auth
}

/** Whether policies of one namespace can grant something in another. */
const rules = (holder: At, target: At): boolean => target.startsWith(holder)

/** The three ways to address one. */
function ways(target: At, path: string): { path: string; namespace: string }[] {
  const header = target.replace(/\/$/, '')
  const split = target === 'a/deep/' ? [{ path: `deep/${path}`, namespace: 'a' }] : []
  return [{ path: `${target}${path}`, namespace: '' }, { path: `${target}${path}`, namespace: 'root' }, { path, namespace: header }, ...split]
}

const HARMLESS: readonly (readonly [Verb, string, Record<string, any>?])[] = [
  ['read', 'kv/x'],
  ['list', 'kv'],
  ['write', 'kv/y', { by: 'someone' }],
  ['read', 'sys/mounts'],
  ['read', 'sys/mounts/kv'],
  ['read', 'sys/mounts/kv/tune'],
  ['write', 'sys/mounts/kv/tune', { description: 'tuned' }],
  ['read', 'sys/auth'],
  ['read', 'sys/auth/up'],
  ['list', 'sys/policies/acl'],
  ['read', 'sys/policies/acl/all'],
  ['write', 'sys/policies/acl/other', { policy: ALL }],
  ['delete', 'sys/policies/acl/other'],
  ['read', 'sys/policy/all'],
  ['list', 'sys/namespaces'],
  ['scan', 'sys/namespaces'],
  ['write', 'sys/capabilities-self', { paths: ['kv/x'] }],
  ['read', 'sys/internal/specs/openapi'],
  ['list', 'auth/up/users'],
  ['read', 'auth/up/users/ann'],
  ['list', 'auth/token/accessors'],
  ['write', 'auth/token/create', { policies: ['default'] }],
  ['write', 'cubbyhole/mine', { a: 1 }],
]

/** What would harm whoever it is asked of. */
const HARMFUL: readonly (readonly [Verb, string, Record<string, any>?])[] = [
  ['delete', 'kv/x'],
  ['delete', 'sys/mounts/kv'],
  ['delete', 'sys/auth/up'],
  ['write', 'sys/mounts/new', { type: 'kv' }],
  ['write', 'sys/auth/new', { type: 'userpass' }],
  ['write', 'sys/remount', { from: 'kv', to: 'elsewhere' }],
  ['write', 'sys/namespaces/new'],
  ['patch', 'sys/namespaces/deep', { custom_metadata: { a: 'b' } }],
  ['delete', 'sys/namespaces/deep'],
  ['write', 'sys/namespaces/api-lock/lock/deep'],
  ['write', 'sys/namespaces/api-lock/lock'],
  ['write', 'auth/up/users/ann', { password: 'other' }],
  ['write', 'auth/token/revoke-orphan', { token: 'x' }],
]

describe('an administrator with every capability', () => {
  let world: World
  let admins: Admins
  before(async () => ({ world, admins } = await family()))

  for (const holder of PATHS) {
    for (const target of PATHS) {
      const may = rules(holder, target)
      test(`of "${holder}" ${may ? 'rules' : 'is nobody in'} "${target}", by header, path and both`, async () => {
        const { client_token: token } = admins[holder]
        const asked = may ? HARMLESS : [...HARMLESS, ...HARMFUL]
        for (const [verb, path, data = {}] of asked) {
          for (const way of ways(target, path)) {
            const said = await world.call(verb, way.path, data, { token, namespace: way.namespace })
            const what = `${verb} ${way.path} in "${way.namespace}"`
            if (may) assert.ok(said.status < 300 || said.status === 404, `${what}: ${said.status} ${JSON.stringify(said.body)}`)
            else assert.deepEqual([said.status, said.body], [403, DENIED], what)
          }
        }
      })
    }
  }

  test('has left all others as they were', async () => {
    for (const at of PATHS) {
      assert.deepEqual((await world.ok('read', `${at}kv/x`)).data, { of: at })
      assert.equal((await world.call('write', `${at}auth/up/login/ann`, { password: 'p' }, { token: '' })).status, 200)
      assert.equal((await world.ok('read', `${at}sys/mounts`)).data['new/'], undefined)
    }
  })
})

describe('a token of another namespace, asked about where one rules', () => {
  const absent = { token: [403, 'bad token'], accessor: [400, core('invalid accessor')] } as const
  const outside = (holder: At) => PATHS.filter((other) => !rules(holder, other))
  let world: World
  let admins: Admins
  before(async () => ({ world, admins } = await family()))

  async function refused(holder: At, path: string, data: Record<string, any>, status: number, text: string): Promise<void> {
    const { client_token: token } = admins[holder]
    const said = await world.call('write', `${holder}${path}`, data, { token })
    assert.deepEqual([said.status, said.body], [status, { errors: [text] }], `${path} in "${holder}"`)
  }

  test('is not there, by its id', async () => {
    for (const holder of PATHS) {
      for (const other of outside(holder)) {
        const { client_token: token } = admins[other]
        await refused(holder, 'auth/token/lookup', { token }, ...absent.token)
        await refused(holder, 'auth/token/renew', { token }, 400, 'token not found')
        await refused(holder, 'auth/token/revoke-orphan', { token }, 400, 'token to revoke not found')
        await refused(holder, 'sys/capabilities', { token, paths: ['kv/x'] }, 400, core('invalid token'))
        const revoked = await world.call('write', `${holder}auth/token/revoke`, { token }, { token: admins[holder].client_token })
        assert.equal(revoked.status, 204)
      }
    }
  })

  test('is not there, by its accessor, not even from above', async () => {
    for (const holder of PATHS) {
      for (const other of PATHS.filter((at) => at !== holder)) {
        const { accessor } = admins[other]
        await refused(holder, 'auth/token/lookup-accessor', { accessor }, ...absent.accessor)
        await refused(holder, 'auth/token/renew-accessor', { accessor }, ...absent.accessor)
        await refused(holder, 'sys/capabilities-accessor', { accessor, paths: ['kv/x'] }, ...absent.accessor)
        const { body } = await world.call('write', `${holder}auth/token/revoke-accessor`, { accessor }, { token: admins[holder].client_token })
        assert.deepEqual(body.warnings, ['No token found with this accessor'])
        assert.ok(!(await world.ok('list', `${holder}auth/token/accessors`)).data.keys.includes(accessor))
      }
    }
  })

  test('lives on after all that', async () => {
    for (const at of PATHS) {
      const { client_token: token } = admins[at]
      assert.equal((await world.call('read', `${at}auth/token/lookup-self`, {}, { token })).status, 200, at)
    }
  })

  test('is not there with the ids of namespaces changed at its end', async () => {
    const idOf = async (name: string) => (await world.ok('read', `sys/namespaces/${name}`)).data.id
    const [a, b] = [await idOf('a'), await idOf('b')]
    const { client_token: token } = admins['a/']
    const shapes = [token.replace(`.${a}`, `.${b}`), token.replace(`.${a}`, ''), `${token}.${b}`, token.replace(`.${a}`, '.root'), `${token} `]
    for (const shape of shapes) {
      for (const at of PATHS) {
        assert.equal((await world.call('read', `${at}auth/token/lookup-self`, {}, { token: shape })).status, 403, `${shape} in "${at}"`)
      }
    }
  })
})

describe('a policy', () => {
  test('is that of the namespace that the token is of, whatever others call theirs', async () => {
    const { world } = await family()
    await world.ok('write', 'a/sys/policies/acl/same', { policy: 'path "kv/*" { capabilities = ["read"] }' })
    await world.ok('write', 'b/sys/policies/acl/same', { policy: ALL })
    const { client_token: token } = (await world.ok('write', 'a/auth/token/create', { policies: ['same'] })).auth
    assert.equal((await world.call('read', 'a/kv/x', {}, { token })).status, 200)
    assert.equal((await world.call('write', 'a/kv/x', { a: 1 }, { token })).status, 403)
    assert.equal((await world.call('read', 'a/deep/kv/x', {}, { token })).status, 403)
  })

  test('names paths of the namespaces below from its own on', async () => {
    const { world } = await family()
    await world.ok('write', 'a/sys/policies/acl/down', { policy: 'path "deep/kv/*" { capabilities = ["read"] }' })
    const { client_token: token } = (await world.ok('write', 'a/auth/token/create', { policies: ['down'] })).auth
    assert.equal((await world.call('read', 'kv/x', {}, { token, namespace: 'a/deep' })).status, 200)
    assert.equal((await world.call('read', 'a/kv/x', {}, { token })).status, 403)
    await world.ok('write', 'a/sys/policies/acl/up', {
      policy: 'path "a/kv/*" { capabilities = ["read"] }\npath "../b/kv/*" { capabilities = ["read"] }',
    })
    const { client_token: up } = (await world.ok('write', 'a/auth/token/create', { policies: ['up'] })).auth
    for (const path of ['a/kv/x', 'b/kv/x', 'kv/x']) assert.equal((await world.call('read', path, {}, { token: up })).status, 403, path)
  })

  test('root is nobody that a parent can make, and no wider than its namespace', async () => {
    const { world } = await family()
    for (const name of ['root', 'Root', ' ROOT ']) {
      const said = await world.call('write', 'a/auth/token/create', { policies: [name] })
      assert.deepEqual([said.status, said.body], [400, { errors: ['root tokens may not be created from a parent namespace'] }], name)
    }
  })

  test('of its own lets nobody make tokens in a namespace below without sudo there', async () => {
    const { world } = await family()
    await world.ok('write', 'a/sys/policies/acl/maker', { policy: 'path "deep/auth/token/create" { capabilities = ["update"] }' })
    const { client_token: token } = (await world.ok('write', 'a/auth/token/create', { policies: ['maker'] })).auth
    const said = await world.call('write', 'a/deep/auth/token/create', { policies: ['default'] }, { token })
    assert.deepEqual(
      [said.status, said.body],
      [400, { errors: ['root or sudo privileges required to directly generate a token in a child namespace'] }],
    )
    await world.ok('write', 'a/sys/policies/acl/maker', { policy: 'path "deep/auth/token/create" { capabilities = ["update", "sudo"] }' })
    const { auth } = await world.ok('write', 'a/deep/auth/token/create', { policies: ['all'] }, { token })
    assert.equal((await world.call('read', 'a/deep/kv/x', {}, { token: auth.client_token })).status, 200)
    assert.equal((await world.call('read', 'a/kv/x', {}, { token: auth.client_token })).status, 403)
    await world.ok('write', 'a/auth/token/revoke-self', {}, { token })
    assert.equal((await world.call('read', 'a/deep/kv/x', {}, { token: auth.client_token })).status, 403)
  })
})

describe('what is about the server', () => {
  test('is refused in every namespace but the root, whoever asks and however', async () => {
    const { world, admins } = await family()
    const named = ['sys/health', 'sys/init', 'sys/metrics', 'sys/raw/x', 'sys/generate-root/attempt', 'sys/step-down', 'sys/storage/raft/x']
    for (const path of named) {
      const said = await world.call('read', path, {}, { namespace: 'a' })
      assert.deepEqual([said.status, said.body], [400, { errors: ['operation unavailable in namespaces'] }], path)
    }
    const others = ['sys/audit', 'sys/audit-hash/x', 'sys/key-status', 'sys/rotate/config', 'sys/quotas/config', 'sys/config/cors', 'sys/host-info']
    for (const token of [world.rootToken, admins['a/'].client_token, '']) {
      for (const path of [...named, ...others]) {
        const said = await world.call('read', `a/${path}`, {}, { token })
        assert.deepEqual([said.status, said.body], [400, { errors: ['operation only available in root namespace'] }], path)
      }
    }
    assert.equal((await world.call('write', 'a/sys/rotate')).status, 400)
    assert.equal((await world.call('write', 'sys/seal', {}, { namespace: 'a' })).status, 400)
  })

  test('but for the state of the seal and who leads, which anybody may know', async () => {
    const { world } = await family()
    for (const path of ['sys/seal-status', 'sys/leader']) {
      for (const way of ways('a/', path))
        assert.equal((await world.call('read', way.path, {}, { namespace: way.namespace, token: '' })).status, 200, path)
    }
  })
})

describe('user interfaces', () => {
  test('see the mounts and namespaces that their token can use, and no others', async () => {
    const { world, admins } = await family()
    const { client_token: token } = admins['b/']
    assert.deepEqual((await world.ok('read', 'sys/internal/ui/namespaces')).data, { keys: ['a/', 'b/'] })
    assert.deepEqual((await world.ok('read', 'a/sys/internal/ui/namespaces')).data, { keys: ['deep/'] })
    assert.deepEqual((await world.ok('read', 'sys/internal/ui/namespaces', {}, { token })).data, {})
    assert.deepEqual((await world.ok('read', 'a/sys/internal/ui/mounts', {}, { token })).data, { auth: {}, secret: {} })
    for (const path of ['sys/internal/ui/mounts/a/kv/x', 'a/sys/internal/ui/mounts/kv/x', 'sys/internal/ui/mounts/kv/x']) {
      const said = await world.call('read', path, {}, { token })
      assert.equal(said.status, 403)
      assert.match(said.body.errors[0], /^preflight capability check returned 403/)
    }
    assert.equal((await world.ok('read', 'sys/internal/ui/mounts/a/deep/kv/x')).data.path, 'a/deep/kv/')
    assert.equal((await world.ok('read', 'sys/internal/ui/mounts/deep/kv/x', {}, { namespace: 'a' })).data.path, 'deep/kv/')
  })
})

describe('cubbyholes', () => {
  test('of one token in two namespaces are two, and both end with it', async () => {
    const { world, admins } = await family()
    const { client_token: token } = admins['']
    await world.ok('write', 'cubbyhole/x', { at: 'root' }, { token })
    await world.ok('write', 'a/cubbyhole/x', { at: 'a' }, { token })
    assert.deepEqual((await world.ok('read', 'cubbyhole/x', {}, { token })).data, { at: 'root' })
    assert.deepEqual((await world.ok('read', 'a/cubbyhole/x', {}, { token })).data, { at: 'a' })
    assert.equal((await world.call('read', 'b/cubbyhole/x', {}, { token })).status, 404)
    assert.deepEqual((await world.ok('list', 'cubbyhole', {}, { token })).data.keys, ['x'])
    const count = () => [...world.store.keys({ prefix: 'data/' })].length
    const all = count()
    await world.ok('write', 'auth/token/revoke', { token })
    assert.equal(count(), all - 2)
  })
})

describe('a lock', () => {
  test('keeps everybody out, of all below too, until its key ends it', async () => {
    const { world } = await family()
    const { unlock_key: key } = (await world.ok('write', 'sys/namespaces/api-lock/lock/a')).data
    const text = 'API access to this namespace has been locked by an administrator - "a/" must be unlocked to gain access.'
    const shut = (said: Said) => assert.deepEqual([said.status, said.body], [503, { errors: [text] }])
    for (const path of ['a/kv/x', 'a/deep/sys/mounts', 'a/nowhere', 'a/sys/namespaces/api-lock/unlock/deep']) shut(await world.call('read', path))
    shut(await world.call('write', 'a/auth/up/login/ann', { password: 'p' }, { token: '' }))
    assert.equal((await world.call('read', 'b/kv/x')).status, 200)
    const refusals = [
      ['a/sys/namespaces/api-lock/unlock', { unlock_key: 'no' }, 'incorrect unlock key'],
      ['sys/namespaces/api-lock/lock/a', {}, 'cannot lock namespace "a/": is already locked'],
      ['sys/namespaces/api-lock/lock/a/deep', {}, 'cannot lock namespace "a/deep/": ancestor namespace "a/" is already locked'],
      ['sys/namespaces/api-lock/unlock/a/deep', {}, 'namespace "a/deep/" is not locked'],
      ['sys/namespaces/api-lock/lock', {}, 'root namespace cannot be locked/unlocked'],
      ['sys/namespaces/api-lock/lock/none', {}, 'requested namespace does not exist'],
    ] as const
    for (const [path, data, text] of refusals) {
      const said = await world.call('write', path, data)
      assert.deepEqual([said.status, said.body], [400, { errors: [text] }], path)
    }
    assert.equal((await world.ok('read', 'sys/namespaces/a')).data.locked, true)
    assert.equal((await world.call('write', 'a/sys/namespaces/api-lock/unlock', { unlock_key: key })).status, 204)
    assert.equal((await world.call('read', 'a/kv/x')).status, 200)
  })

  test('is ended without its key by sudo alone', async () => {
    const { world } = await family()
    await world.ok('write', 'sys/namespaces/api-lock/lock/a')
    await world.ok('write', 'sys/policies/acl/p', { policy: 'path "sys/namespaces/api-lock/*" { capabilities = ["update"] }' })
    const { client_token: token } = (await world.ok('write', 'auth/token/create', { policies: ['p'] })).auth
    const said = await world.call('write', 'sys/namespaces/api-lock/unlock/a', {}, { token })
    assert.deepEqual([said.status, said.body], [400, { errors: ['provided empty key'] }])
    const { warnings } = await world.ok('write', 'sys/namespaces/api-lock/unlock/a')
    assert.deepEqual(warnings, ['Namespace unlocked using sudo capabilities'])
  })
})

// sys/internal/ui through a whole server: what a client learns of mounts, namespaces and its own rights before it asks for a secret.
import assert from 'node:assert/strict'
import { before, describe, test } from 'node:test'
import { openWorld, type World } from '../testing/world.ts'

const POLICY = `
path "kv/a" {
  capabilities = ["read", "create"]
  allowed_parameters = { "x" = [1, "b"] }
  denied_parameters = { "y" = [] }
  required_parameters = ["z"]
  min_wrapping_ttl = "5s"
  max_wrapping_ttl = "1m"
}
path "kv/b/*" { capabilities = ["list", "sudo"] }
path "kv/+/c" { capabilities = ["read"] }
path "secret/*" { capabilities = ["deny", "read"] }
path "inner/kv/x" { capabilities = ["read"] }
`

let world: World
let teamToken: string
before(async () => {
  world = await openWorld()
  for (const name of ['team', 'other', 'team/inner'])
    await world.ok('write', `sys/namespaces/${name}`.replace('sys/namespaces/team/', 'team/sys/namespaces/'))
  for (const at of ['', 'team/', 'team/inner/']) await world.ok('write', `${at}sys/mounts/kv`, { type: 'kv', description: `kv of ${at}` })
  await world.ok('write', 'team/sys/mounts/hidden', { type: 'kv' })
  await world.ok('write', 'team/sys/mounts/shown', { type: 'kv', description: 'seen', config: { listing_visibility: 'unauth' } })
  await world.ok('write', 'team/sys/auth/up', { type: 'userpass', config: { listing_visibility: 'unauth' } })
  await world.ok('write', 'team/sys/policies/acl/p', { policy: POLICY })
  teamToken = (await world.ok('write', 'team/auth/token/create', { policies: ['p'], no_default_policy: true })).auth.client_token
})

const ask = (path: string, token = teamToken) => world.call('read', path, {}, { token })
const read = async (path: string, token?: string) => (await ask(path, token)).body.data

describe('mounts', () => {
  test('without a token are those made visible, of the namespace that is asked', async () => {
    const { auth, secret } = await read('team/sys/internal/ui/mounts', '')
    assert.deepEqual(auth, { 'up/': { description: '', type: 'userpass', options: {} } })
    assert.deepEqual(secret, { 'shown/': { description: 'seen', type: 'kv', options: {} } })
    assert.deepEqual(await read('sys/internal/ui/mounts', ''), { auth: {}, secret: {} })
  })

  test('with one are those that it can use besides', async () => {
    const { auth, secret } = await read('team/sys/internal/ui/mounts')
    assert.deepEqual([Object.keys(auth), Object.keys(secret)], [['up/'], ['kv/', 'shown/']])
    assert.deepEqual(Object.keys((await read('team/inner/sys/internal/ui/mounts')).secret), ['kv/'])
    assert.deepEqual(await read('sys/internal/ui/mounts'), { auth: {}, secret: {} })
    assert.deepEqual(await read('other/sys/internal/ui/mounts'), { auth: {}, secret: {} })
  })

  test('are found by a path below them, in namespaces below as well', async () => {
    const FOUND = [
      ['team/sys/internal/ui/mounts/kv', 'kv/', 'kv of team/'],
      ['team/sys/internal/ui/mounts/kv/a/b', 'kv/', 'kv of team/'],
      ['team/sys/internal/ui/mounts/inner/kv/x', 'inner/kv/', 'kv of team/inner/'],
      ['team/inner/sys/internal/ui/mounts/kv/x', 'kv/', 'kv of team/inner/'],
    ] as const
    for (const [asked, path, description] of FOUND) {
      const found = await read(asked)
      assert.deepEqual([found.path, found.description], [path, description], asked)
    }
    assert.equal((await read('team/sys/internal/ui/mounts/auth/token', world.rootToken)).path, 'token/')
  })

  test('are refused where the caller can do nothing there, in the same words as where there is nothing', async () => {
    const refusal = (path: string) => ({
      errors: [`preflight capability check returned 403, please ensure client's policies grant access to path "${path}/"`],
    })
    for (const path of ['hidden', 'nope', 'nope/x', 'auth/up', 'inner/nope']) {
      const { status, body } = await ask(`team/sys/internal/ui/mounts/${path}`)
      assert.deepEqual([status, body], [403, refusal(path)], path)
    }
    for (const asked of ['sys/internal/ui/mounts/kv', 'other/sys/internal/ui/mounts/sys']) assert.equal((await ask(asked)).status, 403, asked)
    assert.equal((await ask('team/sys/internal/ui/mounts/shown', '')).status, 403)
  })
})

test('namespaces are those directly within, of which the caller can use something', async () => {
  assert.deepEqual((await read('sys/internal/ui/namespaces', world.rootToken)).keys, ['other/', 'team/'])
  assert.deepEqual((await read('team/sys/internal/ui/namespaces')).keys, ['inner/'])
  for (const at of ['', 'other/', 'team/inner/']) assert.deepEqual(await read(`${at}sys/internal/ui/namespaces`), {}, at)
  assert.equal((await ask('sys/internal/ui/namespaces', '')).status, 403)
})

describe('the rights of the caller', () => {
  const RIGHTS = 'sys/internal/ui/resultant-acl'

  test('are all that its policies add up to, by full path', async () => {
    const { client_token: token } = (await world.ok('write', 'team/auth/token/create', { policies: ['p', 'default'] })).auth
    const { exact_paths: exact, glob_paths: glob, root } = await read(`team/${RIGHTS}`, token)
    assert.equal(root, false)
    assert.deepEqual(exact['team/kv/a'], {
      capabilities: ['create', 'read'],
      allowed_parameters: { x: [1, 'b'] },
      denied_parameters: { y: [] },
      required_parameters: ['z'],
      min_wrapping_ttl: 5,
      max_wrapping_ttl: 60,
    })
    assert.deepEqual(exact['team/auth/token/lookup-self'], { capabilities: ['read'] })
    assert.deepEqual(glob['team/kv/b/'], { capabilities: ['list', 'sudo'] })
    assert.deepEqual(glob['team/secret/'], { capabilities: ['deny'] })
    assert.ok([...Object.keys(exact), ...Object.keys(glob)].every((path) => path.startsWith('team/') && !path.includes('+')))
  })

  test('are everything for root', async () => assert.deepEqual(await read(RIGHTS, world.rootToken), { root: true }))

  test('are told to those alone who may ask', async () => {
    for (const [path, token] of [
      [`team/${RIGHTS}`, teamToken],
      [RIGHTS, teamToken],
      [RIGHTS, ''],
    ] as const) {
      assert.equal((await ask(path, token)).status, 403, path)
    }
  })
})

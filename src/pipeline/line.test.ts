// The request line through a whole server: routing, authority, statuses and texts that clients read.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { openWorld, type World } from '../testing/world.ts'

async function withKv(): Promise<World> {
  const world = await openWorld()
  await world.ok('write', 'sys/mounts/secret', { type: 'kv', options: { version: '2' } })
  return world
}

async function tokenWith(world: World, policy: string): Promise<string> {
  await world.ok('write', 'sys/policies/acl/test', { policy })
  return (await world.ok('write', 'auth/token/create', { policies: ['test'] })).auth.client_token
}

const core = (text: string) => `1 error occurred:\n\t* ${text}\n\n`

describe('statuses and texts', () => {
  test('for the holder of root', async () => {
    const world = await withKv()
    const table: readonly [Parameters<World['call']>[0], string, number, string[]][] = [
      ['read', 'nope/x', 404, ['no handler for route "nope/x". route entry not found.']],
      ['read', 'sys/nope', 404, [core('unsupported path')]],
      ['delete', 'sys/mounts', 405, [core('unsupported operation')]],
      ['read', 'secret/data/none', 404, []],
      ['read', 'sys/mounts/nope', 400, ['No secret engine mount at nope/']],
    ]
    for (const [verb, path, status, errors] of table) {
      const said = await world.call(verb, path)
      assert.equal(said.status, status, path)
      assert.deepEqual(said.body, { errors }, path)
    }
  })

  test('without a token, or with a wrong one, nothing is told apart', async () => {
    const world = await withKv()
    for (const token of ['', 'hvs.wrong']) {
      for (const path of ['secret/data/x', 'nope/x', 'sys/nope', 'sys/mounts']) {
        const said = await world.call('read', path, {}, { token })
        assert.equal(said.status, 403)
        assert.deepEqual(said.body, { errors: ['permission denied'] })
      }
    }
  })

  test('with a token that may not, nothing is told apart either', async () => {
    const world = await withKv()
    const token = await tokenWith(world, 'path "secret/data/mine" { capabilities = ["read"] }')
    for (const path of ['secret/data/x', 'nope/x', 'sys/nope', 'sys/policies/acl/test']) {
      const said = await world.call('read', path, {}, { token })
      assert.equal(said.status, 403)
      assert.deepEqual(said.body, { errors: [core('permission denied')] })
    }
    assert.equal((await world.call('read', 'secret/data/mine', {}, { token })).status, 404)
  })

  test('a slash at the end is another path: only lists have it', async () => {
    const world = await withKv()
    await world.ok('write', 'secret/data/hidden', { data: { a: '1' } })
    const token = await tokenWith(world, 'path "secret/*" { capabilities = ["read"] }\npath "secret/data/hidden" { capabilities = ["deny"] }')
    assert.equal((await world.call('read', 'secret/data/hidden', {}, { token })).status, 403)
    const said = await world.call('read', 'secret/data/hidden/', {}, { token })
    assert.equal(said.status, 404)
    assert.deepEqual(said.body, { errors: [core('unsupported path')] })
  })

  test('unknown parameters, and ones the path replaces, are warned of', async () => {
    const world = await withKv()
    const { warnings } = await world.ok('write', 'sys/policies/acl/p', { policy: 'path "a" {}', name: 'other', zzz: 1, aaa: 2 })
    assert.deepEqual(warnings, [
      'Endpoint ignored these unrecognized parameters: [aaa zzz]',
      "Endpoint replaced the value of these parameters with the values captured from the endpoint's path: [name]",
    ])
  })

  test('a body that is no JSON object is refused', async () => {
    const world = await withKv()
    for (const body of ['{', '[1]', '1', '"x"', '{"a":1} x', '\ufeff{}', '{"a":"\xff"}']) {
      const said = await world.call('write', 'secret/data/x', {}, { body: Buffer.from(body, 'latin1') })
      assert.equal(said.status, 400, body)
      assert.match(said.body.errors[0], /^failed to parse JSON input: /)
    }
    assert.equal((await world.call('read', 'secret/data/x')).status, 404)
  })

  test('numbers come back as they were sent', async () => {
    const world = await withKv()
    const data = '{"big":9007199254740993,"one":1.0,"huge":1e400,"neg":-0,"ten":10}'
    await world.ok('write', 'secret/data/n', {}, { body: Buffer.from(`{"data":${data}}`) })
    const { answer } = await world.call('read', 'secret/data/n')
    assert.ok(answer.body.toString().includes(`"data":${data}`))
  })
})

describe('create and update', () => {
  test('are told apart by whether the thing exists', async () => {
    const world = await withKv()
    const token = await tokenWith(world, 'path "secret/data/*" { capabilities = ["create"] }')
    assert.equal((await world.call('write', 'secret/data/x', { data: { a: '1' } }, { token })).status, 200)
    assert.equal((await world.call('write', 'secret/data/x', { data: { a: '2' } }, { token })).status, 403)
  })
})

describe('sealing', () => {
  test('ends every answer but those about the state', async () => {
    const world = await withKv()
    assert.equal((await world.call('write', 'sys/seal')).status, 204)
    for (const path of ['secret/data/x', 'sys/mounts', 'auth/token/lookup-self']) {
      const said = await world.call('read', path)
      assert.equal(said.status, 503)
      assert.deepEqual(said.body, { errors: ['Vault is sealed'] })
    }
    assert.equal((await world.call('read', 'sys/health', {}, { token: '' })).status, 503)
    assert.equal((await world.call('read', 'sys/health', { sealedcode: '299' })).status, 299)
    assert.equal((await world.ok('read', 'sys/seal-status')).sealed, true)
  })

  test('is undone by the share, with everything there', async () => {
    const world = await withKv()
    await world.ok('write', 'secret/data/x', { data: { a: '1' } })
    await world.ok('write', 'sys/seal')
    const status = await world.ok('write', 'sys/unseal', { key: world.share.toString('base64') }, { token: '' })
    assert.equal(status.sealed, false)
    assert.deepEqual((await world.ok('read', 'secret/data/x')).data.data, { a: '1' })
  })

  test('needs sudo', async () => {
    const world = await withKv()
    const token = await tokenWith(world, 'path "sys/seal" { capabilities = ["update"] }')
    assert.equal((await world.call('write', 'sys/seal', {}, { token })).status, 403)
    const sudo = await tokenWith(world, 'path "sys/seal" { capabilities = ["update", "sudo"] }')
    assert.equal((await world.call('write', 'sys/seal', {}, { token: sudo })).status, 204)
  })
})

describe('initialising', () => {
  test('makes shares and a root token, once', async () => {
    const world = await openWorld({ blank: true })
    assert.equal((await world.call('read', 'sys/health', {}, { token: '' })).status, 501)
    assert.deepEqual((await world.call('read', 'sys/init')).body, { initialized: false })
    const made = await world.ok('write', 'sys/init', { secret_shares: 3, secret_threshold: 2 }, { token: '' })
    assert.equal(made.keys.length, 3)
    assert.equal(made.keys_base64.length, 3)
    assert.deepEqual((await world.call('write', 'sys/init', { secret_shares: 1, secret_threshold: 1 })).body.errors, ['Vault is already initialized'])
    assert.equal((await world.ok('write', 'sys/unseal', { key: made.keys[0] })).progress, 1)
    assert.equal((await world.ok('write', 'sys/unseal', { key: made.keys_base64[2] })).sealed, false)
    assert.equal((await world.ok('read', 'auth/token/lookup-self', {}, { token: made.root_token })).data.path, 'auth/token/root')
  })

  test('refuses what it can not do', async () => {
    const world = await openWorld({ blank: true })
    const bad = [
      { secret_shares: 1, secret_threshold: 2 },
      { secret_shares: 0 },
      { secret_shares: 300, secret_threshold: 2 },
      { secret_shares: 1, secret_threshold: 1, pgp_keys: ['x'] },
    ]
    for (const data of bad) assert.equal((await world.call('write', 'sys/init', data)).status, 400)
    assert.deepEqual((await world.call('read', 'sys/init')).body, { initialized: false })
  })
})

test('help is for whoever has a token', async () => {
  const world = await withKv()
  const said = await world.ok('help', 'auth/token/lookup-self')
  assert.match(said.help, /Matching Route: lookup-self/)
  assert.ok(said.openapi.paths['/lookup-self'].get)
  assert.match((await world.ok('help', 'secret')).help, /## PATHS/)
  assert.equal((await world.call('help', 'auth/token/lookup-self', {}, { token: '' })).status, 403)
})

test('the OpenAPI document has every mount', async () => {
  const world = await withKv()
  const document = await world.ok('read', 'sys/internal/specs/openapi')
  assert.equal(document.openapi, '3.0.3')
  for (const path of ['/secret/data/{path}', '/auth/token/create', '/sys/mounts/{path}/tune', '/cubbyhole/{path}']) {
    assert.ok(document.paths[path], path)
  }
})

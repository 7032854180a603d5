// The audit trail through a whole server: what is recorded, what is hashed, and that nothing is served unrecorded.
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { describe, test } from 'node:test'
import { readPublicKey } from '../crypto/signature.ts'
import { verifyTexts } from '../testing/audit-log.ts'
import { openWorld, type World } from '../testing/world.ts'

const FILE = '/var/log/signet-audit.log'

async function audited(): Promise<World> {
  const world = await openWorld()
  await world.ok('write', 'sys/mounts/secret', { type: 'kv', options: { version: '2' } })
  await world.ok('write', 'sys/audit/file', { type: 'file', options: { file_path: FILE } })
  return world
}

async function hashOf(world: World, text: string): Promise<string> {
  return (await world.ok('write', 'sys/audit-hash/file', { input: text })).data.hash
}

describe('a record', () => {
  test('is written before and after, with every text hashed', async () => {
    const world = await audited()
    const from = world.audit(FILE).length
    await world.ok('write', 'secret/data/db', { data: { password: 'hunter2', port: 5432, on: true } }, { id: 'the-id' })
    const [request, response] = world.audit(FILE).slice(from)
    assert.equal(request.type, 'request')
    assert.equal(request.request.id, 'the-id')
    assert.equal(request.request.operation, 'create')
    assert.equal(request.request.path, 'secret/data/db')
    assert.equal(request.request.mount_type, 'kv')
    assert.deepEqual(request.request.data, { data: { password: await hashOf(world, 'hunter2'), port: 5432, on: true } })
    assert.equal(request.request.client_token, await hashOf(world, world.rootToken))
    assert.deepEqual(request.auth.policies, ['root'])
    assert.deepEqual(request.auth.policy_results, { allowed: true, granting_policies: [{ name: 'root', namespace_id: 'root', type: 'acl' }] })
    assert.equal(response.type, 'response')
    assert.equal(response.response.data.version, 1)
  })

  test('tells update from create', async () => {
    const world = await audited()
    await world.ok('write', 'secret/data/x', { data: { a: '1' } })
    await world.ok('write', 'secret/data/x', { data: { a: '2' } })
    const operations = world.audit(FILE).filter(({ type, request }) => type === 'request' && request.path === 'secret/data/x')
    assert.deepEqual(
      operations.map(({ request }) => request.operation),
      ['create', 'update'],
    )
  })

  test('of a login shows the new token as a hash only', async () => {
    const world = await audited()
    await world.ok('write', 'sys/auth/userpass', { type: 'userpass' })
    await world.ok('write', 'auth/userpass/users/ann', { password: 'correct horse' })
    const { auth } = await world.ok('write', 'auth/userpass/login/ann', { password: 'correct horse' }, { token: '' })
    const last = world.audit(FILE).at(-1)
    assert.equal(last.response.auth.client_token, await hashOf(world, auth.client_token))
    assert.equal(last.response.auth.display_name, 'userpass-ann')
    const text = JSON.stringify(world.audit(FILE))
    for (const secret of [auth.client_token, auth.accessor, 'correct horse']) assert.equal(text.includes(secret), false)
  })

  test('shows in clear what the mount exempts', async () => {
    const world = await audited()
    await world.ok('write', 'sys/mounts/secret/tune', { audit_non_hmac_request_keys: 'user', audit_non_hmac_response_keys: ['user'] })
    await world.ok('write', 'secret/data/x', { data: { user: 'ann', password: 'p' } })
    await world.ok('read', 'secret/data/x')
    const records = world.audit(FILE).filter(({ request }) => request.path === 'secret/data/x')
    assert.equal(records[0].request.data.data.user, 'ann')
    assert.match(records[0].request.data.data.password, /^hmac-sha256:/)
    assert.equal(records.at(-1).response.data.data.user, 'ann')
  })

  test('of a refusal says how far it got', async () => {
    const world = await audited()
    const from = world.audit(FILE).length
    await world.call('read', 'secret/data/x', {}, { token: 'hvs.wrong' })
    const { auth } = await world.ok('write', 'auth/token/create', { policies: ['default'] })
    await world.call('read', 'secret/data/x', {}, { token: auth.client_token })
    await world.call('write', 'secret/data/x', {}, { body: Buffer.from('{"broken"') })
    const errors = world
      .audit(FILE)
      .slice(from)
      .filter(({ error }) => error)
    const types = errors.map(({ type }) => type)
    assert.deepEqual(types, ['request', 'response', 'request', 'response', 'request', 'response'])
    assert.equal(errors[0].auth.accessor, undefined)
    assert.equal(errors[2].auth.policy_results.allowed, false)
    assert.equal(JSON.stringify(errors).includes('hvs.wrong'), false)
  })
})

describe('a device that fails', () => {
  test('stops every answer, and what was not recorded did not happen', async () => {
    const world = await audited()
    await world.ok('write', 'secret/data/x', { data: { a: 'before' } })
    world.breakAudit(new Error('no space left'))
    const read = await world.call('read', 'secret/data/x')
    assert.equal(read.status, 500)
    assert.deepEqual(read.body, { errors: ['internal error'] })
    assert.equal((await world.call('write', 'secret/data/x', { data: { a: 'after' } })).status, 500)
    assert.deepEqual((await world.ok('read', 'sys/health')).audit, { devices: 1, failing: 1, stalled: 0 })
    world.breakAudit(undefined)
    assert.equal((await world.ok('read', 'secret/data/x')).data.data.a, 'before')
  })

  test('is refused when it is enabled', async () => {
    const world = await openWorld()
    world.breakAudit(new Error('read-only file system'))
    const { status } = await world.call('write', 'sys/audit/file', { type: 'file', options: { file_path: FILE } })
    assert.equal(status, 400)
    assert.deepEqual((await world.ok('read', 'sys/audit')).data, {})
  })

  test('does not matter while another one works', async () => {
    const world = await audited()
    await world.ok('write', 'sys/audit/second', { type: 'file', options: { file_path: '/other.log' } })
    assert.equal((await world.call('read', 'secret/data/none')).status, 404)
    assert.ok(world.audit('/other.log').length > 0)
  })
})

test('enabling, listing and disabling a device', async () => {
  const world = await openWorld()
  const file = { file_path: FILE }
  const refused: readonly [Record<string, any>, string][] = [
    [{}, 'unknown backend type: ""'],
    [{ type: 'nope' }, 'unknown backend type: "nope"'],
    [{ type: 'file' }, 'file_path is required'],
    [{ type: 'file', options: { file_path: 'relative.log' } }, 'file_path must be an absolute path, "stdout" or "discard"'],
    [
      { type: 'file', options: { file_path: '/home/ann/.bashrc' } },
      'file_path must name a file, without hidden folders, dot segments or control characters',
    ],
    [{ type: 'file', options: { ...file, prefix: '#!' } }, 'audit log prefixing is not allowed'],
    [{ type: 'file', options: { ...file, mode: '0755' } }, 'the file mode "0755" does more than let read and write'],
    [{ type: 'file', options: { ...file, mode: 'abc' } }, 'the file mode "abc" is not an octal number'],
    [{ type: 'file', options: { ...file, log_raw: 'true' } }, 'log_raw shows secrets in clear; only a device of the configuration may have it'],
    [{ type: 'file', options: { ...file, format: 'jsonx' } }, 'the format "jsonx" is not supported; leave "format" out or set it to "json"'],
    [{ type: 'file', options: { ...file, format: 'xml' } }, 'unknown format type "xml"'],
    [{ type: 'file', options: { ...file, nope: '1' } }, 'audit option "nope" is not supported by the file device'],
    [
      { type: 'file', options: { ...file, filter: 'x == y' } },
      'cannot parse the audit filter: "x" is none of mount_point, mount_type, namespace, operation, path',
    ],
    [
      { type: 'file', options: { ...file, filter: 'path == y', fallback: true } },
      'cannot configure a fallback device with a filter: invalid parameter',
    ],
  ]
  for (const [data, message] of refused) assert.deepEqual((await world.call('write', 'sys/audit/a', data)).body.errors, [message])
  assert.deepEqual((await world.ok('read', 'sys/audit')).data, {})
  await world.ok('write', 'sys/audit/a/b', { type: 'file', options: file, description: 'd' })
  for (const path of ['a', 'a/b', 'a/b/c']) {
    assert.equal(
      (await world.call('write', `sys/audit/${path}`, { type: 'file', options: { file_path: '/2.log' } })).body.errors[0],
      'path already in use',
    )
  }
  const { data } = await world.ok('read', 'sys/audit')
  assert.deepEqual(data['a/b/'], { description: 'd', local: false, options: file, path: 'a/b/', type: 'file' })
  await world.ok('delete', 'sys/audit/a/b')
  await world.ok('delete', 'sys/audit/a/b')
  assert.deepEqual((await world.ok('read', 'sys/audit')).data, {})
})

describe('options', () => {
  const enable = (world: World, path: string, options: Record<string, any>) =>
    world.ok('write', `sys/audit/${path}`, { type: 'file', options: { file_path: `/${path}.log`, ...options } })

  test('accessors in clear, and lists as counts', async () => {
    const world = await audited()
    await enable(world, 'plain', { hmac_accessor: false, elide_list_responses: true })
    await world.ok('write', 'secret/data/x', { data: { a: '1' } })
    await world.ok('write', 'secret/data/y', { data: { a: '1' } })
    await world.ok('list', 'secret/metadata')
    const { accessor } = (await world.ok('read', 'auth/token/lookup-self')).data
    const [hashed] = world.audit(FILE).slice(-1)
    const [clear] = world.audit('/plain.log').slice(-1)
    assert.match(hashed.auth.accessor, /^hmac-sha256:/)
    assert.equal(clear.auth.accessor, accessor)
    assert.equal(clear.request.client_token_accessor, accessor)
    assert.match(clear.auth.client_token, /^hmac-sha256:/)
    const listed = (path: string) => world.audit(path).find(({ type, request }) => type === 'response' && request.operation === 'list').response.data
    assert.equal(listed(FILE).keys.length, 2)
    assert.equal(listed('/plain.log').keys, 2)
  })

  test('filters share out the records, and the fallback has the rest', async () => {
    const world = await openWorld()
    await world.ok('write', 'sys/mounts/secret', { type: 'kv', options: { version: '2' } })
    const { warnings } = await enable(world, 'reads', { filter: 'mount_type == kv and operation == read' })
    assert.match(warnings[0], /^Every enabled audit device has a filter/)
    assert.equal(await enable(world, 'rest', { fallback: true }), undefined)
    await world.call('read', 'secret/data/x')
    await world.ok('write', 'secret/data/x', { data: {} })
    const seen = (path: string) => world.audit(path).map(({ request }) => `${request.operation} ${request.path}`)
    assert.deepEqual(new Set(seen('/reads.log')), new Set(['read secret/data/x']))
    assert.ok(seen('/rest.log').includes('create secret/data/x') && !seen('/rest.log').includes('read secret/data/x'))
    await world.ok('delete', 'sys/audit/rest')
    await world.ok('write', 'secret/data/x', { data: {} })
    const { body } = await world.call('read', 'sys/metrics', { format: 'prometheus' })
    assert.match(body, /^vault_audit_fallback_miss [1-9]/m)
  })

  test('a filter for one namespace', async () => {
    const world = await openWorld()
    await world.ok('write', 'sys/namespaces/team', {})
    await enable(world, 'team', { filter: 'namespace == "team/"' })
    await world.ok('read', 'sys/mounts')
    await world.ok('read', 'sys/mounts', {}, { namespace: 'team' })
    const records = world.audit('/team.log')
    assert.equal(records.length, 2)
    assert.equal(records[0].request.namespace.path, 'team/')
    const { auth } = await world.ok('write', 'auth/token/create', { policies: ['default'] }, { namespace: 'team' })
    await world.ok('read', 'auth/token/lookup-self', {}, { namespace: 'team', token: auth.client_token })
    const { client_id: id } = world.audit('/team.log').at(-1).request
    assert.notEqual(id, createHash('sha256').update('default\0root').digest('base64'))
    assert.match(id, /^[\w+/]{43}=$/)
  })

  test('standard output and nowhere', async () => {
    const world = await openWorld()
    await world.ok('write', 'sys/audit/none', { type: 'file', options: { file_path: 'discard' } })
    await world.ok('write', 'sys/audit/out', { type: 'file', options: { file_path: 'STDOUT' } })
    await world.ok('read', 'sys/mounts')
    assert.equal(world.audit('stdout').at(-1).request.path, 'sys/mounts')
  })
})

describe('devices of the configuration', () => {
  const spec = { path: 'cfg/', type: 'file', description: '', options: { file_path: FILE, log_raw: 'true' }, local: false } as const

  test('are there from the first record, may show everything, and stay', async () => {
    const world = await openWorld({ audit: { devices: [spec] } })
    await world.ok('write', 'sys/mounts/secret', { type: 'kv', options: { version: '2' } })
    await world.ok('write', 'secret/data/x', { data: { a: 'clear' } })
    assert.equal(world.audit(FILE).at(-2).request.data.data.a, 'clear')
    assert.equal(world.audit(FILE)[0].request.path, 'sys/mounts/secret')
    assert.deepEqual((await world.call('delete', 'sys/audit/cfg')).body.errors, ['cannot disable configuration-managed audit device'])
    assert.deepEqual(Object.keys((await world.ok('read', 'sys/audit')).data), ['cfg/'])
  })

  test('keep their salt when their options change, and go when they are taken out', async () => {
    const first = await openWorld({ audit: { devices: [spec] } })
    const hash = async (world: World) => (await world.ok('write', 'sys/audit-hash/cfg', { input: 'x' })).data.hash
    const changed = await openWorld({ after: first, audit: { devices: [{ ...spec, options: { file_path: '/new.log' } }] } })
    const before = await hash(changed)
    assert.match(before, /^hmac-sha256:/)
    assert.equal(changed.audit('/new.log').length > 0, true)
    assert.equal(await hash(await openWorld({ after: changed, audit: { devices: [{ ...spec, options: { file_path: '/newer.log' } }] } })), before)
    const without = await openWorld({ after: changed })
    await without.ok('read', 'sys/mounts')
    assert.deepEqual((await without.ok('read', 'sys/audit')).data, {})
  })

  test('can be the only ones', async () => {
    const world = await openWorld({ audit: { apiCreation: false } })
    const { status, body } = await world.call('write', 'sys/audit/a', { type: 'file', options: { file_path: FILE } })
    assert.equal(status, 400)
    assert.match(body.errors[0], /cannot be enabled through the API here/)
  })
})

describe('request headers', () => {
  test('are recorded where they are named, hashed or not, and credentials never in clear', async () => {
    const world = await audited()
    const at = 'sys/config/auditing/request-headers'
    assert.deepEqual((await world.ok('read', at)).data, { headers: {} })
    assert.deepEqual((await world.call('read', `${at}/X-Foo`)).body.errors, ['Could not find header in config'])
    await world.ok('write', `${at}/X-Foo`, { hmac: true })
    await world.ok('write', `${at}/X-Bar`)
    assert.deepEqual((await world.ok('read', `${at}/X-Foo`)).data, { 'X-Foo': { hmac: true } })
    assert.deepEqual((await world.ok('read', at)).headers, { 'x-bar': { hmac: false }, 'x-foo': { hmac: true } })
    assert.match((await world.call('write', `${at}/X-Vault-Token`)).body.errors[0], /carries credentials/)
    assert.equal((await world.call('write', `${at}/no good`)).status, 400)
    await world.ok('read', 'sys/mounts', {}, { headers: ['x-foo', 'one', 'X-FOO', 'two', 'X-Bar', 'shown', 'X-Other', 'not'] })
    const { headers } = world.audit(FILE).at(-1).request
    assert.deepEqual(headers, { 'x-foo': [await hashOf(world, 'one'), await hashOf(world, 'two')], 'x-bar': ['shown'] })
    await world.ok('delete', `${at}/X-Foo`)
    assert.deepEqual((await world.ok('read', at)).data.headers, { 'x-bar': { hmac: false } })
  })
})

test('what was refused is named by its class, and what the client was told only as a hash', async () => {
  const world = await audited()
  const from = world.audit(FILE).length
  await world.call('write', 'secret/data/x', { data: { a: '1' }, options: { cas: 'canary' } })
  const [request, response] = world.audit(FILE).slice(from)
  assert.equal(request.error, undefined)
  assert.equal(response.error, '1 error occurred:\n\t* invalid request\n\n')
  assert.match(response.response.data.error, /^hmac-sha256:/)
  assert.equal(JSON.stringify(response).includes('canary'), false)
})

test('the chain of a live log holds, and the server tells its key and how far it has come', async () => {
  const world = await audited()
  await world.ok('write', 'secret/data/x', { data: { a: '1' } })
  world.kernel.reopen()
  await world.ok('read', 'secret/data/x')
  const { data } = await world.ok('read', 'sys/audit-chain/file')
  assert.deepEqual((await world.ok('read', 'sys/audit-chain')).data, { algorithm: 'ed25519', key_id: data.key_id, public_key: data.public_key })
  const key = { id: data.key_id, key: readPublicKey(data.public_key) }
  const report = verifyTexts(new Map([[FILE, world.files.text(FILE)]]), { key, heads: data.chains })
  assert.deepEqual(report.findings, [])
  assert.equal(data.chains.length, 1)
  await world.ok('write', 'sys/seal')
  const sealed = verifyTexts(new Map([[FILE, world.files.text(FILE)]]), { key, heads: data.chains, complete: true })
  assert.deepEqual([sealed.findings, sealed.chains[0]?.ended, sealed.notes], [[], true, []])
})

test('uses left and lifetimes are those that Vault tells', async () => {
  const world = await audited()
  const { auth } = await world.ok('write', 'auth/token/create', { policies: ['default'], num_uses: 3, ttl: '1h' })
  const remaining: number[] = []
  for (let n = 0; n < 3; n++) {
    await world.ok('read', 'auth/token/lookup-self', {}, { token: auth.client_token })
    remaining.push(world.audit(FILE).at(-1).auth.remaining_uses)
  }
  assert.deepEqual(remaining, [3, 2, 1])
  const renewed = await world.ok('write', 'auth/token/create', { policies: ['default'], ttl: '1h' })
  await world.ok('write', 'auth/token/renew', { token: renewed.auth.client_token, increment: '5m' })
  const { response } = world.audit(FILE).at(-1)
  assert.equal(response.auth.token_ttl, 300)
  assert.equal(response.auth.token_type, 'service')
  const { wrap_info: info } = await world.ok('read', 'sys/mounts', {}, { wrapTtl: 60 })
  assert.deepEqual(Object.keys(world.audit(FILE).at(-1).response.wrap_info), ['ttl', 'token', 'accessor', 'creation_time', 'creation_path'])
  await world.ok('write', 'sys/wrapping/unwrap', {}, { token: info.token })
  assert.equal(world.audit(FILE).at(-1).auth.remaining_uses, 1)
})

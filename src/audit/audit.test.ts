// The audit trail through a whole server: what is recorded, what is hashed, and that nothing is served unrecorded.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
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
  const refused: readonly [Record<string, any>, string][] = [
    [{ type: 'syslog' }, 'unknown audit device type "syslog"; "file" is supported'],
    [{ type: 'file' }, 'file_path is required'],
    [{ type: 'file', options: { file_path: 'relative.log' } }, 'file_path must be an absolute path or "stdout"'],
    [{ type: 'file', options: { file_path: FILE, prefix: '#!' } }, 'audit option "prefix" is not supported'],
    [{ type: 'file', options: { file_path: FILE, mode: '0755' } }, 'audit files always have the mode 0600'],
    [{ type: 'file', options: { file_path: FILE, log_raw: 'true' } }, 'log_raw is not supported: records are always hashed'],
  ]
  for (const [data, message] of refused) assert.deepEqual((await world.call('write', 'sys/audit/a', data)).body.errors, [message])
  await world.ok('write', 'sys/audit/a', { type: 'file', options: { file_path: FILE }, description: 'd' })
  assert.equal((await world.call('write', 'sys/audit/a', { type: 'file', options: { file_path: FILE } })).body.errors[0], 'path already in use')
  const { data } = await world.ok('read', 'sys/audit')
  assert.deepEqual(data['a/'], { description: 'd', local: false, options: { file_path: FILE }, path: 'a/', type: 'file' })
  await world.ok('delete', 'sys/audit/a')
  assert.deepEqual((await world.ok('read', 'sys/audit')).data, {})
})

// What a namespace sees of the audit: all that is its own, page by page, and nothing of others.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openWorld, type World } from '../testing/world.ts'

const LOG = '/audit.log'

async function opened(options: Record<string, string> = {}): Promise<World> {
  const world = await openWorld()
  await world.ok('write', 'sys/audit/file', { type: 'file', options: { file_path: LOG, ...options } })
  for (const path of ['team', 'other']) await world.ok('write', `sys/namespaces/${path}`)
  await world.ok('write', 'sys/namespaces/app', {}, { namespace: 'team' })
  return world
}

/** Path and type of all records that a page has. */
async function page(world: World, namespace: string, data = {}, token = world.rootToken) {
  const { status, body } = await world.call('read', 'sys/audit-view', data, { namespace, token })
  assert.equal(status, 200, JSON.stringify(body))
  const records: any[] = body.data.records
  return { ...body.data, said: records.map(({ type, request }) => `${type} ${request.namespace.path ?? ''}${request.path}`), records }
}

test('a namespace sees its own records and those of what is in it, as they are in the file', async () => {
  const world = await opened()
  await world.ok('write', 'sys/mounts/kv', { type: 'kv' }, { namespace: 'team' })
  await world.ok('write', 'kv/a', { password: 's3cr3t' }, { namespace: 'team' })
  await world.ok('read', 'sys/mounts', {}, { namespace: 'team/app' })
  await world.ok('read', 'sys/mounts', {}, { namespace: 'other' })
  const { said, records, more, rotated } = await page(world, 'team')
  const own = ['team/sys/namespaces/app', 'team/sys/mounts/kv', 'team/kv/a', 'team/app/sys/mounts'].flatMap((at) => [
    `request ${at}`,
    `response ${at}`,
  ])
  assert.deepEqual(said, [...own, 'request team/sys/audit-view'])
  assert.deepEqual([more, rotated], [false, false])
  const written = world.audit(LOG).find(({ type, request }) => type === 'request' && request.path === 'kv/a')
  const { chain, ...rest } = written
  assert.ok(chain)
  assert.deepEqual(records[4], rest, 'without its place in the chain')
  assert.match(records[4].request.data.password, /^hmac-sha256:/)
  assert.deepEqual((await page(world, 'team/app')).said.slice(0, 2), ['request team/app/sys/mounts', 'response team/app/sys/mounts'])
  const all = (await page(world, '')).said
  for (const one of ['request other/sys/mounts', 'response sys/namespaces/team', 'request team/app/sys/mounts']) assert.ok(all.includes(one), one)
  await world.close()
})

test('pages go on where the one before ended, up to what is written now', async () => {
  const world = await opened()
  for (let n = 0; n < 10; n++) await world.call('read', `none/${n}`, {}, { namespace: 'team' })
  const first = await page(world, 'team', { limit: 5 })
  assert.deepEqual([first.said.length, first.more], [5, true])
  const second = await page(world, 'team', { limit: 1_000, after: first.next })
  const all = (await page(world, 'team', { limit: 1_000 })).said
  assert.deepEqual([...first.said, ...second.said], all.slice(0, 5 + second.said.length))
  assert.equal(second.more, false)
  const third = await page(world, 'team', { after: second.next })
  assert.deepEqual(third.said, [
    'response team/sys/audit-view',
    'request team/sys/audit-view',
    'response team/sys/audit-view',
    'request team/sys/audit-view',
  ])
  await world.close()
})

test('only those of a time and later', async () => {
  const world = await opened()
  const read = (n: number) => world.call('read', `none/${n}`, {}, { namespace: 'team' })
  for (let n = 0; n < 120; n++) {
    await read(n)
    world.clock.advance(60_000)
  }
  const since = new Date(world.clock.now() - 10 * 60_000).toISOString()
  const { said } = await page(world, 'team', { since, limit: 1_000 })
  assert.deepEqual(said.slice(0, 2), ['request team/none/110', 'response team/none/110'])
  assert.equal(said.length, 21)
  await world.close()
})

test('a page is bounded by what it costs, also where nothing is found', async () => {
  const world = await opened()
  await world.ok('write', 'sys/mounts/kv', { type: 'kv' }, { namespace: 'other' })
  const names = Array.from({ length: 2_000 }, (_, n) => `name-${n}`)
  const wide = Object.fromEntries(names.map((name) => [name, name]))
  for (let n = 0; n < 14; n++) await world.ok('write', 'kv/a', wide, { namespace: 'other' })
  await world.call('read', 'none', {}, { namespace: 'team' })
  let pages = 0
  let after = ''
  const said: string[] = []
  for (let more = true; more; pages++) {
    const one = await page(world, 'team', { after })
    said.push(...one.said)
    after = one.next
    more = one.more
  }
  assert.ok(pages > 1)
  assert.ok(said.includes('request team/none'))
  const { records } = await page(world, 'other', { limit: 1_000 })
  assert.ok(JSON.stringify(records).length < 2 << 20)
  await world.close()
})

test('after a rotation it begins with the new file, and says so', async () => {
  const world = await opened()
  await world.call('read', 'none/1', {}, { namespace: 'team' })
  const { next } = await page(world, 'team')
  world.files.rename(LOG, '/audit.log.1')
  world.clock.advance(2_000)
  await world.call('read', 'none/2', {}, { namespace: 'team' })
  const { said, rotated } = await page(world, 'team', { after: next })
  assert.equal(rotated, true)
  assert.ok(said.includes('request team/none/2'))
  assert.ok(!said.includes('request team/none/1'))
  await world.close()
})

test('a page can’t be turned by another namespace, nor be made up', async () => {
  const world = await opened()
  const { next } = await page(world, 'team')
  for (const [namespace, after] of [
    ['other', next],
    ['team', 'AAAA'],
    ['team', `${next}A`],
    ['team', Buffer.alloc(60).toString('base64url')],
  ] as const) {
    const { status, body } = await world.call('read', 'sys/audit-view', { after }, { namespace })
    assert.deepEqual([status, body.errors], [400, ["'after' is not where a page of this namespace ended"]], after)
  }
  for (const limit of [0, 1_001, -1]) assert.equal((await world.call('read', 'sys/audit-view', { limit }, { namespace: 'team' })).status, 400)
  assert.equal((await world.call('read', 'sys/audit-view', { since: 'soon' }, { namespace: 'team' })).status, 400)
  await world.close()
})

test('a policy of the namespace lets see it, with sudo', async () => {
  const world = await opened()
  const grant = (name: string, capabilities: string) =>
    world.ok('write', `sys/policies/acl/${name}`, { policy: `path "sys/audit-view" { capabilities = [${capabilities}] }` }, { namespace: 'team' })
  const tokenWith = async (policy: string) =>
    (await world.ok('write', 'auth/token/create', { policies: [policy] }, { namespace: 'team' })).auth.client_token
  await grant('looks', '"read", "sudo"')
  await grant('reads', '"read"')
  const token = await tokenWith('looks')
  assert.ok((await page(world, 'team', {}, token)).said.length > 0)
  const look = async (namespace: string, of: string) => (await world.call('read', 'sys/audit-view', {}, { namespace, token: of })).status
  assert.equal(await look('team', await tokenWith('reads')), 403)
  for (const namespace of ['', 'other']) assert.equal(await look(namespace, token), 403)
  assert.equal(await look('team', ''), 403)
  await world.close()
})

test('a namespace of the same name as one that is gone sees nothing of that', async () => {
  const world = await opened()
  await world.call('read', 'none/old', {}, { namespace: 'other' })
  await world.ok('delete', 'sys/namespaces/other')
  for (let n = 0; n < 5; n++) {
    world.clock.advance(600_000)
    await world.kernel.sweep()
  }
  await world.ok('write', 'sys/namespaces/other')
  await world.call('read', 'none/new', {}, { namespace: 'other' })
  const { said } = await page(world, 'other')
  assert.ok(said.includes('request other/none/new'))
  assert.ok(!said.includes('request other/none/old'))
  await world.close()
})

test('devices that show texts are not viewed, and what is viewed is one HMAC in the record of it', async () => {
  const world = await opened({ hmac_accessor: 'false' })
  const { status, body } = await world.call('read', 'sys/audit-view', {}, { namespace: 'team' })
  assert.deepEqual(
    [status, body.errors],
    [400, ['there is nothing to view: no audit device of this server writes to a file with HMACs in place of texts']],
  )
  await world.ok('write', 'sys/audit/second', { type: 'file', options: { file_path: '/second.log' } })
  await page(world, 'team')
  const { response } = world.audit('/second.log').findLast(({ type }) => type === 'response')
  assert.deepEqual(Object.keys(response.data).sort(), ['http_content_type', 'http_raw_body', 'http_status_code'])
  assert.match(response.data.http_raw_body, /^hmac-sha256:/)
  await world.close()
})

import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import type { OpenStream, Sink } from '../contract/reply.ts'
import { openWorld, type World } from '../testing/world.ts'

interface Client extends Sink {
  readonly events: any[]
  readonly closed: string[]
  waiting: number
  leave(): void
  holds(): boolean
}

/** Hears what a subscription says. */
function connect(stream: OpenStream): Client {
  const leaving: (() => void)[] = []
  const client: Omit<Client, 'holds'> = {
    events: [],
    closed: [],
    waiting: 0,
    send: (text) => void client.events.push(JSON.parse(text)),
    close(reason) {
      client.closed.push(reason)
      client.leave()
    },
    onClose: (run) => void leaving.push(run),
    leave: () => {
      for (const run of leaving.splice(0)) run()
    },
  }
  return Object.assign(client, { holds: stream(client) })
}

async function subscribe(
  world: World,
  type: string,
  { query = {}, ...as }: { query?: object; token?: string; namespace?: string } = {},
): Promise<Client> {
  const { answer } = await world.call('read', `sys/events/subscribe/${type}`, { json: 'true', ...query }, as)
  assert.equal(answer.status, 101)
  return connect(answer.stream as OpenStream)
}

/** Events come with the next turns, after the commit. */
async function heard(client: Client, count: number): Promise<any[]> {
  for (let turns = 0; turns < 100 && client.events.length < count; turns++) await new Promise((resolve) => setImmediate(resolve))
  assert.equal(client.events.length, count)
  return client.events
}

async function open(t: TestContext): Promise<World> {
  const world = await openWorld()
  t.after(() => world.close())
  await world.ok('write', 'sys/mounts/kv', { type: 'kv', options: { version: '2' } })
  return world
}

test('a subscriber hears of what is committed from then on, as CloudEvents', async (t) => {
  const world = await open(t)
  await world.ok('write', 'kv/data/before', { data: {} })
  const client = await subscribe(world, 'kv-v2/data-*')
  await world.ok('write', 'kv/data/app', { data: { word: 'canary' } })
  await world.ok('write', 'kv/metadata/app', { max_versions: 3 })
  await world.ok('delete', 'kv/data/app')
  const [written, deleted] = await heard(client, 2)
  const { id, data, ...envelope } = written
  const { accessor } = (await world.ok('read', 'sys/mounts/kv')).data
  assert.deepEqual(envelope, {
    source: 'signet://world',
    specversion: '1.0',
    type: 'kv-v2/data-*',
    datacontentype: 'application/cloudevents',
    time: new Date(world.clock.now()).toISOString(),
  })
  assert.deepEqual(data, {
    event: {
      id,
      metadata: {
        current_version: '1',
        oldest_version: '0',
        data_path: 'kv/data/app',
        modified: 'true',
        operation: 'data-write',
        path: 'kv/data/app',
      },
    },
    event_type: 'kv-v2/data-write',
    plugin_info: { mount_accessor: accessor, mount_class: 'secret', mount_path: 'kv/', plugin: 'kv', version: '2' },
  })
  assert.equal(deleted.data.event_type, 'kv-v2/data-delete')
  assert.notEqual(deleted.id, id)
  assert.ok(!JSON.stringify(client.events).includes('canary'))
})

test('all who listen hear the same, and whoever left hears no more', async (t) => {
  const world = await open(t)
  const [one, two] = [await subscribe(world, '*'), await subscribe(world, 'kv*')]
  await world.ok('write', 'kv/data/a', { data: {} })
  assert.equal((await heard(one, 1))[0].id, (await heard(two, 1))[0].id)
  one.leave()
  await world.ok('write', 'kv/data/b', { data: {} })
  await heard(two, 2)
  assert.equal(one.events.length, 1)
})

const POLICY = `
path "sys/events/subscribe/*" { capabilities = ["read"] }
path "kv/data/mine/*" {
  capabilities = ["list", "subscribe"]
  subscribe_event_types = ["kv-v2/data-*"]
}
path "kv/data/listed/*" { capabilities = ["list", "read"] }`

async function tokenWith(world: World, policy: string): Promise<string> {
  await world.ok('write', 'sys/policies/acl/listener', { policy })
  return (await world.ok('write', 'auth/token/create', { policies: ['listener'], no_default_policy: true })).auth.client_token
}

test('of each event the policy decides anew', async (t) => {
  const world = await open(t)
  const token = await tokenWith(world, POLICY)
  const client = await subscribe(world, '*', { token })
  for (const path of ['data/mine/a', 'data/listed/a', 'data/other']) await world.ok('write', `kv/${path}`, { data: {} })
  await world.ok('write', 'kv/metadata/mine/a', { max_versions: 3 })
  await world.ok('write', 'kv/data/mine/b', { data: {} })
  const paths = (await heard(client, 2)).map(({ data }) => data.event.metadata.path)
  assert.deepEqual(paths, ['kv/data/mine/a', 'kv/data/mine/b'])
  await world.ok('write', 'sys/policies/acl/listener', { policy: POLICY.replace('"subscribe"', '"read"') })
  await world.ok('write', 'kv/data/mine/c', { data: {} })
  await new Promise((resolve) => setImmediate(resolve))
  assert.equal(client.events.length, 2)
})

test('a token that may not read the path can not subscribe', async (t) => {
  const world = await open(t)
  const token = await tokenWith(world, 'path "kv/*" { capabilities = ["list", "subscribe"] subscribe_event_types = ["*"] }')
  assert.equal((await world.call('read', 'sys/events/subscribe/kv*', { json: 'true' }, { token })).status, 403)
  assert.equal((await world.call('read', 'sys/events/subscribe/kv*', { json: 'true' }, { token: '' })).status, 403)
})

test('a subscription ends with its token', async (t) => {
  const world = await open(t)
  const token = await tokenWith(world, POLICY)
  const client = await subscribe(world, '*', { token })
  assert.equal(client.holds(), true)
  await world.ok('write', 'auth/token/revoke', { token })
  assert.equal(client.holds(), false)
  await world.ok('write', 'kv/data/mine/a', { data: {} })
  for (let turns = 0; turns < 20 && client.closed.length === 0; turns++) await new Promise((resolve) => setImmediate(resolve))
  assert.deepEqual([client.events, client.closed], [[], ['the token is gone']])
})

test('a client that takes too little is let go of', async (t) => {
  const world = await open(t)
  const client = await subscribe(world, '*')
  client.waiting = (1 << 20) + 1
  await world.ok('write', 'kv/data/a', { data: {} })
  for (let turns = 0; turns < 20 && client.closed.length === 0; turns++) await new Promise((resolve) => setImmediate(resolve))
  assert.deepEqual(client.closed, ['events are taken too slowly'])
})

test('sealing ends every subscription', async (t) => {
  const world = await open(t)
  const client = await subscribe(world, '*')
  await world.ok('write', 'sys/seal')
  assert.deepEqual(client.closed, ['the server is sealed or stops'])
})

test('a namespace hears of itself, and of those below that it asks for', async (t) => {
  const world = await open(t)
  for (const name of ['a', 'b']) {
    await world.ok('write', `sys/namespaces/${name}`)
    await world.ok('write', `${name}/sys/mounts/kv`, { type: 'kv', options: { version: '2' } })
  }
  const [root, all, own] = [
    await subscribe(world, '*'),
    await subscribe(world, '*', { query: { namespaces: '*' } }),
    await subscribe(world, '*', { namespace: 'a' }),
  ]
  await world.ok('write', 'a/kv/data/x', { data: {} })
  await world.ok('write', 'b/kv/data/x', { data: {} })
  await world.ok('write', 'kv/data/x', { data: {} })
  assert.deepEqual(
    (await heard(all, 3)).map(({ data }) => data.namespace),
    ['a/', 'b/', undefined],
  )
  assert.deepEqual(
    (await heard(root, 1)).map(({ data }) => data.namespace),
    [undefined],
  )
  assert.deepEqual(
    (await heard(own, 1)).map(({ data }) => data.namespace),
    ['a/'],
  )
})

for (const [query, message] of [
  [{}, 'events are sent as JSON only: ask for them with json=true'],
  [{ json: 'true', filter: 'x == 1' }, 'filters are not supported'],
] as const) {
  test(`refused: ${message}`, async (t) => {
    const world = await open(t)
    const { status, body } = await world.call('read', 'sys/events/subscribe/kv*', query)
    assert.deepEqual([status, body.errors], [400, [message]])
  })
}

test('a stream can not be wrapped, and a batch token can not hear', async (t) => {
  const world = await open(t)
  const ask = (options: object) => world.call('read', 'sys/events/subscribe/kv*', { json: 'true' }, options)
  assert.deepEqual((await ask({ wrapTtl: 60 })).body.errors, ['a stream can not be wrapped'])
  const { auth } = await world.ok('write', 'auth/token/create', { type: 'batch', policies: ['default'] })
  await world.ok('write', 'sys/policies/acl/default', { policy: 'path "sys/events/subscribe/*" { capabilities = ["read"] }' })
  assert.equal((await ask({ token: auth.client_token })).status, 400)
})

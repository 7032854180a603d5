import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { openWorld } from '../testing/world.ts'

const world = await openWorld()
after(() => world.close())

test('the log levels are read, set and reset, for all or for one', async () => {
  const levels = async (path = 'sys/loggers') => (await world.ok('read', path)).data
  assert.deepEqual(Object.keys(await levels()).sort(), ['audit', 'core', 'edge', 'store'])
  await world.ok('write', 'sys/loggers', { level: 'debug' })
  await world.ok('write', 'sys/loggers/core', { level: 'ERROR' })
  assert.deepEqual([(await levels()).audit, await levels('sys/loggers/core')], ['debug', { core: 'error' }])
  await world.ok('delete', 'sys/loggers/core')
  assert.deepEqual(await levels('sys/loggers/core'), { core: 'info' })
  await world.ok('delete', 'sys/loggers')
  assert.deepEqual(new Set(Object.values(await levels())), new Set(['info']))
  assert.deepEqual(await levels('sys/loggers/none'), {})
})

for (const [verb, path, data, message] of [
  ['write', 'sys/loggers', {}, 'level is required'],
  ['write', 'sys/loggers', { level: 'loud' }, 'invalid level provided: unknown log level: loud'],
  ['write', 'sys/loggers/none', { level: 'info' }, 'logger "none" not found'],
  ['delete', 'sys/loggers/none', {}, 'logger "none" not found'],
  ['read', 'sys/metrics', { format: 'x' }, 'metric response format "x" unknown'],
  ['write', 'sys/plugins/catalog/secret/x', { command: 'x' }, 'there are no external plugins: what can be mounted is built in'],
  ['delete', 'sys/plugins/catalog/secret/kv', {}, "kv is built in and can't be removed"],
  ['read', 'sys/plugins/catalog/moon/kv', {}, 'missing or invalid plugin type "moon"'],
] as const) {
  test(`refused: ${message} (${verb} ${path})`, async () => {
    const { status, body } = await world.call(verb, path, data)
    assert.deepEqual([status, body], [400, { errors: [message] }])
  })
}

test('requests in flight: the one that asks', async () => {
  const listed = (await world.call('read', 'sys/in-flight-req')).body
  const [[id, seen]] = Object.entries<any>(listed) as [[string, any]]
  assert.match(id, /^request-/)
  assert.deepEqual(seen, {
    client_id: '',
    client_remote_address: '127.0.0.1:40000',
    request_method: 'GET',
    request_path: '/v1/sys/in-flight-req',
    start_time: new Date(world.clock.now()).toISOString(),
  })
})

test('one server, which is active and has nobody to step down for', async () => {
  const { data, nodes } = await world.ok('read', 'sys/ha-status')
  assert.deepEqual(data, { nodes })
  assert.deepEqual([nodes.length, nodes[0].hostname, nodes[0].active_node], [1, 'world', true])
  assert.deepEqual((await world.ok('write', 'sys/step-down')).warnings, ['there is no standby: this server stays active'])
})

test('replication is off, for whoever asks', async () => {
  const off = { mode: 'disabled' }
  assert.deepEqual((await world.ok('read', 'sys/replication/status', {}, { token: '' })).data, { dr: off, performance: off })
  assert.deepEqual((await world.ok('read', 'sys/replication/dr/status', {}, { token: '' })).data, off)
})

test('what can be mounted is listed, and only that', async () => {
  const { auth, secret, detailed } = (await world.ok('read', 'sys/plugins/catalog')).data
  assert.ok(auth.includes('userpass') && secret.includes('kv') && !secret.includes('cubbyhole'))
  assert.equal(detailed.length, auth.length + secret.length)
  assert.deepEqual((await world.ok('list', 'sys/plugins/catalog/auth')).data.keys, auth)
  assert.equal((await world.ok('read', 'sys/plugins/catalog/secret/kv')).data.builtin, true)
  assert.equal((await world.call('read', 'sys/plugins/catalog/secret/none')).status, 404)
  assert.equal((await world.call('delete', 'sys/plugins/catalog/secret/none')).status, 204)
})

test('the version is noted once, when due work is done', async () => {
  assert.equal((await world.call('list', 'sys/version-history')).status, 404)
  await world.kernel.sweep()
  const { revision } = world.store
  const first = (await world.ok('list', 'sys/version-history')).data
  await world.kernel.sweep()
  assert.equal(world.store.revision, revision)
  assert.equal(first.keys.length, 1)
  assert.equal(first.key_info[first.keys[0]].timestamp_installed, `${new Date(world.clock.now()).toISOString().slice(0, 19)}Z`)
})

test('metrics as JSON with dots, and as Prometheus text', async () => {
  const { Gauges, Counters, Samples } = await world.ok('read', 'sys/metrics')
  const named = (list: any[], name: string) => list.find(({ Name }) => Name === name)
  assert.equal(named(Gauges, 'vault.core.in_flight_requests').Value, 1)
  assert.ok(named(Counters, 'vault.core.response').Count > 0)
  const { Count, Sum, Mean } = named(Samples, 'vault.core.handle_request')
  assert.ok(Count > 0 && Mean === Sum / Count)
  assert.match((await world.call('read', 'sys/metrics', { format: 'prometheus' })).body, /^vault_core_handle_request_count \d+$/m)
})

test('what looks into the process is not there, and the rest needs a policy', async () => {
  for (const path of ['pprof', 'pprof/heap', 'license/status', 'monitor', 'raw/core', 'internal/inspect/router/root']) {
    assert.equal((await world.call('read', `sys/${path}`)).status, 404, path)
  }
  const { auth } = await world.ok('write', 'auth/token/create', { policies: ['default'] })
  for (const path of ['loggers', 'in-flight-req', 'host-info', 'config/state/sanitized', 'metrics', 'ha-status', 'plugins/catalog']) {
    assert.equal((await world.call('read', `sys/${path}`, {}, { token: auth.client_token })).status, 403, path)
  }
  assert.deepEqual((await world.ok('read', 'sys/config/state/sanitized')).data, { log_level: 'info' })
  assert.deepEqual((await world.ok('read', 'sys/host-info')).data.host, { hostname: 'world' })
})

test('service tokens are counted, of all namespaces, in pages', async (t) => {
  const counting = await openWorld()
  t.after(() => counting.close())
  const count = async () => (await counting.ok('read', 'sys/internal/counters/tokens')).data.counters.service_tokens.total
  assert.equal(await count(), 1)
  await counting.ok('write', 'sys/namespaces/team')
  await counting.ok('write', 'team/auth/token/create', { policies: ['default'] })
  for (let n = 0; n < 1_001; n++) await counting.ok('write', 'auth/token/create', { policies: ['default'] })
  await counting.ok('write', 'auth/token/create', { policies: ['default'], type: 'batch' })
  assert.equal(await count(), 1_003)
  assert.deepEqual((await counting.ok('read', 'sys/internal/counters/entities')).data, { counters: { entities: { total: 0 } } })
  const { status, body } = await counting.call('read', 'sys/internal/counters/requests')
  assert.deepEqual([status, body.errors], [404, ['The functionality has been removed on this path']])
})

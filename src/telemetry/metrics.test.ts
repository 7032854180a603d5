import assert from 'node:assert/strict'
import { test } from 'node:test'
import { settableClock } from '../testing/clock.ts'
import { METRICS } from './catalog.ts'
import { exposition, measurements } from './exposition.ts'
import { type Metrics, openMetrics } from './metrics.ts'

function open() {
  const clock = settableClock()
  return { clock, metrics: openMetrics({ monotonic: clock.monotonic, residentBytes: () => 100, heapBytes: () => 10, lagMs: () => 3 }) }
}

const snapshots = (...all: Metrics[]) => Promise.all(all.map((one) => one.snapshot()))

test('what processes counted is summed; of states the lowest counts, of delays the longest', async () => {
  const [one, two] = [open(), open()]
  for (const { metrics } of [one, two]) metrics.unsealed(true)
  two.metrics.unsealed(false)
  const done = one.metrics.request('read', false)
  one.clock.advance(7)
  done(200)
  two.metrics.request('write', true)(403)
  two.metrics.tokenMade()
  const text = await exposition(await snapshots(one.metrics, two.metrics))
  for (const line of [
    'vault_core_unsealed 0',
    'vault_core_active 0',
    'vault_core_handle_request_count 2',
    'vault_core_handle_request_sum 7',
    'vault_core_handle_login_request_count 1',
    'vault_core_response{status="2xx",verb="read"} 1',
    'vault_core_response{status="4xx",verb="write"} 1',
    'vault_core_in_flight_requests 0',
    'vault_token_creation 1',
    'vault_runtime_alloc_bytes 200',
    'signet_event_loop_lag_ms 3',
  ]) {
    assert.ok(text.split('\n').includes(line), line)
  }
})

test('timings are two counters, and one sample in JSON', async () => {
  const { clock, metrics } = open()
  const from = clock.monotonic()
  clock.advance(4)
  metrics.barrier.get(from)
  metrics.barrier.get(from)
  metrics.route('write', 'auth/user-pass/', from)
  const all = await snapshots(metrics)
  const text = await exposition(all)
  assert.match(text, /^vault_barrier_get_count 2\nvault_barrier_get_sum 8$|^vault_barrier_get_count 2$[^]*^vault_barrier_get_sum 8$/m)
  assert.match(text, /^vault_route_update_auth_user_pass__count 1$/m)
  const { Samples, Counters, Timestamp } = (await measurements(all, 0)) as any
  assert.equal(Timestamp, '1970-01-01 00:00:00 +0000 UTC')
  assert.deepEqual(
    Samples.find(({ Name }: any) => Name === 'vault.barrier.get'),
    { Name: 'vault.barrier.get', Count: 2, Sum: 8, Mean: 4, Labels: {} },
  )
  assert.ok(Counters.every(({ Name }: any) => !Name.includes('barrier')))
})

test('mounts past a bound share one name', async () => {
  const { metrics } = open()
  for (let n = 0; n < 600; n++) metrics.route('read', `m${n}/`, 0)
  const text = await exposition(await snapshots(metrics))
  assert.equal(text.match(/^vault_route_read_m\d+__count 1$/gm)?.length, 500)
  assert.match(text, /^vault_route_other_mounts_count 100$/m)
})

test('every metric of a serving process is in the catalog, with its help', async () => {
  const { metrics } = open()
  metrics.request('read', false)(200)
  const names = [...(await exposition(await snapshots(metrics))).matchAll(/^# HELP (\S+) (.+)$/gm)].map(([, name]) => name as string)
  const known = (name: string) => name in METRICS || name.replace(/_(count|sum)$/, '') in METRICS
  assert.deepEqual(
    names.filter((name) => !known(name)),
    [],
  )
})

// Every one-field endpoint: read, write, reset, and what it refuses.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JsonObject } from '../../base/json.ts'
import { ask, wrapped } from '../../testing/auth-bench.ts'
import { openBench } from '../../testing/run-op.ts'
import { approle } from './approle.ts'

interface Row {
  readonly name: string
  readonly initial: JsonObject
  readonly sent: JsonObject
  readonly shown: JsonObject
  /** The text of a write without any field; undefined where it changes nothing. */
  readonly missing?: string
  readonly refused?: readonly (readonly [sent: JsonObject, text: string])[]
}

const ROWS: readonly Row[] = [
  {
    name: 'policies',
    initial: { token_policies: [] },
    sent: { token_policies: 'Z,b,b' },
    shown: { token_policies: ['b', 'z'] },
    missing: 'token_policies',
  },
  {
    name: 'policies',
    initial: { token_policies: [] },
    sent: { policies: 'k,J' },
    shown: { token_policies: ['j', 'k'], policies: ['j', 'k'] },
    missing: 'token_policies',
  },
  {
    name: 'bind-secret-id',
    initial: { bind_secret_id: true },
    sent: { bind_secret_id: 'true' },
    shown: { bind_secret_id: true },
    missing: 'bind_secret_id',
    refused: [[{ bind_secret_id: false }, wrapped('at least one constraint should be enabled on the role')]],
  },
  {
    name: 'secret-id-bound-cidrs',
    initial: { secret_id_bound_cidrs: null },
    sent: { secret_id_bound_cidrs: '10.0.0.0/8,::/0' },
    shown: { secret_id_bound_cidrs: ['10.0.0.0/8', '::/0'] },
    refused: [
      [{ secret_id_bound_cidrs: 'x' }, 'failed to validate CIDR blocks: invalid CIDR address: x'],
      [{ secret_id_bound_cidrs: [] }, 'missing bound_cidr_list'],
    ],
  },
  {
    name: 'bound-cidr-list',
    initial: { bound_cidr_list: null },
    sent: { bound_cidr_list: '10.0.0.0/8' },
    shown: { bound_cidr_list: ['10.0.0.0/8'] },
    refused: [
      [{ bound_cidr_list: '10.0.0.1' }, 'failed to validate CIDR blocks: invalid CIDR address: 10.0.0.1'],
      [{ bound_cidr_list: '' }, 'missing bound_cidr_list'],
    ],
  },
  {
    name: 'token-bound-cidrs',
    initial: { token_bound_cidrs: null },
    sent: { token_bound_cidrs: '10.0.0.0/8,1.2.3.4/32' },
    shown: { token_bound_cidrs: ['10.0.0.0/8', '1.2.3.4'] },
    refused: [[{ token_bound_cidrs: 'x' }, 'error parsing address "x": Unable to convert "x" to an IPv4 or IPv6 address']],
  },
  {
    name: 'secret-id-num-uses',
    initial: { secret_id_num_uses: 0 },
    sent: { secret_id_num_uses: '5' },
    shown: { secret_id_num_uses: 5 },
    missing: 'secret_id_num_uses',
    refused: [[{ secret_id_num_uses: -1 }, 'secret_id_num_uses cannot be negative']],
  },
  { name: 'secret-id-ttl', initial: { secret_id_ttl: 0 }, sent: { secret_id_ttl: '5m' }, shown: { secret_id_ttl: 300 }, missing: 'secret_id_ttl' },
  {
    name: 'token-ttl',
    initial: { token_ttl: 0 },
    sent: { token_ttl: '5m' },
    shown: { token_ttl: 300 },
    missing: 'token_ttl',
    refused: [[{ token_ttl: '2h' }, 'token_ttl should not be greater than token_max_ttl']],
  },
  {
    name: 'token-max-ttl',
    initial: { token_max_ttl: 3600 },
    sent: { token_max_ttl: '30m' },
    shown: { token_max_ttl: 1800 },
    missing: 'token_max_ttl',
  },
  {
    name: 'token-num-uses',
    initial: { token_num_uses: 0 },
    sent: { token_num_uses: 5 },
    shown: { token_num_uses: 5 },
    missing: 'token_num_uses',
    refused: [[{ token_num_uses: -1 }, "'token_num_uses' cannot be negative"]],
  },
  {
    name: 'period',
    initial: { token_period: 0 },
    sent: { period: '5m' },
    shown: { token_period: 300, period: 300 },
    missing: 'period',
    refused: [[{ token_period: '769h' }, `period of "769h0m0s" is greater than the backend's maximum lease TTL of "768h0m0s"`]],
  },
  { name: 'period', initial: { token_period: 0 }, sent: { token_period: 7, period: 8 }, shown: { token_period: 7, period: 7 }, missing: 'period' },
]

const DEPRECATED = 'The "bound_cidr_list" field is deprecated and will be removed. Please use "secret_id_bound_cidrs" instead.'

test('each is read, written and reset', async () => {
  for (const { name, initial, sent, shown, missing, refused = [] } of ROWS) {
    const bench = openBench(approle())
    await ask(bench, 'write', 'role/web', { token_max_ttl: '1h' })
    const path = `role/WEB/${name}`
    const warnings = name === 'bound-cidr-list' ? { warnings: [DEPRECATED] } : {}
    assert.deepEqual(await ask(bench, 'read', path), { status: 200, data: initial, ...warnings }, name)
    assert.deepEqual(await ask(bench, 'write', path), missing ? { status: 400, errors: [`missing ${missing}`] } : { status: 204 }, name)
    assert.deepEqual(await ask(bench, 'write', path, sent), { status: 204 }, name)
    assert.deepEqual(await ask(bench, 'read', path), { status: 200, data: shown, ...warnings }, name)
    for (const [bad, text] of refused) assert.deepEqual(await ask(bench, 'write', path, bad), { status: 400, errors: [text] }, name)
    assert.deepEqual(await ask(bench, 'read', path), { status: 200, data: shown, ...warnings }, name)
    assert.deepEqual(await ask(bench, 'delete', path), { status: 204 }, name)
    const reset = name === 'token-max-ttl' ? { token_max_ttl: 0 } : initial
    assert.deepEqual(await ask(bench, 'read', path), { status: 200, data: reset, ...warnings }, name)
  }
})

test('the longest life of tokens is not below their life', async () => {
  const bench = openBench(approle())
  await ask(bench, 'write', 'role/web', { token_ttl: '1h' })
  const refusal = { status: 400, errors: ['token_max_ttl should be greater than or equal to token_ttl'] }
  assert.deepEqual(await ask(bench, 'write', 'role/web/token-max-ttl', { token_max_ttl: '1m' }), refusal)
})

test('role IDs and local secret ids have no reset, local secret ids no write', async () => {
  const bench = openBench(approle())
  await ask(bench, 'write', 'role/web', { role_id: 'one' })
  assert.equal((await ask(bench, 'delete', 'role/web/role-id')).status, 405)
  assert.equal((await ask(bench, 'delete', 'role/web/local-secret-ids')).status, 405)
  assert.equal((await ask(bench, 'write', 'role/web/local-secret-ids', { local_secret_ids: true })).status, 405)
  for (const sent of [{}, { role_id: '' }]) {
    assert.deepEqual(await ask(bench, 'write', 'role/web/role-id', sent), { status: 400, errors: ['missing role_id'] })
  }
})

test('without the role: nothing to read, nothing to write, nothing to reset', async () => {
  const bench = openBench(approle())
  for (const { name, sent } of ROWS) {
    assert.deepEqual(await ask(bench, 'read', `role/none/${name}`), { status: 404, errors: [] })
    assert.deepEqual(await ask(bench, 'write', `role/none/${name}`, sent), { status: 404, errors: [wrapped('unsupported path')] })
    assert.deepEqual(await ask(bench, 'delete', `role/none/${name}`), { status: 204 })
  }
})

test('a reset may not take the last constraint', async () => {
  const bench = openBench(approle())
  await ask(bench, 'write', 'role/web', { bind_secret_id: false, secret_id_bound_cidrs: '10.0.0.0/8' })
  const refusal = { status: 400, errors: [wrapped('at least one constraint should be enabled on the role')] }
  for (const name of ['secret-id-bound-cidrs', 'bound-cidr-list']) assert.deepEqual(await ask(bench, 'delete', `role/web/${name}`), refusal)
})

// Every endpoint that manages roles as a whole, with what each refuses.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JsonObject } from '../../base/json.ts'
import type { OpVerb } from '../../contract/module.ts'
import { type Answer, ask, wrapped } from '../../testing/auth-bench.ts'
import { openBench } from '../../testing/run-op.ts'
import { approle } from './approle.ts'

const open = () => openBench(approle())
const DONE = { status: 204 }
const GONE = { status: 404, errors: [] }

const DEFAULTS = {
  bind_secret_id: true,
  local_secret_ids: false,
  secret_id_bound_cidrs: null,
  secret_id_num_uses: 0,
  secret_id_ttl: 0,
  token_bound_cidrs: [],
  token_explicit_max_ttl: 0,
  token_max_ttl: 0,
  token_no_default_policy: false,
  token_num_uses: 0,
  token_period: 0,
  token_policies: [],
  token_strictly_bind_ip: false,
  token_ttl: 0,
  token_type: 'default',
}

test('a role is created, read, changed and removed, in any letter case', async () => {
  const bench = open()
  assert.equal((await bench.call('write', 'role/Web', {})).capability, 'create')
  assert.deepEqual(await ask(bench, 'read', 'role/web'), { status: 200, data: DEFAULTS })
  assert.equal((await bench.call('write', 'role/WEB', { period: '1h', secret_id_bound_cidrs: '10.0.0.0/8' })).capability, 'update')
  const changed = { ...DEFAULTS, period: 3600, token_period: 3600, secret_id_bound_cidrs: ['10.0.0.0/8'] }
  assert.deepEqual(await ask(bench, 'read', 'role/wEb'), { status: 200, data: changed })
  assert.deepEqual(await ask(bench, 'delete', 'role/WeB'), DONE)
  assert.deepEqual(await ask(bench, 'read', 'role/web'), GONE)
  assert.deepEqual(await ask(bench, 'delete', 'role/web'), DONE)
})

test('roles are listed, page by page', async () => {
  const bench = open()
  assert.deepEqual(await ask(bench, 'list', 'role'), { status: 200, keys: [] })
  for (const name of ['c', 'A', 'b']) await ask(bench, 'write', `role/${name}`)
  assert.deepEqual((await ask(bench, 'list', 'role')).keys, ['a', 'b', 'c'])
  assert.deepEqual((await ask(bench, 'list', 'role', { after: 'a', limit: 1 })).keys, ['b'])
})

test('a role ID is made or chosen, and belongs to one role', async () => {
  const bench = open()
  await ask(bench, 'write', 'role/a')
  assert.match(String((await ask(bench, 'read', 'role/a/role-id')).data?.['role_id']), /^[0-9a-f]{8}-[0-9a-f]{4}-4/)
  assert.deepEqual(await ask(bench, 'write', 'role/b', { role_id: ' chosen ' }), DONE)
  assert.deepEqual(await ask(bench, 'read', 'role/b/role-id'), { status: 200, data: { role_id: 'chosen' } })
  const taken = { status: 400, errors: [wrapped('role_id already in use')] }
  assert.deepEqual(await ask(bench, 'write', 'role/a', { role_id: 'chosen' }), taken)
  assert.deepEqual(await ask(bench, 'write', 'role/a/role-id', { role_id: 'chosen' }), taken)
  assert.deepEqual(await ask(bench, 'write', 'role/b/role-id', { role_id: 'chosen' }), DONE, 'its own')
  assert.deepEqual(await ask(bench, 'write', 'role/b/role-id', { role_id: 'other' }), DONE)
  assert.deepEqual(await ask(bench, 'write', 'role/a/role-id', { role_id: 'chosen' }), DONE, 'free again')
  await ask(bench, 'delete', 'role/b')
  assert.deepEqual(await ask(bench, 'write', 'role/a/role-id', { role_id: 'other' }), DONE, 'free after its role')
})

test('two roles that claim one role ID at once: one gets it', async () => {
  const bench = open()
  const answers = await Promise.all(['a', 'b', 'c', 'd'].map((name) => ask(bench, 'write', `role/${name}`, { role_id: 'same' })))
  assert.deepEqual(
    answers.map(({ status }) => status).sort((a, b) => a - b),
    [204, 400, 400, 400],
  )
})

test('local secret ids are settled when the role is made', async () => {
  const bench = open()
  await ask(bench, 'write', 'role/a', { local_secret_ids: true })
  assert.deepEqual(await ask(bench, 'read', 'role/a/local-secret-ids'), { status: 200, data: { local_secret_ids: true } })
  const refusal = { status: 400, errors: ['local_secret_ids can only be modified during role creation'] }
  assert.deepEqual(await ask(bench, 'write', 'role/a', { local_secret_ids: false }), refusal)
})

test('warnings', async () => {
  const bench = open()
  assert.deepEqual((await ask(bench, 'write', 'role/a', { token_type: 'default-service' })).warnings, [
    'default-service has no useful meaning; adjusting to service',
  ])
  assert.equal((await ask(bench, 'read', 'role/a')).data?.['token_type'], 'service')
  assert.deepEqual((await ask(bench, 'write', 'role/a', { token_max_ttl: '769h' })).warnings, [
    "token_max_ttl is greater than the backend mount's maximum TTL value; issued tokens' max TTL value will be truncated",
  ])
})

const invalid = (...errors: string[]): Answer => ({ status: 400, errors })
const NO_CONSTRAINT = invalid(wrapped('at least one constraint should be enabled on the role'))
const badBlock = (block: string) => invalid(wrapped(`failed to validate CIDR blocks: invalid CIDR address: ${block}`))
const NO_PATH = { status: 404, errors: [wrapped('unsupported path')] }

const REFUSED: readonly (readonly [verb: OpVerb, path: string, data: JsonObject, answer: Answer])[] = [
  ['write', 'role/new', { bind_secret_id: false }, NO_CONSTRAINT],
  ['write', 'role/a', { bind_secret_id: false, secret_id_bound_cidrs: '' }, NO_CONSTRAINT],
  ['write', 'role/a', { role_id: '' }, invalid('invalid role_id supplied, or failed to generate a role_id')],
  ['write', 'role/a', { role_id: '\u00a0' }, invalid('invalid role_id supplied, or failed to generate a role_id')],
  ['write', 'role/a', { secret_id_bound_cidrs: '10.0.0.1' }, badBlock('10.0.0.1')],
  ['write', 'role/a', { bound_cidr_list: '10.0.0.0/8,foo/8' }, badBlock('foo/8')],
  ['write', 'role/a', { secret_id_num_uses: -1 }, invalid('secret_id_num_uses cannot be negative')],
  ['write', 'role/a', { token_num_uses: -1 }, invalid("'token_num_uses' cannot be negative")],
  ['write', 'role/a', { token_ttl: 2, token_max_ttl: 1 }, invalid("'token_ttl' cannot be greater than 'token_max_ttl'")],
  [
    'write',
    'role/a',
    { token_type: 'batch', token_num_uses: 2 },
    invalid("'token_type' cannot be 'batch' or 'default_batch' when set to generate tokens with limited use count"),
  ],
  ['write', 'role/a', { period: '769h' }, invalid(`period of "769h0m0s" is greater than the backend's maximum lease TTL of "768h0m0s"`)],
  ['write', 'role/a.', {}, NO_PATH],
  ['write', 'role/İ', {}, NO_PATH],
  ['read', 'role/-a', {}, NO_PATH],
  ['delete', 'role/a-', {}, NO_PATH],
]

test('refusals, none of which changes anything', async () => {
  const bench = open()
  await ask(bench, 'write', 'role/a')
  const before = bench.store.revision
  for (const [verb, path, data, answer] of REFUSED) {
    assert.deepEqual(await ask(bench, verb, path, data), answer, `${verb} ${path} ${JSON.stringify(data)}`)
  }
  assert.equal(bench.store.revision, before)
})

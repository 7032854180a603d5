// Every endpoint of secret IDs: giving out, looking up, listing, destroying, tidying; and what is never stored.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JsonObject } from '../../base/json.ts'
import { type Answer, ask, wrapped } from '../../testing/auth-bench.ts'
import { type Bench, openBench } from '../../testing/run-op.ts'
import { approle } from './approle.ts'
import { sweepSecretIds } from './tidy.ts'

const DONE = { status: 204 }
const MINUTE = 60_000
const CREATED = '2030-01-02T03:04:05.678Z'

async function openRole(role: JsonObject = {}) {
  const bench = openBench(approle())
  await ask(bench, 'write', 'role/web', { role_id: 'web-id', ...role })
  return bench
}

async function give(bench: Bench, sent: JsonObject = {}, role = 'web'): Promise<{ id: string; accessor: string }> {
  const { data } = await ask(bench, 'write', `role/${role}/secret-id`, sent)
  return { id: String(data?.['secret_id']), accessor: String(data?.['secret_id_accessor']) }
}

const logIn = (bench: Bench, secret_id: string, role_id = 'web-id') => ask(bench, 'write', 'login', { role_id, secret_id })
const leftovers = (bench: Bench) => ['secret-id/', 'accessor/', 'expiry/', 'buried/'].flatMap((prefix) => [...bench.store.keys({ prefix })])

test('a secret ID is given out with what the role or the request says', async () => {
  const bench = await openRole({ secret_id_num_uses: 5, secret_id_ttl: '1h' })
  const { data } = await ask(bench, 'write', 'role/Web/secret-id')
  assert.match(String(data?.['secret_id']), /^[0-9a-f-]{36}$/)
  assert.match(String(data?.['secret_id_accessor']), /^[0-9a-f-]{36}$/)
  assert.deepEqual([data?.['secret_id_ttl'], data?.['secret_id_num_uses']], [3600, 5])
  const narrowed = (await ask(bench, 'write', 'role/web/secret-id', { num_uses: 2, ttl: '5m' })).data
  assert.deepEqual([narrowed?.['secret_id_ttl'], narrowed?.['secret_id_num_uses']], [300, 2])
})

test('a life longer than the mount gives is cut', async () => {
  const bench = await openRole()
  assert.equal((await ask(bench, 'write', 'role/web/secret-id', { ttl: '800h' })).data?.['secret_id_ttl'], 768 * 3600)
})

test('it is looked up by itself and by accessor', async () => {
  const bench = await openRole()
  const sent = { metadata: '{"Team":"A"}', num_uses: 2, ttl: '5m', cidr_list: '127.0.0.0/8', token_bound_cidrs: '127.0.0.1/32' }
  const { id, accessor } = await give(bench, sent)
  const shown = {
    status: 200,
    data: {
      secret_id_accessor: accessor,
      secret_id_num_uses: 2,
      secret_id_ttl: 300,
      creation_time: CREATED,
      expiration_time: '2030-01-02T03:09:05.678Z',
      last_updated_time: CREATED,
      metadata: { Team: 'A' },
      cidr_list: ['127.0.0.0/8'],
      token_bound_cidrs: ['127.0.0.1/32'],
    },
  }
  assert.deepEqual(await ask(bench, 'write', 'role/web/secret-id/lookup', { secret_id: ` ${id}\n` }), shown)
  assert.deepEqual(await ask(bench, 'write', 'role/WEB/secret-id-accessor/lookup', { secret_id_accessor: accessor }), shown)
  bench.clock.advance(MINUTE)
  await logIn(bench, id)
  const { data } = await ask(bench, 'write', 'role/web/secret-id/lookup', { secret_id: id })
  assert.deepEqual([data?.['secret_id_num_uses'], data?.['last_updated_time']], [1, '2030-01-02T03:05:05.678Z'])
})

test('one that never ends shows the zero time', async () => {
  const bench = await openRole()
  const { id } = await give(bench)
  const { data } = await ask(bench, 'write', 'role/web/secret-id/lookup', { secret_id: id })
  assert.deepEqual([data?.['expiration_time'], data?.['cidr_list'], data?.['metadata']], ['0001-01-01T00:00:00Z', [], {}])
})

test('accessors are listed: of this role, sorted, page by page, without expired ones', async () => {
  const bench = await openRole()
  await ask(bench, 'write', 'role/other')
  await give(bench, {}, 'other')
  assert.deepEqual(await ask(bench, 'list', 'role/web/secret-id'), { status: 200, keys: [] })
  const [one, two, short] = [await give(bench), await give(bench), await give(bench, { ttl: '1m' })]
  const all = [one, two, short].map(({ accessor }) => accessor).sort()
  assert.deepEqual((await ask(bench, 'list', 'role/web/secret-id')).keys, all)
  assert.deepEqual((await ask(bench, 'list', 'role/web/secret-id', { after: all[0] as string, limit: 1 })).keys, [all[1]])
  bench.clock.advance(MINUTE)
  assert.deepEqual((await ask(bench, 'list', 'role/web/secret-id')).keys, [one.accessor, two.accessor].sort())
})

test('destroyed, by itself or by accessor, with POST or DELETE, it is gone', async () => {
  for (const verb of ['write', 'delete'] as const) {
    const bench = await openRole()
    const [one, two] = [await give(bench, { ttl: '1h' }), await give(bench)]
    assert.deepEqual(await ask(bench, verb, 'role/web/secret-id/destroy', { secret_id: one.id }), DONE)
    assert.deepEqual(await ask(bench, verb, 'role/web/secret-id-accessor/destroy', { secret_id_accessor: two.accessor }), DONE)
    for (const { id } of [one, two]) {
      assert.equal((await logIn(bench, id)).status, 400)
      assert.deepEqual(await ask(bench, 'write', 'role/web/secret-id/lookup', { secret_id: id }), DONE)
      assert.deepEqual(await ask(bench, verb, 'role/web/secret-id/destroy', { secret_id: id }), DONE)
    }
    assert.deepEqual(leftovers(bench), [])
  }
})

test('clients may choose secret IDs, each once in a role', async () => {
  const bench = await openRole()
  const path = 'role/web/custom-secret-id'
  const { status, data } = await ask(bench, 'write', path, { secret_id: ' abc ', metadata: 'k=v', ttl: '1m' })
  assert.deepEqual([status, data?.['secret_id']], [200, 'abc'])
  const taken = { status: 400, errors: [wrapped('failed to store secret_id: SecretID is already registered')] }
  assert.deepEqual(await ask(bench, 'write', path, { secret_id: 'abc' }), taken)
  assert.deepEqual((await logIn(bench, 'abc')).login?.metadata, { k: 'v', role_name: 'web' })
  await ask(bench, 'write', 'role/other')
  assert.equal((await ask(bench, 'write', 'role/other/custom-secret-id', { secret_id: 'abc' })).status, 200, 'another role, another secret ID')
  bench.clock.advance(MINUTE)
  assert.equal((await ask(bench, 'write', path, { secret_id: 'abc' })).status, 200, 'free once it expired')
  assert.deepEqual([...bench.store.keys({ prefix: 'expiry/' })], [], 'nothing of the expired one is left')
})

const invalid = (...errors: string[]): Answer => ({ status: 400, errors })
const notFound = (text: string): Answer => ({ status: 404, errors: [text] })
const subset = (role: string, secretId: string) =>
  invalid(wrapped(`failed to verify subset relationship between CIDR blocks on the role [${role}] and CIDR blocks on the secret ID [${secretId}]`))
const NO_ROLE = notFound(wrapped('role "none" does not exist'))

const REFUSED: readonly (readonly [path: string, data: JsonObject, answer: Answer])[] = [
  ['role/none/secret-id', {}, notFound('role "none" does not exist')],
  ['role/none/custom-secret-id', { secret_id: 'abc' }, notFound('role "none" does not exist')],
  ['role/web/custom-secret-id', {}, invalid('missing secret_id')],
  ['role/web/custom-secret-id', { secret_id: ' ' }, invalid('missing secret_id')],
  ['role/web/secret-id', { num_uses: -1 }, invalid('num_uses cannot be negative')],
  ['role/web/secret-id', { num_uses: 4 }, invalid("num_uses cannot be higher than the role's secret_id_num_uses")],
  ['role/web/secret-id', { num_uses: 0 }, invalid("num_uses cannot be higher than the role's secret_id_num_uses")],
  ['role/web/secret-id', { ttl: '2h' }, invalid("ttl cannot be longer than the role's secret_id_ttl")],
  ['role/web/secret-id', { ttl: 0 }, invalid("ttl cannot be longer than the role's secret_id_ttl")],
  ['role/web/secret-id', { cidr_list: '127.0.0.1' }, invalid(wrapped('failed to validate CIDR blocks: invalid CIDR address: 127.0.0.1'))],
  ['role/web/secret-id', { token_bound_cidrs: 'x' }, invalid(wrapped('failed to validate token CIDR blocks: invalid CIDR address: x'))],
  ['role/web/secret-id', { cidr_list: '10.0.0.0/8' }, subset('"127.0.0.0/8"', '"10.0.0.0/8"')],
  ['role/web/secret-id', { token_bound_cidrs: '11.0.0.1/32' }, subset('"127.0.0.1" "10.0.0.0/8"', '"11.0.0.1/32"')],
  ['role/web/secret-id', { metadata: 'x' }, invalid('failed to parse metadata: failed to parse the input: invalid <key,value> format')],
  ['role/web/secret-id/lookup', {}, invalid('missing secret_id')],
  ['role/web/secret-id/destroy', {}, invalid('missing secret_id')],
  ['role/none/secret-id/lookup', { secret_id: 'x' }, NO_ROLE],
  ['role/none/secret-id/destroy', { secret_id: 'x' }, NO_ROLE],
  ['role/web/secret-id-accessor/lookup', {}, invalid('missing secret_id_accessor')],
  ['role/web/secret-id-accessor/destroy', {}, invalid('missing secret_id_accessor')],
  ['role/web/secret-id-accessor/lookup', { secret_id_accessor: 'x' }, notFound('failed to find accessor entry for secret_id_accessor: "x"')],
  [
    'role/web/secret-id-accessor/destroy',
    { secret_id_accessor: 'x' },
    notFound(wrapped('failed to find accessor entry for secret_id_accessor: "x"')),
  ],
  ['role/none/secret-id-accessor/lookup', { secret_id_accessor: 'x' }, NO_ROLE],
  ['role/none/secret-id-accessor/destroy', { secret_id_accessor: 'x' }, NO_ROLE],
]

test('refusals, none of which changes anything', async () => {
  const bench = await openRole({
    secret_id_num_uses: 3,
    secret_id_ttl: '1h',
    secret_id_bound_cidrs: '127.0.0.0/8',
    token_bound_cidrs: '127.0.0.1,10.0.0.0/8',
  })
  const before = bench.store.revision
  for (const [path, data, answer] of REFUSED) assert.deepEqual(await ask(bench, 'write', path, data), answer, `${path} ${JSON.stringify(data)}`)
  assert.deepEqual(await ask(bench, 'list', 'role/none/secret-id'), invalid('role "none" does not exist'))
  assert.equal(bench.store.revision, before)
})

test('a role that needs no secret ID gives none', async () => {
  const bench = await openRole({ bind_secret_id: false, token_bound_cidrs: '127.0.0.1' })
  assert.deepEqual(await ask(bench, 'write', 'role/web/secret-id'), invalid('bind_secret_id is not set on the role'))
})

test('another role can neither use, see nor destroy a secret ID', async () => {
  const bench = await openRole()
  await ask(bench, 'write', 'role/other', { role_id: 'other-id' })
  const { id, accessor } = await give(bench)
  assert.deepEqual(await logIn(bench, id, 'other-id'), invalid('invalid role or secret ID'))
  assert.deepEqual(await ask(bench, 'write', 'role/other/secret-id/lookup', { secret_id: id }), DONE)
  assert.deepEqual(await ask(bench, 'write', 'role/other/secret-id/destroy', { secret_id: id }), DONE)
  assert.deepEqual(await ask(bench, 'write', 'role/other/secret-id-accessor/lookup', { secret_id_accessor: accessor }), DONE)
  assert.deepEqual(await ask(bench, 'write', 'role/other/secret-id-accessor/destroy', { secret_id_accessor: accessor }), {
    status: 403,
    errors: ['invalid secret id accessor'],
  })
  assert.equal((await logIn(bench, id)).status, 200)
})

test('expired, it is gone at once, and tidying removes it', async () => {
  const bench = await openRole()
  const short = await give(bench, { ttl: '1m' })
  for (let n = 0; n < 50; n++) await give(bench, { ttl: '30s' })
  const lasting = await give(bench)
  bench.clock.advance(MINUTE)
  assert.equal((await logIn(bench, short.id)).status, 400)
  assert.deepEqual(await ask(bench, 'write', 'role/web/secret-id/lookup', { secret_id: short.id }), DONE)
  assert.deepEqual((await ask(bench, 'write', 'tidy/secret-id')).warnings, [
    'Tidy operation successfully started. Any information from the operation will be printed to the server logs.',
  ])
  assert.equal(leftovers(bench).length, 2, 'the lasting one and its accessor')
  assert.equal((await logIn(bench, lasting.id)).status, 200)
  assert.equal(await sweepSecretIds(bench.store, bench.clock.now()), 0)
  assert.equal(await sweepSecretIds(openBench(approle()).store, 0), 0, 'a mount that was never used')
})

test('removing a role removes its secret IDs, and one of its name made later does not know them', async () => {
  const bench = await openRole()
  const given = []
  for (let n = 0; n < 90; n++) given.push(await give(bench, n % 2 === 0 ? {} : { ttl: '1h' }))
  await ask(bench, 'delete', 'role/web')
  assert.deepEqual(leftovers(bench), [])
  await ask(bench, 'write', 'role/web', { role_id: 'web-id' })
  assert.equal((await logIn(bench, given[0]?.id as string)).status, 400)
})

test('a removal that was cut short leaves nothing that works, and is finished by the next sweep', async () => {
  const bench = await openRole()
  const { id, accessor } = await give(bench)
  let commits = 0
  const cut = {
    ...bench.store,
    get revision() {
      return bench.store.revision
    },
    commit: (batch: Parameters<Bench['store']['commit']>[0]) => (commits++ === 0 ? bench.store.commit(batch) : Promise.reject(new Error('cut'))),
  }
  await assert.rejects(openBench(approle(), { store: cut, clock: bench.clock }).call('delete', 'role/web'), /cut/)
  await ask(bench, 'write', 'role/web', { role_id: 'web-id' })
  assert.equal((await logIn(bench, id)).status, 400)
  assert.deepEqual(await ask(bench, 'write', 'role/web/secret-id-accessor/lookup', { secret_id_accessor: accessor }), DONE)
  assert.notDeepEqual(leftovers(bench), [])
  await sweepSecretIds(bench.store, bench.clock.now())
  assert.deepEqual(leftovers(bench), [])
})

test('neither secret IDs nor accessors nor role IDs are in any key, and secret IDs in no value', async () => {
  const bench = await openRole()
  const { id, accessor } = await give(bench, { ttl: '1h' })
  await logIn(bench, id)
  await logIn(bench, 'wrong-canary')
  for (const { key, value } of bench.store.range({ prefix: '' })) {
    for (const hidden of [id, accessor, 'web-id', 'wrong-canary']) assert.ok(!key.includes(hidden), key)
    for (const hidden of [id, 'wrong-canary']) assert.ok(!value.includes(hidden), key)
  }
})

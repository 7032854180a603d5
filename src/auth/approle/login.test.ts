// Logging in with role ID and secret ID: single use, addresses, lockout, what is written, and renewal.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { coreFault } from '../../base/fault.ts'
import type { JsonObject } from '../../base/json.ts'
import { ask, type Answer } from '../../testing/auth-bench.ts'
import { type Bench, openBench, someToken } from '../../testing/run-op.ts'
import { approle } from './approle.ts'

const MINUTE = 60_000
const WRONG = { status: 400, errors: ['invalid role or secret ID'] }
const DENIED = { status: 403, errors: ['permission denied'] }

async function openRole(role: JsonObject = {}) {
  const bench = openBench(approle())
  await ask(bench, 'write', 'role/web', { role_id: 'web-id', ...role })
  const give = async (sent: JsonObject = {}) => String((await ask(bench, 'write', 'role/web/secret-id', sent)).data?.['secret_id'])
  const logIn = (secret_id: string, role_id = 'web-id') => ask(bench, 'write', 'login', { role_id, secret_id })
  return { bench, give, logIn }
}

test('a login gives what role and secret ID say', async () => {
  const { give, logIn } = await openRole({ token_policies: 'B,a', token_ttl: 60, token_bound_cidrs: '127.0.0.0/8' })
  const id = await give({ metadata: '{"Team":"A","role_name":"forged"}', token_bound_cidrs: '127.0.0.1/32' })
  assert.deepEqual(await logIn(` ${id} `, ' web-id\n'), {
    status: 200,
    login: {
      policies: ['a', 'b'],
      limits: { type: 'default', ttl: 60, maxTtl: 0, explicitMaxTtl: 0, period: 0, numUses: 0, noDefaultPolicy: false, boundCidrs: ['127.0.0.1/32'] },
      alias: 'web-id',
      displayName: '',
      metadata: { Team: 'A', role_name: 'web' },
      internal: { role_name: 'web' },
    },
  })
  assert.deepEqual((await logIn(await give())).login?.limits.boundCidrs, ['127.0.0.0/8'])
})

test('without limited uses a login writes nothing', async () => {
  const { bench, give, logIn } = await openRole()
  const id = await give()
  const before = bench.store.revision
  for (let n = 0; n < 3; n++) assert.equal((await logIn(id)).status, 200)
  assert.equal(bench.store.revision, before)
})

test('refusals', async () => {
  const { bench, give, logIn } = await openRole()
  const id = await give()
  const cases: readonly (readonly [sent: JsonObject, answer: Answer])[] = [
    [{}, { status: 400, errors: ['missing role_id'] }],
    [
      { role_id: ' ', secret_id: id },
      { status: 400, errors: ['missing role_id'] },
    ],
    [{ role_id: 'web-id' }, { status: 400, errors: ['missing secret_id'] }],
    [
      { role_id: 'web-id', secret_id: '\n' },
      { status: 400, errors: ['missing secret_id'] },
    ],
    [{ role_id: 'web-id', secret_id: 'x' }, WRONG],
    [{ role_id: 'WEB-ID', secret_id: id }, WRONG],
    [{ role_id: 'web', secret_id: id }, WRONG],
    [{ role_id: 'nobody', secret_id: id }, WRONG],
    [{ role_id: 'nobody' }, WRONG],
  ]
  for (const [sent, answer] of cases) assert.deepEqual(await ask(bench, 'write', 'login', sent), answer, JSON.stringify(sent))
  assert.equal((await logIn(id)).status, 200)
})

test('a role without secret IDs needs the right address instead', async () => {
  const { bench, logIn } = await openRole({ bind_secret_id: false, secret_id_bound_cidrs: '127.0.0.0/8' })
  assert.equal((await logIn('')).status, 200)
  await ask(bench, 'write', 'role/web', { secret_id_bound_cidrs: '10.0.0.0/8' })
  assert.deepEqual(await logIn(''), { status: 400, errors: ['source address "127.0.0.1" unauthorized by CIDR restrictions on the role'] })
})

test('addresses: of the role, of the secret ID, and of a secret ID that the role no longer covers', async () => {
  const { bench, give, logIn } = await openRole()
  const far = await give({ cidr_list: '10.0.0.0/8', num_uses: 1 })
  const refusal = { status: 400, errors: ['source address "127.0.0.1" unauthorized through CIDR restrictions on the secret ID'] }
  assert.deepEqual(await logIn(far), refusal)
  assert.deepEqual(await logIn(far), refusal, 'it was not used up')
  const near = await give({ cidr_list: '127.0.0.0/8' })
  assert.equal((await logIn(near)).status, 200)
  await ask(bench, 'write', 'role/web', { secret_id_bound_cidrs: '127.0.0.0/9' })
  assert.match(String((await logIn(near)).errors), /failed to verify subset relationship/)
})

test('root is never given, and the secret ID is not used up for it', async () => {
  const { bench, give, logIn } = await openRole({ token_policies: 'Root' })
  const id = await give({ num_uses: 1 })
  assert.deepEqual(await logIn(id), { status: 400, errors: ['auth methods cannot create root tokens'] })
  await ask(bench, 'write', 'role/web', { token_policies: 'a' })
  assert.equal((await logIn(id)).status, 200)
})

test('tokens bind to the address of the login where the role says so', async () => {
  const { give, logIn } = await openRole({ token_strictly_bind_ip: true })
  assert.deepEqual((await logIn(await give())).login?.limits.boundCidrs, ['127.0.0.1'])
})

test('of 64 logins at once, as many succeed as the secret ID has uses', async () => {
  for (const uses of [1, 3]) {
    const { bench, give, logIn } = await openRole()
    const id = await give({ num_uses: uses, ttl: '1h' })
    const statuses = (await Promise.all(Array.from({ length: 64 }, () => logIn(id)))).map(({ status }) => status)
    assert.equal(statuses.filter((status) => status === 200).length, uses)
    for (const prefix of ['secret-id/', 'accessor/', 'expiry/']) assert.deepEqual([...bench.store.keys({ prefix })], [], prefix)
  }
})

test('logins with secret IDs of their own do not stand in each other’s way', async () => {
  const { give, logIn } = await openRole({ secret_id_num_uses: 1 })
  const ids = await Promise.all(Array.from({ length: 20 }, () => give()))
  assert.ok((await Promise.all(ids.map((id) => logIn(id)))).every(({ status }) => status === 200))
})

test('five wrong secret IDs lock the role ID, known or not, for 15 minutes', async () => {
  const { bench, give, logIn } = await openRole()
  const id = await give()
  for (const roleId of ['web-id', 'nobody']) {
    for (let guess = 0; guess < 5; guess++) assert.deepEqual(await logIn('x', guess % 2 === 0 ? roleId : ` ${roleId} `), WRONG)
    assert.deepEqual(await logIn(id, roleId), DENIED)
  }
  bench.clock.advance(15 * MINUTE)
  assert.equal((await logIn(id)).status, 200)
  assert.deepEqual(await logIn(id, 'nobody'), WRONG)
})

test('guesses made side by side get no more answers than the rule allows', async () => {
  const { give, logIn } = await openRole()
  const id = await give()
  const volley = await Promise.all(Array.from({ length: 64 }, (_, n) => logIn(n === 63 ? id : `x${n}`)))
  assert.equal(volley.filter(({ status }) => status === 400).length, 5)
  assert.equal(volley.filter(({ status }) => status === 403).length, 59)
})

test('renewal', async () => {
  const { bench } = await openRole({ token_ttl: 60, token_max_ttl: 90 })
  const renew = approle().renew
  const token = someToken({ policies: ['old'], internal: { role_name: 'web' } })
  const renewed = renew?.(bench.ctx(), token)
  assert.deepEqual([renewed?.ttl, renewed?.maxTtl, renewed?.policies], [60, 90, ['old']])
  await ask(bench as Bench, 'delete', 'role/web')
  assert.throws(() => renew?.(bench.ctx(), token), coreFault('invalid', 'failed to renew entry: role "web" does not exist during renewal'))
})

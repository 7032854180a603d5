// Every endpoint that manages users, with what each refuses.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JsonObject } from '../../base/json.ts'
import type { OpVerb } from '../../contract/module.ts'
import { type Answer, ask, plainPasswords, wrapped } from '../../testing/auth-bench.ts'
import { openBench } from '../../testing/run-op.ts'
import { userpass } from './userpass.ts'

const open = () => openBench(userpass({ passwords: plainPasswords }))
const DONE = { status: 204 }

const DEFAULTS = {
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

test('a user is created, shown without password, changed and removed', async () => {
  const bench = open()
  assert.deepEqual(await ask(bench, 'write', 'users/ann', { password: 'pw' }), DONE)
  assert.deepEqual(await ask(bench, 'read', 'users/ann'), { status: 200, data: DEFAULTS })
  assert.deepEqual(await ask(bench, 'write', 'users/ANN', { token_ttl: '1h', token_policies: 'b,a' }), DONE)
  assert.deepEqual(await ask(bench, 'read', 'users/Ann'), { status: 200, data: { ...DEFAULTS, token_ttl: 3600, token_policies: ['b', 'a'] } })
  assert.equal((await ask(bench, 'write', 'login/ann', { password: 'pw' })).status, 200, 'the password stayed')
  assert.deepEqual(await ask(bench, 'delete', 'users/aNN'), DONE)
  assert.deepEqual(await ask(bench, 'read', 'users/ann'), { status: 404, errors: [] })
  assert.deepEqual(await ask(bench, 'delete', 'users/ann'), DONE)
})

test('older names of fields', async () => {
  const bench = open()
  await ask(bench, 'write', 'users/ann', { password: 'pw', policies: 'Z, b,b', ttl: 90, max_ttl: '2h', bound_cidrs: ['127.0.0.1/32', '10.1.2.3/8'] })
  assert.deepEqual((await ask(bench, 'read', 'users/ann')).data, {
    ...DEFAULTS,
    token_policies: ['b', 'z'],
    policies: ['b', 'z'],
    token_ttl: 90,
    ttl: 90,
    token_max_ttl: 7200,
    max_ttl: 7200,
    token_bound_cidrs: ['127.0.0.1', '10.1.2.3/8'],
    bound_cidrs: ['127.0.0.1', '10.1.2.3/8'],
  })
})

test('a write is a create or an update by whether the user exists', async () => {
  const bench = open()
  assert.equal((await bench.call('write', 'users/ann', { password: 'pw' })).capability, 'create')
  assert.equal((await bench.call('write', 'users/ANN', { password: 'pw' })).capability, 'update')
})

test('users are listed, page by page', async () => {
  const bench = open()
  assert.deepEqual(await ask(bench, 'list', 'users'), { status: 200, keys: [] })
  for (const name of ['cid', 'ann', 'Bob']) await ask(bench, 'write', `users/${name}`, { password: 'pw' })
  assert.deepEqual((await ask(bench, 'list', 'users')).keys, ['ann', 'bob', 'cid'])
  assert.deepEqual((await ask(bench, 'list', 'users', { after: 'ann', limit: 1 })).keys, ['bob'])
  assert.deepEqual((await ask(bench, 'list', 'users', { limit: '0' })).keys, ['ann', 'bob', 'cid'])
})

test('password and policies have endpoints of their own', async () => {
  const bench = open()
  await ask(bench, 'write', 'users/ann', { password: 'old', token_ttl: 5 })
  assert.deepEqual(await ask(bench, 'write', 'users/ANN/password', { password: 'new' }), DONE)
  assert.equal((await ask(bench, 'write', 'login/ann', { password: 'old' })).status, 400)
  assert.equal((await ask(bench, 'write', 'login/ann', { password: 'new' })).status, 200)
  assert.deepEqual(await ask(bench, 'write', 'users/ann/policies', { token_policies: 'Z,y,y' }), DONE)
  assert.deepEqual((await ask(bench, 'read', 'users/ann')).data, { ...DEFAULTS, token_ttl: 5, token_policies: ['y', 'z'] })
  assert.deepEqual(await ask(bench, 'write', 'users/ann/policies', { policies: 'k' }), DONE)
  assert.deepEqual((await ask(bench, 'read', 'users/ann')).data, { ...DEFAULTS, token_ttl: 5, token_policies: ['k'], policies: ['k'] })
  assert.deepEqual(await ask(bench, 'write', 'users/ann/policies', {}), DONE)
  assert.deepEqual((await ask(bench, 'read', 'users/ann')).data?.['token_policies'], ['k'])
})

const NEITHER = { status: 400, errors: ['must provide either password or password_hash'] }
const BOTH = { status: 400, errors: ['only one of password or password_hash may be provided'] }
const HASH = { status: 400, errors: ['password_hash is not supported: send the password, which is then kept as an argon2id hash'] }
const NO_USER = { status: 404, errors: [wrapped('username does not exist')] }
const NO_PATH = { status: 404, errors: [wrapped('unsupported path')] }

const REFUSED: readonly (readonly [verb: OpVerb, path: string, data: JsonObject, answer: Answer])[] = [
  ['write', 'users/new', {}, NEITHER],
  ['write', 'users/new', { password: '' }, NEITHER],
  ['write', 'users/new', { token_ttl: 5 }, NEITHER],
  ['write', 'users/new', { password: 'a', password_hash: 'b' }, BOTH],
  ['write', 'users/new', { password_hash: '$2b$10$abc' }, HASH],
  ['write', 'users/ann', { password: 'a', password_hash: 'b' }, BOTH],
  ['write', 'users/ann', { password_hash: 'b' }, HASH],
  ['write', 'users/ann', { token_num_uses: -1 }, { status: 400, errors: ["'token_num_uses' cannot be negative"] }],
  ['write', 'users/ann', { token_ttl: 61 }, { status: 400, errors: ["'token_ttl' cannot be greater than 'token_max_ttl'"] }],
  ['write', 'users/an n', { password: 'a' }, NO_PATH],
  ['write', 'users/ann.', { password: 'a' }, NO_PATH],
  ['write', 'users/ſam', { password: 'a' }, NO_PATH],
  ['read', 'users/-ann', {}, NO_PATH],
  ['delete', 'users/ann.', {}, NO_PATH],
  ['write', 'users/new/password', { password: 'a' }, NO_USER],
  ['write', 'users/ann/password', {}, NEITHER],
  ['write', 'users/ann/password', { password: 'a', password_hash: 'b' }, BOTH],
  ['write', 'users/ann/password', { password_hash: 'b' }, HASH],
  ['write', 'users/new/policies', { policies: 'a' }, NO_USER],
  ['read', 'users/ann/password', {}, { status: 405, errors: ['unsupported operation'] }],
]

test('refusals, none of which changes anything', async () => {
  const bench = open()
  await ask(bench, 'write', 'users/ann', { password: 'pw', token_max_ttl: 60 })
  const before = bench.store.revision
  for (const [verb, path, data, answer] of REFUSED) {
    assert.deepEqual(await ask(bench, verb, path, data), answer, `${verb} ${path} ${JSON.stringify(data)}`)
  }
  assert.equal(bench.store.revision, before)
})

test('passwords are stored hashed only', async () => {
  const bench = openBench(userpass({ passwords: { ...plainPasswords, hash: async () => 'hashed' } }))
  await ask(bench, 'write', 'users/ann', { password: 'canary' })
  for (const { key, value } of bench.store.range({ prefix: '' })) assert.ok(!`${key} ${value}`.includes('canary'))
})

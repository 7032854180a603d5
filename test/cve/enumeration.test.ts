// Class "timing and enumeration": who guesses learns nothing from the answer, nor from the work that was done for it.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { approle } from '../../src/auth/approle/approle.ts'
import { userpass } from '../../src/auth/userpass/userpass.ts'
import type { JsonObject } from '../../src/base/json.ts'
import { ARGON2, NOBODY, openPasswords, type Passwords } from '../../src/crypto/password.ts'
import { memory } from '../../src/store/memory.ts'
import type { Store } from '../../src/store/store.ts'
import { ask } from '../../src/testing/auth-bench.ts'
import { stillTimers } from '../../src/testing/clock.ts'
import { openBench } from '../../src/testing/run-op.ts'
import { openWorld } from '../../src/testing/world.ts'

/** What was done, counted: for the same answer it must be the same. */
interface Work {
  hashes: number
  reads: number
  commits: number
}

const work: Work = { hashes: 0, reads: 0, commits: 0 }

function counting(inner: Store): Store {
  return Object.create(inner, {
    get: {
      value(key: string) {
        work.reads++
        return inner.get(key)
      },
    },
    commit: {
      value(batch: Parameters<Store['commit']>[0]) {
        work.commits++
        return inner.commit(batch)
      },
    },
  })
}

const passwords: Passwords = {
  hash: async (password) => `hash of ${password}`,
  async verify(hash, password) {
    work.hashes++
    return hash === `hash of ${password}`
  },
}

async function done(run: () => Promise<unknown>): Promise<{ answer: unknown } & Work> {
  Object.assign(work, { hashes: 0, reads: 0, commits: 0 })
  const answer = await run()
  return { answer, ...work }
}

describe('userpass', () => {
  async function openWith() {
    const bench = openBench(userpass({ passwords }), { store: counting(memory({ timers: stillTimers })) })
    await ask(bench, 'write', 'users/ann', { password: 'right' })
    await ask(bench, 'write', 'users/bound', { password: 'right', token_bound_cidrs: '10.0.0.0/8' })
    await ask(bench, 'write', 'login/ann', { password: 'right' }) // makes the salt
    return (name: string, password: string) => done(() => ask(bench, 'write', `login/${name}`, { password }))
  }

  test('an unknown name, a wrong password and a user bound elsewhere: one answer, one amount of work', async () => {
    const logIn = await openWith()
    const wrong = await logIn('ann', 'wrong')
    assert.deepEqual(wrong.answer, { status: 400, errors: ['invalid username or password'] })
    assert.equal(wrong.hashes, 1)
    for (const name of ['nobody', 'bound', 'ann', 'ANN']) {
      const { reads, ...others } = await logIn(name, 'wrong')
      assert.deepEqual({ ...others, reads: wrong.reads }, wrong, name)
      // A read costs a thousandth of a hash.
      assert.ok(Math.abs(reads - wrong.reads) <= 1, `${name}: ${reads} reads`)
    }
  })

  test('a locked name says so no matter whether it exists, and costs no hash', async () => {
    const logIn = await openWith()
    for (let tries = 0; tries < 5; tries++) for (const name of ['ann', 'nobody']) await logIn(name, 'wrong')
    const locked = await logIn('ann', 'right')
    assert.deepEqual(locked.answer, { status: 403, errors: ['permission denied'] })
    assert.equal(locked.hashes, 0)
    for (const [name, password] of [
      ['ann', 'wrong'],
      ['nobody', 'wrong'],
    ] as const)
      assert.deepEqual(await logIn(name, password), locked, name)
  })

  test('the hash that belongs to nobody costs what a user’s costs', async () => {
    const real = openPasswords({ bytes: (size) => Buffer.alloc(size, 7) })
    const costs = (phc: string) => phc.split('$').slice(1, 4)
    assert.deepEqual(costs(NOBODY), costs(await real.hash('x')))
    assert.deepEqual(costs(NOBODY)[2], `m=${ARGON2.memoryCost},t=${ARGON2.timeCost},p=${ARGON2.parallelism}`)
    assert.equal(await real.verify(undefined, 'x'), false)
  })
})

describe('approle', () => {
  test('an unknown role, and a secret ID that is unknown or of another role: one answer, one amount of writing', async () => {
    const bench = openBench(approle(), { store: counting(memory({ timers: stillTimers })) })
    const read = async (path: string, data: JsonObject = {}, verb: 'read' | 'write' = 'read') => (await ask(bench, verb, path, data)).data ?? {}
    for (const role of ['web', 'job']) await ask(bench, 'write', `role/${role}`, {})
    const { role_id: web } = await read('role/web/role-id')
    const { secret_id: ofJob } = await read('role/job/secret-id', {}, 'write')
    const logIn = (role: unknown, secret: unknown) =>
      done(() => ask(bench, 'write', 'login', { role_id: role as string, secret_id: secret as string }))
    const { answer, commits } = await logIn(web, 'wrong')
    assert.deepEqual(answer, { status: 400, errors: ['invalid role or secret ID'] })
    for (const [role, secret] of [
      ['unknown', 'wrong'],
      ['unknown', ofJob],
      [web, ofJob],
    ]) {
      const other = await logIn(role, secret)
      assert.deepEqual([other.answer, other.commits], [answer, commits])
    }
  })
})

describe('tokens and paths', () => {
  test('whoever has no valid token is told the same of everything, be it there or not', async () => {
    const world = await openWorld()
    await world.ok('write', 'sys/mounts/kv', { type: 'kv' })
    await world.ok('write', 'kv/there', { a: '1' })
    const dead = (await world.ok('write', 'auth/token/create', { ttl: '1m' })).auth
    await world.ok('write', 'auth/token/revoke', { token: dead.client_token })
    for (const token of ['', 'hvs.unknown', dead.client_token, dead.accessor, `${world.rootToken}x`, world.rootToken.slice(0, -1)]) {
      for (const path of ['kv/there', 'kv/absent', 'nowhere/x', 'sys/mounts', 'sys/nothing', 'auth/nowhere/login']) {
        const { status, body } = await world.call('read', path, {}, { token })
        assert.deepEqual([status, body], [403, { errors: ['permission denied'] }], `${path} with ${token}`)
      }
    }
  })

  test('whoever may not is told the same of everything', async () => {
    const world = await openWorld()
    await world.ok('write', 'sys/mounts/kv', { type: 'kv' })
    await world.ok('write', 'kv/there', { a: '1' })
    const token = (await world.ok('write', 'auth/token/create', { policies: ['default'] })).auth.client_token
    for (const path of ['kv/there', 'kv/absent', 'nowhere/x', 'sys/mounts', 'sys/nothing']) {
      const { status, body } = await world.call('read', path, {}, { token })
      assert.deepEqual([status, body], [403, { errors: ['1 error occurred:\n\t* permission denied\n\n'] }], path)
    }
  })

  test('tokens are looked up by their HMAC: no comparison depends on how much of a guess is right', async () => {
    const world = await openWorld()
    const { client_token: token } = (await world.ok('write', 'auth/token/create', {})).auth
    for (const key of world.store.keys({ prefix: '' })) assert.ok(!key.includes(token) && !key.includes(token.slice(4)), key)
  })
})

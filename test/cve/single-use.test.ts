// What may be used once, or so many times, is never used more often: many at once, over several processes' views of one store.
// The class of SPIRE's join token race, CVE-2025-6015 and CVE-2025-55003 (one-time passwords taken twice), and CVE-2023-24999
// (a secret ID of one role used up through another).
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { openTokenWorld } from '../../src/testing/token-world.ts'

const AT_ONCE = 64
const ROUNDS = 40

/** A world, and its calls spread over three kernels, each with caches of its own. */
async function open() {
  const world = await openTokenWorld()
  const kernels = [world.kernel, world.twin(), world.twin()]
  /** Statuses of as many calls at once. */
  async function race(path: string, data: Record<string, any>, token?: string): Promise<number[]> {
    const calls = Array.from({ length: AT_ONCE }, (_, n) =>
      world.call('write', path, data, { kernel: kernels[n % kernels.length] as (typeof kernels)[0], ...(token === undefined ? {} : { token }) }),
    )
    return (await Promise.all(calls)).map(({ status }) => status)
  }
  return { world, race }
}

const successes = (statuses: readonly number[]) => statuses.filter((status) => status < 300).length
const others = (statuses: readonly number[]) => [...new Set(statuses.filter((status) => status >= 300))]

describe('exactly one of many at once', () => {
  test('takes a wrapped answer, by the token in the body', async () => {
    const { world, race } = await open()
    for (let round = 0; round < ROUNDS; round++) {
      const { token } = (await world.ok('write', 'sys/wrapping/wrap', { round }, { wrapTtl: 60 })).wrap_info
      const statuses = await race('sys/wrapping/unwrap', { token })
      assert.deepEqual([successes(statuses), others(statuses)], [1, [400]])
    }
  })

  test('takes a wrapped answer, as its token', async () => {
    const { world, race } = await open()
    for (let round = 0; round < ROUNDS; round++) {
      const { token } = (await world.ok('write', 'sys/wrapping/wrap', { round }, { wrapTtl: 60 })).wrap_info
      const statuses = await race('sys/wrapping/unwrap', {}, token)
      assert.deepEqual([successes(statuses), others(statuses)], [1, [400]])
    }
  })

  test('passes a wrapped answer on', async () => {
    const { world, race } = await open()
    for (let round = 0; round < ROUNDS; round++) {
      const { token } = (await world.ok('write', 'sys/wrapping/wrap', { round }, { wrapTtl: 60 })).wrap_info
      const statuses = await race('sys/wrapping/rewrap', { token })
      assert.deepEqual([successes(statuses), others(statuses)], [1, [400]])
    }
  })

  test('takes or passes on or reads it', async () => {
    const { world } = await open()
    for (let round = 0; round < ROUNDS; round++) {
      const { token } = (await world.ok('write', 'sys/wrapping/wrap', { round }, { wrapTtl: 60 })).wrap_info
      const said = await Promise.all([
        world.call('write', 'sys/wrapping/unwrap', { token }),
        world.call('read', 'cubbyhole/response', {}, { token, kernel: world.twin() }),
        world.call('write', 'sys/wrapping/rewrap', { token }, { kernel: world.twin() }),
        world.call('write', 'sys/wrapping/unwrap', {}, { token, kernel: world.twin() }),
      ])
      assert.equal(said.filter(({ status }) => status === 200).length, 1, said.map(({ status }) => status).join())
    }
  })

  test('uses the last use of a token', async () => {
    const { world, race } = await open()
    for (let round = 0; round < ROUNDS; round++) {
      const { client_token: token } = await world.make({ policies: ['maker'], num_uses: 1 })
      const statuses = await race('auth/token/lookup', {}, token)
      assert.deepEqual([successes(statuses), others(statuses)], [1, [403]])
    }
  })

  test('makes a token of a chosen id', async () => {
    const { race } = await open()
    for (let round = 0; round < 5; round++) {
      const statuses = await race('auth/token/create', { id: `mine-${round}`, policies: ['default'] })
      assert.deepEqual([successes(statuses), others(statuses)], [1, [400]])
    }
  })
})

describe('as many as allowed, of many at once', () => {
  test('use a token', async () => {
    const { world, race } = await open()
    for (const uses of [2, 10, 63]) {
      const { client_token: token } = await world.make({ policies: ['maker'], num_uses: uses })
      const statuses = await race('auth/token/lookup', {}, token)
      assert.deepEqual([successes(statuses), others(statuses)], [uses, [403]])
    }
  })

  test('log in with a secret ID, and none through another role', async () => {
    const { world, race } = await open()
    await world.ok('write', 'sys/auth/approle', { type: 'approle' })
    const roleId = async (name: string) => (await world.ok('read', `auth/approle/role/${name}/role-id`)).data.role_id
    for (const name of ['one', 'other']) await world.ok('write', `auth/approle/role/${name}`, { secret_id_num_uses: 5 })
    const { secret_id } = (await world.ok('write', 'auth/approle/role/one/secret-id')).data
    const wrong = await race('auth/approle/login', { role_id: await roleId('other'), secret_id }, '')
    assert.equal(successes(wrong), 0)
    const right = await race('auth/approle/login', { role_id: await roleId('one'), secret_id }, '')
    assert.equal(successes(right), 5)
  })
})

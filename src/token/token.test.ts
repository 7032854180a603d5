// auth/token through a whole server: making, looking up, renewing, counting, revoking, expiring.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { openWorld, type World } from '../testing/world.ts'

const DENIED = 403

async function makeToken(world: World, data: Record<string, any> = {}, token?: string): Promise<any> {
  return (await world.ok('write', 'auth/token/create', data, token === undefined ? {} : { token })).auth
}

function lookUpSelf(world: World, token: string) {
  return world.call('read', 'auth/token/lookup-self', {}, { token })
}

describe('a made token', () => {
  test('carries what was asked for', async () => {
    const world = await openWorld()
    const auth = await makeToken(world, { policies: ['b', 'A'], ttl: '1h', meta: { team: 'x' }, display_name: 'ci job', num_uses: 3 })
    assert.match(auth.client_token, /^hvs\.[0-9A-Za-z]{24}$/)
    assert.deepEqual(auth.policies, ['a', 'b', 'default'])
    assert.equal(auth.lease_duration, 3600)
    assert.equal(auth.renewable, true)
    assert.equal(auth.orphan, false)
    assert.deepEqual(auth.metadata, { team: 'x' })
    const { body } = await world.call('write', 'auth/token/lookup', { token: auth.client_token })
    assert.equal(body.data.display_name, 'token-ci-job')
    assert.equal(body.data.num_uses, 3)
    assert.equal(body.data.ttl, 3600)
    assert.equal(body.data.path, 'auth/token/create')
    assert.equal(body.data.expire_time, '2030-01-02T04:04:05.678Z')
  })

  test('warns of policies that do not exist', async () => {
    const world = await openWorld()
    const { warnings } = await world.ok('write', 'auth/token/create', { policies: ['ghost'] })
    assert.deepEqual(warnings, ['Policy "ghost" does not exist'])
  })

  test('is found by its accessor, without its id', async () => {
    const world = await openWorld()
    const auth = await makeToken(world, { policies: ['default'] })
    const { body } = await world.call('write', 'auth/token/lookup-accessor', { accessor: auth.accessor })
    assert.equal(body.data.id, '')
    assert.equal(body.data.accessor, auth.accessor)
    assert.deepEqual((await world.ok('list', 'auth/token/accessors')).data.keys.includes(auth.accessor), true)
  })

  test('may have an id of its own, once', async () => {
    const world = await openWorld()
    assert.equal((await makeToken(world, { id: 'my-id', policies: ['default'] })).client_token, 'my-id')
    const again = await world.call('write', 'auth/token/create', { id: 'my-id' })
    assert.equal(again.status, 400)
  })
})

describe('what a child may be', () => {
  const cases: readonly [string, Record<string, any>, string][] = [
    ['more than its parent', { policies: ['other'] }, 'child policies must be subset of parent'],
    ['root', { policies: ['root'] }, 'child policies must be subset of parent'],
    ['an orphan', { no_parent: true }, 'root or sudo privileges required to create orphan token'],
    ['periodic', { period: '1h' }, 'root or sudo privileges required to create periodic token'],
    ['of a chosen id', { id: 'x' }, 'root or sudo privileges required to specify token id'],
    ['good for less than no use', { num_uses: -1 }, 'number of uses cannot be negative'],
    ['of an unknown type', { type: 'odd' }, "invalid 'token_type' value"],
    ['of negative life', { ttl: '-1s' }, 'ttl must be positive'],
  ]
  for (const [what, data, message] of cases) {
    test(`not ${what}`, async () => {
      const world = await openWorld()
      await world.ok('write', 'sys/policies/acl/maker', { policy: 'path "auth/token/create" { capabilities = ["update"] }' })
      const { client_token: token } = await makeToken(world, { policies: ['maker'] })
      const { status, body } = await world.call('write', 'auth/token/create', data, { token })
      assert.equal(status, 400)
      assert.deepEqual(body.errors, [message])
    })
  }

  test('not of a token with limited uses', async () => {
    const world = await openWorld()
    await world.ok('write', 'sys/policies/acl/maker', { policy: 'path "auth/token/create" { capabilities = ["update"] }' })
    const { client_token: token } = await makeToken(world, { policies: ['maker'], num_uses: 5 })
    const { body } = await world.call('write', 'auth/token/create', {}, { token })
    assert.deepEqual(body.errors, ['restricted use token cannot generate child tokens'])
  })
})

describe('life and death', () => {
  test('a token ends when its time comes, with its children', async () => {
    const world = await openWorld()
    await world.ok('write', 'sys/policies/acl/maker', { policy: 'path "auth/token/create" { capabilities = ["update"] }' })
    const parent = await makeToken(world, { policies: ['maker'], ttl: '10s' })
    const child = await makeToken(world, { ttl: '1h' }, parent.client_token)
    assert.equal((await lookUpSelf(world, child.client_token)).status, 200)
    world.clock.advance(10_000)
    assert.equal((await lookUpSelf(world, parent.client_token)).status, DENIED)
    assert.equal((await lookUpSelf(world, child.client_token)).status, DENIED)
    await world.kernel.sweep()
    const left = (await world.ok('list', 'auth/token/accessors')).data.keys
    assert.equal(left.includes(parent.accessor) || left.includes(child.accessor), false)
  })

  test('a ttl of zero never means for ever', async () => {
    const world = await openWorld()
    for (const ttl of [0, '', '0s', null]) {
      const auth = await makeToken(world, { policies: ['default'], ttl })
      assert.equal(auth.lease_duration, 2_764_800)
    }
  })

  test('renewal extends it, up to its explicit maximum', async () => {
    const world = await openWorld()
    const auth = await makeToken(world, { policies: ['default'], ttl: '1h', explicit_max_ttl: '90m' })
    world.clock.advance(1_800_000)
    const renewed = await world.ok('write', 'auth/token/renew', { token: auth.client_token, increment: '30m' })
    assert.equal(renewed.auth.lease_duration, 1800)
    const capped = await world.ok('write', 'auth/token/renew', { token: auth.client_token, increment: '5h' })
    assert.equal(capped.auth.lease_duration, 3600)
    assert.deepEqual(capped.warnings, ['TTL of "5h" exceeded the effective max_ttl of "1h"; TTL value is capped accordingly'])
    world.clock.advance(3_600_000)
    assert.equal((await lookUpSelf(world, auth.client_token)).status, DENIED)
  })

  test('a periodic token renews without end', async () => {
    const world = await openWorld()
    const auth = await makeToken(world, { policies: ['default'], period: '1h' })
    for (let day = 0; day < 3; day++) {
      world.clock.advance(3_000_000)
      assert.equal((await world.ok('write', 'auth/token/renew-self', {}, { token: auth.client_token })).auth.lease_duration, 3600)
    }
  })

  test('what can not be renewed says so', async () => {
    const world = await openWorld()
    const fixed = await makeToken(world, { policies: ['default'], renewable: false })
    assert.deepEqual((await world.call('write', 'auth/token/renew', { token: fixed.client_token })).body.errors, ['lease is not renewable'])
    assert.deepEqual((await world.call('write', 'auth/token/renew-self')).body.errors, ['invalid lease ID'])
    assert.deepEqual((await world.call('write', 'auth/token/renew', { token: 'nope' })).body.errors, ['token not found'])
  })

  test('the last use ends it', async () => {
    const world = await openWorld()
    const auth = await makeToken(world, { policies: ['default'], num_uses: 2 })
    assert.equal((await lookUpSelf(world, auth.client_token)).status, 200)
    assert.equal((await lookUpSelf(world, auth.client_token)).status, 200)
    assert.equal((await lookUpSelf(world, auth.client_token)).status, DENIED)
    assert.equal((await world.call('write', 'auth/token/lookup-accessor', { accessor: auth.accessor })).status, 400)
  })

  test('parallel callers never get more uses than there are', async () => {
    const world = await openWorld()
    const auth = await makeToken(world, { policies: ['default'], num_uses: 10 })
    const tries = await Promise.all(Array.from({ length: 64 }, () => lookUpSelf(world, auth.client_token)))
    assert.equal(tries.filter(({ status }) => status === 200).length, 10)
  })
})

describe('revocation', () => {
  test('takes all descendants, at once', async () => {
    const world = await openWorld()
    await world.ok('write', 'sys/policies/acl/maker', { policy: 'path "auth/token/create" { capabilities = ["update"] }' })
    const tokens = [await makeToken(world, { policies: ['maker'] })]
    for (let depth = 0; depth < 5; depth++) tokens.push(await makeToken(world, {}, tokens.at(-1).client_token))
    await world.ok('write', 'auth/token/revoke', { token: tokens[1].client_token })
    assert.equal((await lookUpSelf(world, tokens[0].client_token)).status, 200)
    for (const { client_token } of tokens.slice(1)) assert.equal((await lookUpSelf(world, client_token)).status, DENIED)
    const keys = [...world.store.keys({ prefix: 'token-dead/' })]
    assert.deepEqual(keys, [])
  })

  test('by revoke-orphan leaves the children, as orphans', async () => {
    const world = await openWorld()
    await world.ok('write', 'sys/policies/acl/maker', { policy: 'path "auth/token/create" { capabilities = ["update"] }' })
    const parent = await makeToken(world, { policies: ['maker'] })
    const child = await makeToken(world, {}, parent.client_token)
    await world.ok('write', 'auth/token/revoke-orphan', { token: parent.client_token })
    assert.equal((await lookUpSelf(world, parent.client_token)).status, DENIED)
    assert.equal((await lookUpSelf(world, child.client_token)).body.data.orphan, true)
  })

  test('by oneself, and by accessor', async () => {
    const world = await openWorld()
    const one = await makeToken(world, { policies: ['default'] })
    const two = await makeToken(world, { policies: ['default'] })
    assert.equal((await world.call('write', 'auth/token/revoke-self', {}, { token: one.client_token })).status, 204)
    assert.equal((await world.call('write', 'auth/token/revoke-accessor', { accessor: two.accessor })).status, 204)
    for (const { client_token } of [one, two]) assert.equal((await lookUpSelf(world, client_token)).status, DENIED)
  })

  test('empties the cubbyhole', async () => {
    const world = await openWorld()
    const auth = await makeToken(world, { policies: ['default'] })
    await world.ok('write', 'cubbyhole/mine', { secret: 'x' }, { token: auth.client_token })
    const inside = () => [...world.store.keys({ prefix: 'data/' })].length
    assert.equal(inside(), 1)
    await world.ok('write', 'auth/token/revoke', { token: auth.client_token })
    assert.equal(inside(), 0)
  })

  test('happens to all tokens of a mount that goes', async () => {
    const world = await openWorld()
    await world.ok('write', 'sys/auth/up', { type: 'userpass' })
    await world.ok('write', 'auth/up/users/ann', { password: 'correct horse' })
    const { auth } = await world.ok('write', 'auth/up/login/ann', { password: 'correct horse' }, { token: '' })
    assert.equal((await lookUpSelf(world, auth.client_token)).status, 200)
    await world.ok('delete', 'sys/auth/up')
    assert.equal((await lookUpSelf(world, auth.client_token)).status, DENIED)
  })
})

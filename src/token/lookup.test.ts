// Looking up, renewing and revoking tokens that are there, that are not, and that are no tokens: each answer in its words.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { openTokenWorld } from '../testing/token-world.ts'

const core = (text: string) => `1 error occurred:\n\t* ${text}\n\n`

/** Path, data, and the answer: status and texts of a refusal. */
const REFUSED: readonly (readonly [path: string, data: Record<string, any>, refusal: readonly unknown[]])[] = [
  ['lookup', { token: 'nobody' }, [403, 'bad token']],
  ['lookup', { token: 'hvb.x' }, [403, 'bad token']],
  ['lookup', { token: 'hvs.x.ns1' }, [403, 'bad token']],
  ['renew', {}, [400, 'missing token ID']],
  ['renew', { token: 'nobody' }, [400, 'token not found']],
  ['renew', { token: 'hvb.x' }, [400, 'token not found']],
  ['renew-self', {}, [400, 'invalid lease ID']],
  ['revoke', {}, [400, 'missing token ID']],
  ['revoke-orphan', {}, [400, 'missing token ID']],
  ['revoke-orphan', { token: 'nobody' }, [400, 'token to revoke not found']],
  ['lookup-accessor', {}, [400, core('missing accessor')]],
  ['lookup-accessor', { accessor: 'nobody' }, [400, core('invalid accessor')]],
  ['renew-accessor', {}, [400, core('missing accessor')]],
  ['renew-accessor', { accessor: 'nobody' }, [400, core('invalid accessor')]],
  ['revoke-accessor', {}, [400, core('missing accessor')]],
]

describe('auth/token', () => {
  test('refuses what is no token, in these words', async () => {
    const world = await openTokenWorld()
    for (const [path, data, refusal] of REFUSED) {
      assert.deepEqual(await world.refused(`auth/token/${path}`, data), refusal, `${path} ${JSON.stringify(data)}`)
    }
    for (const token of ['nobody', 'hvb.x', 'hvb.', 'b.x']) {
      assert.equal((await world.call('write', 'auth/token/revoke', { token })).status, 204)
      assert.deepEqual((await world.call('read', 'auth/token/lookup-self', {}, { token })).body.errors, ['permission denied'])
    }
    const gone = await world.call('write', 'auth/token/revoke-accessor', { accessor: 'nobody' })
    assert.deepEqual([gone.status, gone.body.warnings], [200, ['No token found with this accessor']])
  })

  test('lists accessors to those with sudo only', async () => {
    const world = await openTokenWorld()
    const list = (capabilities: string) => `path "auth/token/accessors" { capabilities = [${capabilities}] }`
    await world.ok('write', 'sys/policies/acl/lists', { policy: list('"list"') })
    await world.ok('write', 'sys/policies/acl/all', { policy: list('"list", "sudo"') })
    const [some, all] = [await world.make({ policies: ['lists'] }), await world.make({ policies: ['all'] })]
    assert.equal((await world.call('list', 'auth/token/accessors', {}, { token: some.client_token })).status, 403)
    const { keys } = (await world.ok('list', 'auth/token/accessors', {}, { token: all.client_token })).data
    assert.equal(keys.length, 3)
    assert.ok(keys.includes(some.accessor))
  })

  test('shows a token to itself with its last use', async () => {
    const world = await openTokenWorld()
    for (const ask of [
      (token: string) => world.call('write', 'auth/token/lookup', {}, { token }),
      (token: string) => world.call('write', 'auth/token/lookup', { token }, { token }),
      (token: string) => world.call('read', 'auth/token/lookup-self', {}, { token }),
    ]) {
      const { client_token: token } = await world.make({ policies: ['maker'], num_uses: 1 })
      assert.equal((await ask(token)).body.data.num_uses, 0)
      assert.equal((await ask(token)).status, 403)
    }
  })

  test('needs sudo to revoke a token and spare its children', async () => {
    const world = await openTokenWorld()
    const { client_token: maker } = await world.make({ policies: ['maker'] })
    const { client_token: sudoer } = await world.make({ policies: ['sudoer'] })
    const { client_token: token } = await world.make({ policies: ['default'] })
    const text = 'root or sudo privileges required to revoke and orphan'
    assert.deepEqual(await world.refused('auth/token/revoke-orphan', { token }, maker), [400, text])
    assert.equal((await world.call('write', 'auth/token/revoke-orphan', { token }, { token: sudoer })).status, 204)
  })

  test('renews for as long as last time, where nothing is asked', async () => {
    const world = await openTokenWorld()
    const { client_token: token } = await world.make({ policies: ['default'], ttl: '1h' })
    const renew = async (increment?: string) =>
      (await world.ok('write', 'auth/token/renew', { token, ...(increment === undefined ? {} : { increment }) })).auth.lease_duration
    assert.deepEqual([await renew(), await renew('30m'), await renew(), await renew('2h'), await renew('0')], [3600, 1800, 1800, 7200, 7200])
  })
})

test('sys/capabilities names the one path asked about, and says who is none', async () => {
  const world = await openTokenWorld()
  const { client_token: token, accessor } = await world.make({ policies: ['maker'] })
  const of = async (data: Record<string, any>) => (await world.ok('write', 'sys/capabilities', { token, ...data })).data
  assert.deepEqual(await of({ paths: ['auth/token/x'] }), { 'auth/token/x': ['read', 'update'], capabilities: ['read', 'update'] })
  assert.deepEqual(await of({ paths: ['auth/token/x', 'y'] }), { 'auth/token/x': ['read', 'update'], y: ['deny'] })
  assert.deepEqual((await world.ok('write', 'sys/capabilities-accessor', { accessor, paths: ['y'] })).data.capabilities, ['deny'])
  assert.deepEqual(await world.refused('sys/capabilities', { paths: ['y'] }), [400, core('no token found')])
  assert.deepEqual(await world.refused('sys/capabilities', { token: 'nobody', paths: ['y'] }), [400, core('invalid token')])
  assert.deepEqual(await world.refused('sys/capabilities-accessor', { paths: ['y'] }), [400, 'missing accessor'])
  assert.deepEqual(await world.refused('sys/capabilities-accessor', { accessor: 'nobody', paths: ['y'] }), [400, core('invalid accessor')])
})

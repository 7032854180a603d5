// What tokens may be made from a token: every parameter, and what is refused in which words.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { openTokenWorld, type TokenWorld } from '../testing/token-world.ts'

type Data = Record<string, any>

const MAKER = { policies: ['maker', 'extra'] }

/** By whom, with what, and what the `auth` block then holds. */
const GIVEN: readonly (readonly [who: string, data: Data, auth: Data])[] = [
  ['root', {}, { policies: ['root'], lease_duration: 0, renewable: false, orphan: false }],
  ['root', { policies: [''] }, { policies: ['default'], lease_duration: 2_764_800 }],
  ['root', { policies: 'a,b' }, { policies: ['a,b', 'default'] }],
  ['root', { policies: 'Root' }, { policies: ['root'] }],
  ['root', { policies: ['root'], explicit_max_ttl: '1h' }, { lease_duration: 3600, renewable: true }],
  ['root', { policies: ['a'], no_default_policy: true }, { policies: ['a'], token_policies: ['a'] }],
  ['root', { policies: ['default'], no_default_policy: true }, { policies: [], token_policies: undefined }],
  ['root', { policies: ['a'], period: '2h', explicit_max_ttl: '1h' }, { lease_duration: 3600 }],
  ['root', { policies: ['a'], period: '1h', ttl: '2h' }, { lease_duration: 3600 }],
  ['root', { policies: ['a'], ttl: '2h', lease: '1h' }, { lease_duration: 7200 }],
  ['root', { policies: ['a'], lease: '1h' }, { lease_duration: 3600 }],
  ['root', { policies: ['a'], ttl: '99999h' }, { lease_duration: 2_764_800 }],
  ['root', { policies: ['a'], ttl: 3600 }, { lease_duration: 3600 }],
  ['root', { policies: ['a'], ttl: '3d' }, { lease_duration: 259_200 }],
  ['root', { policies: ['a'], no_parent: true }, { orphan: true }],
  ['root', { policies: ['a'], meta: { k: null, n: 1 } }, { metadata: { k: '', n: '1' } }],
  ['root', { policies: ['a'], id: 'mine' }, { client_token: 'mine' }],
  ['root', { policies: ['a'], num_uses: '3', type: 'service' }, { num_uses: 3, token_type: 'service' }],
  ['maker', {}, { policies: ['default', 'extra', 'maker'], orphan: false }],
  ['maker', { policies: ['EXTRA'] }, { policies: ['default', 'extra'] }],
  ['maker', { policies: [''] }, { policies: ['default'] }],
  ['maker', { policies: ['extra'], no_default_policy: true }, { policies: ['extra'] }],
  ['sudoer', { policies: ['anything'] }, { policies: ['anything', 'default'] }],
  ['sudoer', { policies: ['a'], period: '1h', no_parent: true, id: 'his' }, { orphan: true, client_token: 'his', lease_duration: 3600 }],
]

const REFUSED: readonly (readonly [who: string, data: Data, text: string])[] = [
  ['root', { ttl: -1 }, 'ttl must be positive'],
  ['root', { ttl: '-1s' }, 'ttl must be positive'],
  ['root', { lease: '-1s' }, 'lease must be positive'],
  ['root', { period: -1 }, 'period must be positive'],
  ['root', { explicit_max_ttl: -1 }, 'explicit_max_ttl must be positive'],
  ['root', { ttl: 'abc' }, 'time: invalid duration "abc"'],
  ['root', { ttl: 'NaN' }, 'time: invalid duration "NaN"'],
  ['root', { ttl: 1.5 }, 'time: missing unit in duration "1.5"'],
  ['root', { ttl: '1d2h' }, 'time: unknown unit "d" in duration "1d2h"'],
  ['root', { ttl: '9223372036854775808' }, 'time: invalid duration "9223372036854775808"'],
  ['root', { ttl: [] }, 'Field validation failed: error converting input for field "ttl": expected a string, got an array'],
  ['root', { num_uses: -1 }, 'number of uses cannot be negative'],
  ['root', { type: 'default-batch' }, "invalid 'token_type' value"],
  ['root', { policies: ['response-wrapping'] }, 'cannot assign policy "response-wrapping"'],
  ['root', { policies: ['control-group'] }, 'cannot assign policy "control-group"'],
  ['root', { entity_alias: 'x' }, "'entity_alias' is only allowed in combination with token role"],
  ['root', { id: 'hvs.x' }, "custom token ID cannot have the 'hvs.' prefix"],
  ['root', { id: 's.x' }, "custom token ID cannot have the 's.' prefix"],
  ['root', { id: 'hvb.x' }, "custom token ID cannot have a '.' in the value"],
  ['root', { id: 'a b' }, 'custom token ID cannot have white space or characters other than ASCII'],
  ['root', { id: 'root'.repeat(3_000) }, 'custom token ID is longer than the 8192 bytes that a request can carry'],
  ['maker', { policies: ['root'], period: '1h' }, 'child policies must be subset of parent'],
  ['maker', { policies: ['other'], no_parent: true }, 'child policies must be subset of parent'],
  ['maker', { id: 'x' }, 'root or sudo privileges required to specify token id'],
  ['maker', { no_parent: true }, 'root or sudo privileges required to create orphan token'],
  ['maker', { period: '1h' }, 'root or sudo privileges required to create periodic token'],
  ['sudoer', { policies: ['root'] }, 'root tokens may not be created without parent token being root'],
  ['brief', {}, 'expiring root tokens cannot create non-expiring root tokens'],
  ['limited', {}, 'restricted use token cannot generate child tokens'],
]

async function people(world: TokenWorld): Promise<Record<string, string>> {
  const make = async (data: Data) => (await world.make(data)).client_token as string
  return {
    root: world.rootToken,
    maker: await make(MAKER),
    sudoer: await make({ policies: ['sudoer'] }),
    brief: await make({ policies: ['root'], ttl: '1h' }),
    limited: await make({ ...MAKER, num_uses: 100 }),
  }
}

describe('a child', () => {
  test('is what its parent may give', async () => {
    const world = await openTokenWorld()
    const tokens = await people(world)
    for (const [who, data, auth] of GIVEN) {
      const made = await world.make(data, tokens[who])
      for (const [name, value] of Object.entries(auth)) assert.deepEqual(made[name], value, `${who} ${JSON.stringify(data)}: ${name}`)
    }
  })

  test('and nothing else: a refusal leaves no token behind', async () => {
    const world = await openTokenWorld()
    const tokens = await people(world)
    const before = (await world.ok('list', 'auth/token/accessors')).data.keys
    for (const [who, data, text] of REFUSED) {
      for (const path of ['create', 'create-orphan']) {
        assert.deepEqual(await world.refused(`auth/token/${path}`, data, tokens[who]), [400, text], `${who} ${JSON.stringify(data).slice(0, 80)}`)
      }
    }
    assert.deepEqual((await world.ok('list', 'auth/token/accessors')).data.keys, before)
  })

  test('hears first of its life, then of its policies, then of what was not taken', async () => {
    const world = await openTokenWorld()
    const { warnings } = await world.ok('write', 'auth/token/create', { policies: ['ghost'], ttl: '9999h', odd: 1 })
    assert.deepEqual(warnings, [
      'TTL of "9999h" exceeded the effective max_ttl of "768h"; TTL value is capped accordingly',
      'Policy "ghost" does not exist',
      'Endpoint ignored these unrecognized parameters: [odd]',
    ])
  })

  test('inherits address blocks, unless it is an orphan', async () => {
    const world = await openTokenWorld()
    await world.ok('write', 'auth/token/roles/near', { token_bound_cidrs: '127.0.0.0/8', allowed_policies: 'maker' })
    const parent = await world.make({}, undefined, 'create/near')
    const child = await world.make({}, parent.client_token)
    const orphan = await world.make({}, parent.client_token, 'create-orphan')
    assert.deepEqual((await world.self(child.client_token)).bound_cidrs, ['127.0.0.0/8'])
    assert.equal((await world.self(orphan.client_token)).bound_cidrs, undefined)
    const far = { token: child.client_token, peer: { address: '10.0.0.1', port: 1 } }
    assert.equal((await world.call('read', 'auth/token/lookup-self', {}, far)).status, 403)
  })

  test('descends from at most a thousand', async () => {
    const world = await openTokenWorld()
    let token = world.rootToken
    for (let n = 0; n < 1_000; n++) token = (await world.make({ policies: ['root'], ttl: '1h' }, token)).client_token
    assert.deepEqual(await world.refused('auth/token/create', { ttl: '1h' }, token), [400, 'tokens may descend from at most 1000 others'])
    await world.ok('write', 'auth/token/revoke-orphan', { token })
  })
})

describe('a custom id', () => {
  test('can come again once all that its first bearer left is gone', async () => {
    const world = await openTokenWorld()
    await world.make({ id: 'mine', policies: ['default'] })
    await world.ok('write', 'cubbyhole/a', { secret: 1 }, { token: 'mine' })
    assert.deepEqual(await world.refused('auth/token/create', { id: 'mine' }), [400, 'cannot create a token with a duplicate ID'])
    await world.ok('write', 'auth/token/revoke', { token: 'mine' })
    await world.make({ id: 'mine', policies: ['default'] })
    assert.equal((await world.call('read', 'cubbyhole/a', {}, { token: 'mine' })).status, 404)
  })
})

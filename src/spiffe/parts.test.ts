// Namespaces and the trust domain: each names IDs in its own part, sees its own entries, and leaves nothing behind.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { JsonObject } from '../base/json.ts'
import { newCsr } from '../crypto/csr.ts'
import { newSigningKey } from '../crypto/signing-key.ts'
import { openWorld } from '../testing/world.ts'

const NODE = 'spiffe://example.org/nodes/red'
const WEB = { spiffe_id: 'spiffe://example.org/ns/red/web', parent_id: NODE, selectors: 'unix:uid:1' }

async function open() {
  const world = await openWorld()
  await world.ok('write', 'sys/mounts/spiffe', { type: 'spiffe' })
  await world.ok('write', 'spiffe/config', { trust_domain: 'example.org' })
  for (const name of ['red', 'blue']) {
    await world.ok('write', `sys/namespaces/${name}`)
    await world.ok('write', `${name}/sys/mounts/spiffe`, { type: 'spiffe' })
    await world.ok('write', `spiffe/namespaces/${name}`, {
      prefix: `/ns/${name}`,
      parents: `spiffe://example.org/nodes/${name}`,
      dns_suffixes: `${name}.example.org`,
    })
  }
  const errors = async (verb: 'read' | 'write' | 'delete', path: string, data: JsonObject = {}) => {
    const { status, body } = await world.call(verb, path, data)
    return [status, body?.errors?.[0]]
  }
  return { world, errors }
}

describe('entries of a namespace', () => {
  test('are its own: nobody else sees them but the root, and it sees no others', async () => {
    const { world } = await open()
    const { data: made } = await world.ok('write', 'red/spiffe/entries', WEB)
    const { data: roots } = await world.ok('write', 'spiffe/entries', { ...WEB, spiffe_id: 'spiffe://example.org/ns/red/old' })
    assert.deepEqual((await world.ok('list', 'red/spiffe/entries')).data.keys, [made.id])
    assert.equal((await world.ok('read', 'red/spiffe/count/entries')).data.count, 1)
    assert.deepEqual(
      (await world.ok('list', 'spiffe/entries')).data.keys,
      [made.id, roots.id].sort((a, b) => (a < b ? -1 : 1)),
    )
    assert.equal((await world.call('list', 'blue/spiffe/entries')).status, 404)
    for (const at of [`blue/spiffe/entries/${made.id}`, `red/spiffe/entries/${roots.id}`]) {
      assert.equal((await world.call('read', at)).status, 404)
      assert.equal((await world.call('write', at, { hint: 'x' })).status, 404)
      assert.equal((await world.call('delete', at)).status, 404)
    }
    await world.ok('write', `red/spiffe/entries/${made.id}`, { hint: 'main' })
    assert.equal((await world.ok('read', `spiffe/entries/${made.id}`)).data.hint, 'main')
    await world.ok('delete', `red/spiffe/entries/${made.id}`)
    assert.equal((await world.ok('read', 'spiffe/count/entries')).data.count, 1)
    await world.close()
  })

  for (const [change, error] of [
    [{ spiffe_id: 'spiffe://example.org/ns/blue/web' }, 'this namespace names IDs below /ns/red only'],
    [{ spiffe_id: 'spiffe://example.org/ns/red' }, 'this namespace names IDs below /ns/red only'],
    [{ spiffe_id: 'spiffe://example.org/ns/reds/web' }, 'this namespace names IDs below /ns/red only'],
    [{ parent_id: 'spiffe://example.org/nodes/blue' }, 'this namespace has no parent "spiffe://example.org/nodes/blue"'],
    [{ parent_id: 'spiffe://example.org/spire/server' }, 'this namespace has no parent "spiffe://example.org/spire/server"'],
    [{ admin: true }, 'entries of a namespace are neither admin nor downstream'],
    [{ downstream: true }, 'entries of a namespace are neither admin nor downstream'],
    [{ dns_names: 'a.red.example.org,a.blue.example.org' }, 'this namespace has no DNS name "a.blue.example.org"'],
    [{ dns_names: 'notred.example.org' }, 'this namespace has no DNS name "notred.example.org"'],
    [{ subject: 'CN=orders' }, 'the subject of an SVID can only have CN=<its SPIFFE ID> and O=Signet in this namespace'],
    [{ subject: 'O=Blue' }, 'the subject of an SVID can only have CN=<its SPIFFE ID> and O=Signet in this namespace'],
    [{ id: 'web' }, 'ids of entries are made at random in a namespace'],
  ] as const) {
    test(`cannot have ${JSON.stringify(change)}, by no path`, async () => {
      const { world, errors } = await open()
      assert.deepEqual(await errors('write', 'red/spiffe/entries', { ...WEB, ...change }), [400, error])
      const { data } = await world.ok('write', 'red/spiffe/entries/batch', { create: [{ ...WEB, ...change }] } as JsonObject)
      assert.deepEqual(data.create, [{ ok: false, error }])
      if (!('id' in change)) {
        const { data: made } = await world.ok('write', 'red/spiffe/entries', WEB)
        assert.deepEqual(await errors('write', `red/spiffe/entries/${made.id}`, change), [400, error])
        const { data: batch } = await world.ok('write', 'red/spiffe/entries/batch', { update: [{ id: made.id, ...change }] } as JsonObject)
        assert.deepEqual(batch.update, [{ ok: false, error }])
      }
      await world.close()
    })
  }

  test('may have what is theirs', async () => {
    const { world } = await open()
    const subject = `O=Signet,CN=${WEB.spiffe_id}`
    const { data } = await world.ok('write', 'red/spiffe/entries', { ...WEB, dns_names: 'red.example.org,*.Red.example.org', subject })
    await world.ok('write', 'red/spiffe/entries', { ...WEB, spiffe_id: `${WEB.spiffe_id}/child`, parent_id: WEB.spiffe_id })
    assert.equal(data.subject, subject)
    await world.close()
  })

  test('that another namespace has tell nothing', async () => {
    const { world, errors } = await open()
    await world.ok('write', 'spiffe/entries', { ...WEB, hint: 'of the root' })
    assert.deepEqual(await errors('write', 'red/spiffe/entries', WEB), [
      400,
      'another namespace has an entry with this SPIFFE ID, parent and selectors',
    ])
    await world.close()
  })
})

test('a namespace mints and exchanges in its part alone, and manages nothing else', async () => {
  const { world, errors } = await open()
  const csr = newCsr(newSigningKey('ec-p256')).toString('base64')
  const only = [400, 'this namespace names IDs below /ns/red only']
  await world.ok('write', 'red/spiffe/svid/x509', { spiffe_id: WEB.spiffe_id, csr })
  await world.ok('write', 'red/spiffe/svid/jwt', { spiffe_id: WEB.spiffe_id, audience: 'a' })
  const other = { spiffe_id: 'spiffe://example.org/ns/blue/web' }
  assert.deepEqual(await errors('write', 'red/spiffe/svid/x509', { ...other, csr }), only)
  assert.deepEqual(await errors('write', 'red/spiffe/svid/jwt', { ...other, audience: 'a' }), only)
  const role = { bound_mount_accessors: 'auth_userpass_1', spiffe_id: 'spiffe://example.org/ns/red/{{metadata.username}}' }
  await world.ok('write', 'red/spiffe/exchange/roles/people', role)
  for (const spiffe_id of [
    'spiffe://example.org/{{metadata.username}}',
    'spiffe://example.org/ns/{{metadata.username}}/x',
    'spiffe://example.org/ns/red{{metadata.a}}/x',
  ]) {
    assert.deepEqual(await errors('write', 'red/spiffe/exchange/roles/people', { spiffe_id }), only)
  }
  assert.equal((await world.call('read', 'spiffe/exchange/roles/people')).status, 404)
  assert.equal((await world.call('read', 'blue/spiffe/exchange/roles/people')).status, 404)
  assert.deepEqual((await world.ok('list', 'red/spiffe/exchange/roles')).data.keys, ['people'])
  for (const path of ['config', 'agents', 'join-tokens', 'authorities/x509', 'namespaces', 'status', 'agent/attest']) {
    assert.equal((await world.call('read', `red/spiffe/${path}`)).status, 404, path)
  }
  assert.equal((await world.ok('read', 'red/spiffe/trust-domain')).trust_domain, 'example.org')
  assert.equal((await world.ok('read', 'red/spiffe/part')).data.prefix, '/ns/red')
  await world.close()
})

test('those who log in in a namespace get identities of it', async () => {
  const { world } = await open()
  await world.ok('write', 'red/sys/auth/userpass', { type: 'userpass' })
  await world.ok('write', 'red/sys/policies/acl/people', { policy: 'path "spiffe/exchange/*" { capabilities = ["update"] }' })
  await world.ok('write', 'red/auth/userpass/users/ann', { password: 'pw', token_policies: 'people' })
  const { accessor } = (await world.ok('read', 'red/sys/auth')).data['userpass/']
  const role = { bound_mount_accessors: accessor, spiffe_id: 'spiffe://example.org/ns/red/{{metadata.username}}', audiences: 'db' }
  await world.ok('write', 'red/spiffe/exchange/roles/people', role)
  const { client_token: token } = (await world.ok('write', 'red/auth/userpass/login/ann', { password: 'pw' })).auth
  const { data } = await world.ok('write', 'red/spiffe/exchange/jwt', { role: 'people', audience: 'db' }, { token })
  assert.equal(data.spiffe_id, 'spiffe://example.org/ns/red/ann')
  assert.equal((await world.call('write', 'spiffe/exchange/jwt', { role: 'people', audience: 'db' }, { token })).status, 403)
  await world.close()
})

test('an ID that a namespace can give has no power over the trust domain, whichever came first', async () => {
  const { world, errors } = await open()
  const id = 'spiffe://example.org/ns/red/ops'
  const refused = [400, `"${id}" is of namespace red/, whose IDs have no power over the trust domain`]
  for (const power of [{ admin: true }, { downstream: true }])
    assert.deepEqual(await errors('write', 'spiffe/entries', { ...WEB, spiffe_id: id, ...power }), refused)
  const { data } = await world.ok('write', 'spiffe/entries', { ...WEB, spiffe_id: id })
  assert.deepEqual(await errors('write', `spiffe/entries/${data.id}`, { admin: true }), refused)
  assert.deepEqual(await errors('write', 'spiffe/config', { admin_ids: id }), refused)
  await world.ok('write', 'sys/namespaces/green')
  for (const [spiffe_id, power] of [
    ['spiffe://example.org/ns/green/a', { admin: true }],
    ['spiffe://example.org/ns/green/b', {}],
  ] as const) {
    await world.ok('write', 'spiffe/entries', { ...WEB, spiffe_id, ...power, id: 'first' })
    await world.ok('write', 'spiffe/config', { admin_ids: 'admin' in power ? '' : spiffe_id })
    assert.match((await errors('write', 'spiffe/namespaces/green', { prefix: '/ns/green' }))[1], /is of namespace green\/, whose IDs have no power/)
    await world.ok('delete', 'spiffe/entries/first')
  }
  await world.ok('write', 'spiffe/config', { admin_ids: '' })
  await world.ok('write', 'spiffe/namespaces/green', { prefix: '/ns/green' })
  await world.close()
})

describe('a part', () => {
  test('is given by the root, and overlaps with no other but of a namespace around it', async () => {
    const { world, errors } = await open()
    await world.ok('write', 'red/sys/namespaces/app')
    for (const [at, data, error] of [
      ['none', { prefix: '/ns/none' }, 'no namespace "none"'],
      ['red', { prefix: '/ns/blue' }, 'prefix /ns/blue overlaps with /ns/blue of namespace blue/'],
      ['red', { prefix: '/ns/blue/a' }, 'prefix /ns/blue/a overlaps with /ns/blue of namespace blue/'],
      ['red', { prefix: '/ns' }, 'prefix /ns overlaps with /ns/blue of namespace blue/'],
      ['red/app', { prefix: '/ns' }, 'prefix /ns overlaps with /ns/blue of namespace blue/'],
      ['red/app', {}, 'a prefix is needed, such as /ns/team'],
      ['red/app', { prefix: 'ns' }, 'path must have a leading slash'],
      ['red/app', { prefix: '/spire/x' }, 'paths below /spire are reserved'],
      ['red/app', { prefix: '/x', parents: 'spiffe://other.org/a' }, '"spiffe://other.org/a" is not a member of trust domain "example.org"'],
    ] as const) {
      assert.deepEqual(await errors('write', `spiffe/namespaces/${at}`, data), [400, error])
    }
    await world.ok('write', 'spiffe/namespaces/red/app', { prefix: '/ns/red/app' })
    assert.deepEqual((await world.ok('list', 'spiffe/namespaces')).data.keys, ['blue/', 'red/', 'red/app/'])
    await world.ok('write', 'red/app/sys/mounts/spiffe', { type: 'spiffe' })
    assert.deepEqual((await world.ok('read', 'red/app/spiffe/part')).data, { prefix: '/ns/red/app', parents: [], dns_suffixes: [] })
    await world.close()
  })

  test('that is not there is said to be so', async () => {
    const { world, errors } = await open()
    await world.ok('write', 'sys/namespaces/green')
    await world.ok('write', 'green/sys/mounts/spiffe', { type: 'spiffe' })
    const none = [400, 'this namespace has no part of a trust domain; the root gives it one at spiffe/namespaces']
    for (const path of ['part', 'count/entries', 'bundle']) assert.deepEqual(await errors('read', `green/spiffe/${path}`), none)
    await world.close()
  })

  for (const how of ['the part', 'the namespace'] as const) {
    test(`ends with ${how}, and what was made in it goes`, async () => {
      const { world } = await open()
      const create = Array.from({ length: 30 }, (_, n) => ({ ...WEB, selectors: `unix:uid:${n}` }))
      await world.ok('write', 'red/spiffe/entries/batch', { create })
      await world.ok('write', 'red/spiffe/exchange/roles/a', { bound_mount_accessors: 'x', spiffe_id: 'spiffe://example.org/ns/red/a' })
      await world.ok('write', 'blue/spiffe/entries', {
        ...WEB,
        spiffe_id: 'spiffe://example.org/ns/blue/web',
        parent_id: 'spiffe://example.org/nodes/blue',
      })
      if (how === 'the part') await world.ok('delete', 'spiffe/namespaces/red')
      else await world.ok('delete', 'sys/namespaces/red')
      for (let beat = 0; beat < 3; beat++) {
        world.clock.advance(1_000)
        await world.kernel.sweep()
      }
      assert.equal((await world.ok('read', 'spiffe/count/entries')).data.count, 1)
      assert.deepEqual((await world.ok('list', 'spiffe/namespaces')).data.keys, ['blue/'])
      assert.equal([...world.inside.keys({ prefix: 'data/' })].filter((key) => /exchange-role|entry-owner\/(?!.*blue)/.test(key)).length, 1)
      await world.ok('write', 'sys/namespaces/green')
      await world.ok('write', 'spiffe/namespaces/green', { prefix: '/ns/red' })
      await world.close()
    })
  }
})

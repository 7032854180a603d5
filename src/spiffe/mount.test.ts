import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openWorld } from '../testing/world.ts'

test('a trust domain is enabled like any engine, once, and stays where it is', async () => {
  const world = await openWorld()
  await world.ok('write', 'sys/namespaces/team', {})
  for (const path of ['sys/mounts/identity-of-workloads', 'team/sys/mounts/other']) {
    const { status, body } = await world.call('write', path, { type: 'spiffe' })
    assert.equal(status, 400)
    assert.match(JSON.stringify(body), /can only be enabled at spiffe\//)
  }
  await world.ok('write', 'sys/mounts/spiffe', { type: 'spiffe' })
  await world.ok('write', 'spiffe/config', { trust_domain: 'example.org' })
  const entry = { spiffe_id: 'spiffe://example.org/web', parent_id: 'spiffe://example.org/node', selectors: 'unix:uid:1' }
  const body = await world.ok('write', 'spiffe/entries', entry)
  assert.equal((await world.ok('read', `spiffe/entries/${body.data.id}`)).data.spiffe_id, entry.spiffe_id)
  for (const to of ['other', 'team/spiffe']) {
    assert.equal((await world.call('write', 'sys/remount', { from: 'spiffe', to })).body.errors[0], 'cannot remount "spiffe"')
  }
  await world.close()
})

test('its bundle is everyone’s, its entries are those of policy', async () => {
  const world = await openWorld()
  await world.ok('write', 'sys/mounts/spiffe', { type: 'spiffe' })
  await world.ok('write', 'spiffe/config', { trust_domain: 'example.org' })
  const anyone = { token: 'nobody' }
  assert.equal((await world.call('read', 'spiffe/bundle', {}, anyone)).status, 200)
  assert.equal((await world.call('read', 'spiffe/keys', {}, anyone)).status, 200)
  for (const path of ['spiffe/config', 'spiffe/status', 'spiffe/authorities/x509', 'spiffe/entries/a']) {
    assert.equal((await world.call('read', path, {}, anyone)).status, 403, path)
  }
  await world.ok('write', 'sys/policies/acl/minter', { policy: 'path "spiffe/*" { capabilities = ["create", "update", "read"] }' })
  const body = await world.ok('write', 'auth/token/create', { policies: 'minter' })
  const token = body.auth.client_token as string
  const csr = 'AAAA'
  assert.equal((await world.call('write', 'spiffe/svid/jwt', { spiffe_id: 'spiffe://example.org/a', audience: 'x' }, { token })).status, 403)
  assert.equal((await world.call('write', 'spiffe/svid/x509', { spiffe_id: 'spiffe://example.org/a', csr }, { token })).status, 403)
  assert.equal((await world.call('write', 'spiffe/authorities/x509/prepare', {}, { token })).status, 403)
  assert.equal((await world.call('read', 'spiffe/status', {}, { token })).status, 200)
  await world.close()
})

test('authorities rotate as due work of the server, and their keys go with the mount', async () => {
  const world = await openWorld()
  await world.ok('write', 'sys/mounts/spiffe', { type: 'spiffe' })
  await world.ok('write', 'spiffe/config', { trust_domain: 'example.org' })
  const states = async () => ((await world.ok('read', 'spiffe/authorities/x509')).data.authorities as { state: string }[]).map(({ state }) => state)
  world.clock.advance(13 * 3_600_000)
  await world.kernel.sweep()
  assert.deepEqual(await states(), ['active', 'prepared'])
  await world.ok('delete', 'sys/mounts/spiffe')
  await world.kernel.sweep()
  assert.deepEqual(
    [...world.inside.keys({ prefix: '' })].filter((key) => key.includes('authorit')),
    [],
  )
  await world.close()
})

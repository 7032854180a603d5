// The checker finds every key that is missing where it belongs with another, and every key that leads nowhere.
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { parseSpiffeId } from '../crypto/spiffe-id.ts'
import { dataPrefix } from '../store/layout.ts'
import { type Fate, faulty } from '../store/faulty.ts'
import { memory } from '../store/memory.ts'
import type { Batch, Key, Store } from '../store/store.ts'
import { allMounts } from '../tenancy/check.ts'
import { stillTimers } from '../testing/clock.ts'
import { openWorld, type World } from '../testing/world.ts'
import { fsck } from './fsck.ts'

/** Something of everything that belongs together. */
async function opened(): Promise<World> {
  const world = await openWorld()
  const { ok } = world
  await ok('write', 'sys/namespaces/team')
  await ok('write', 'sys/namespaces/inner', {}, { namespace: 'team' })
  await ok('write', 'sys/mounts/kv1', { type: 'kv' })
  await ok('write', 'sys/mounts/kv2', { type: 'kv', options: { version: '2' } })
  await ok('write', 'kv1/a', { n: 1 })
  await ok('write', 'kv2/data/a', { data: { n: 1 } })
  await ok('write', 'kv2/data/a', { data: { n: 2 } })
  await ok('write', 'kv2/metadata/bare', { custom_metadata: { of: 'nothing' } })
  await ok('write', 'sys/auth/approle', { type: 'approle' })
  await ok('write', 'auth/approle/role/r')
  await ok('write', 'auth/approle/role/r/secret-id')
  const { auth } = await ok('write', 'auth/token/create', { ttl: '1h' })
  await ok('write', 'auth/token/create', { ttl: '1h' }, { token: auth.client_token })
  await ok('write', 'cubbyhole/a', { n: 1 }, { token: auth.client_token })
  await ok('write', 'sys/audit/file', { type: 'file', options: { file_path: '/audit.log' } })
  await ok('write', 'sys/quotas/rate-limit/all', { rate: 1e9 })
  await ok('write', 'sys/quotas/rate-limit/kv', { rate: 1e9, path: 'kv1/' })
  await ok('write', 'sys/quotas/lease-count/kv', { max_leases: 1e6, path: 'kv1/' })
  await ok('write', 'sys/mounts/spiffe', { type: 'spiffe' })
  await ok('write', 'spiffe/config', { trust_domain: 'a.test' })
  await ok('write', 'spiffe/entries', {
    spiffe_id: 'spiffe://a.test/w',
    parent_id: 'spiffe://a.test/n',
    selectors: 'unix:uid:1',
    expires_at: 4e9,
    federates_with: 'b.test',
  })
  await ok('write', 'spiffe/join-tokens', { ttl: 600 })
  await ok('write', 'spiffe/federation/b.test', { bundle_endpoint_url: 'https://b.test/bundle', bundle_endpoint_profile: 'https_web' })
  await ok('write', 'team/sys/mounts/spiffe', { type: 'spiffe' })
  await ok('write', 'spiffe/namespaces/team', { prefix: '/team', parents: 'spiffe://a.test/n' })
  await ok('write', 'team/spiffe/entries', { spiffe_id: 'spiffe://a.test/team/w', parent_id: 'spiffe://a.test/n', selectors: 'unix:uid:1' })
  await ok('write', 'spiffe/exchange/roles/r', { bound_mount_accessors: 'a', spiffe_id: 'spiffe://a.test/w' })
  await ok('write', 'sys/auth/spiffe', { type: 'spiffe' })
  await ok('write', 'auth/spiffe/config', { audiences: 'a' })
  await ok('write', 'auth/spiffe/role/r', { bound_trust_domains: 'a.test', token_type: 'batch' })
  const jwt = world.kernel.spiffe()?.svids.jwt(parseSpiffeId('spiffe://a.test/w'), ['a'], 0, true).token ?? ''
  await ok('write', 'auth/spiffe/login', { jwt })
  assert.deepEqual(fsck(world).findings, [])
  return world
}

/** A key with the path of its mount in place of the slice, and without what differs from run to run. */
function readable(inside: Store, key: Key): string {
  const mount = [...allMounts(inside)].find(({ slice }) => key.startsWith(dataPrefix(slice)))
  return mount ? (mount.path + key.slice(dataPrefix(mount.slice).length)).replace(/[0-9a-f]{64}/, '…') : key
}

/** Keys as they are after `change`, with which nothing is found. */
async function unfound(change: (key: Key, value: Buffer) => { key: Key; value: Buffer | undefined }): Promise<Key[]> {
  const world = await opened()
  const { inside, close } = world
  const found: Key[] = []
  for (const key of [...inside.keys({ prefix: '' })].filter((one) => !one.startsWith('core/'))) {
    const op = change(key, inside.get(key)?.value ?? Buffer.alloc(0))
    const before = inside.get(op.key)?.value
    await inside.commit({ ops: [op] })
    if (fsck(world).findings.length === 0) found.push(readable(inside, op.key))
    await inside.commit({ ops: [{ key: op.key, value: before }] })
    assert.deepEqual(fsck(world).findings, [], op.key)
  }
  await close()
  return found
}

test('every key that is missing is found, but for what stands for itself', async () => {
  const alone = await unfound((key) => ({ key, value: undefined }))
  const settings = ['ns/root/audit/file/', 'ns/root/quota/rate-limit/all', 'ns/root/quota/rate-limit/kv']
  const identity = ['spiffe/exchange-role/r', 'auth/spiffe/config/mount', 'auth/spiffe/role/r']
  assert.deepEqual(alone, ['cubbyhole/…/a', 'kv1/meta/a', 'kv2/meta/bare', ...identity, ...settings])
})

test('every key too many is found, but for what could stand for itself', async () => {
  const alone = await unfound((key, value) => ({ key: `${key}0`, value }))
  const spiffe = [
    'spiffe/authorities/all0',
    'spiffe/entry-count0',
    'spiffe/settings/trust-domain0',
    'auth/spiffe/config/mount0',
    'auth/spiffe/role/r0',
  ]
  const core = ['audit-chain-key0', 'audit-guard0', 'core/cluster0', 'core/token-hash-key0', 'quota/guard0'].map((key) => `ns/root/${key}`)
  assert.deepEqual(alone, ['cubbyhole/…/a0', 'kv1/meta/a0', 'kv2/meta/bare0', 'auth/approle/salt0', ...spiffe, ...core, 'slices0'])
})

test('what a namespace keeps under a seal of its own is left alone, and all around it is looked at', async () => {
  const world = await opened()
  const { inside, ok, close } = world
  const { data } = await ok('write', 'sys/namespaces/vault', { seal: 'seal "shamir" { shares = 1 threshold = 1 }' })
  await ok('write', 'sys/namespaces/vault/unseal', { key: data.key_shares[0] })
  await ok('write', 'vault/sys/mounts/kv', { type: 'kv' })
  await ok('write', 'vault/kv/x', { a: 1 })
  await ok('write', 'vault/auth/token/create', {})
  assert.deepEqual(fsck(world).findings, [])
  for (const key of [...inside.keys({ prefix: 'ns/root/seal/' })].filter((one) => !one.includes('/used/'))) {
    const before = inside.get(key)?.value
    await inside.commit({ ops: [{ key, value: undefined }] })
    assert.match(fsck(world).findings.join(), /^the seal of vault\//, key)
    await inside.commit({ ops: [{ key, value: before }] })
  }
  await inside.commit({ ops: [{ key: 'data/nobody.1/meta/x', value: Buffer.from('{}') }] })
  assert.deepEqual(fsck(world).findings, ['data/nobody.1/ is of no mount'])
  await close()
})

test('keys of the server that do not fit each other are found, and what should be the same for two', async () => {
  const world = await opened()
  const { inside, store, close } = world
  const found = async (at: Store, key: Key, value: Buffer | undefined) => {
    const before = at.get(key)?.value
    await at.commit({ ops: [{ key, value }] })
    const { findings } = fsck(world)
    await at.commit({ ops: [{ key, value: before }] })
    return findings
  }
  assert.deepEqual(await found(store, 'core/seal/root', undefined), ['core/seal/root is missing'])
  const shared = randomBytes(32)
  assert.deepEqual(await found(inside, 'core/barrier/shared-key', shared), ['the present shares do not open the root key'])
  const rule = inside.get('ns/root/quota/rate-limit/all')?.value.toString() ?? ''
  const other = Buffer.from(rule.replace('"name":"all"', '"name":"too"'))
  assert.deepEqual(await found(inside, 'ns/root/quota/rate-limit/too', other), ['the rate limits all and too are for the same'])
  const device = inside.get('ns/root/audit/file/')?.value.toString() ?? ''
  const below = Buffer.from(device.replace('"path":"file/"', '"path":"file/x/"'))
  assert.deepEqual(await found(inside, 'ns/root/audit/file/x/', below), [
    'the audit device file/x/ has the id of another',
    'the audit device file/x/ is above or below another',
  ])
  assert.match((await found(inside, 'ns/root/audit-chain/gone/head', Buffer.from('{}'))).join(), /is of no audit device$/)
  await close()
})

test('what was kept of an audit device goes in the commit that removes it', async () => {
  const world = await opened()
  const { inside, ok, close } = world
  const { id } = JSON.parse(inside.get('ns/root/audit/file/')?.value.toString() ?? '')
  await inside.commit({ ops: [{ key: `ns/root/audit-chain/${id}/one`, value: Buffer.from('{"id":"one","seq":1,"hash":"","at":1}') }] })
  assert.deepEqual(fsck(world).findings, [])
  await ok('delete', 'sys/audit/file')
  assert.deepEqual(fsck(world).findings, [])
  assert.deepEqual([...inside.keys({ prefix: 'ns/root/audit-chain/' })], [])
  await close()
})

test('what is written to a cubbyhole while its token ends is refused, and not kept for nobody', async () => {
  let held: PromiseWithResolvers<Fate> | undefined
  const isOwn = ({ ops }: Batch) => ops.some(({ key }) => /^data\/.*\/late$/.test(key))
  const store = faulty(memory({ timers: stillTimers }), { fate: (_, batch) => (held && isOwn(batch) ? held.promise : 'commit') })
  const world = await openWorld({ store })
  const { auth } = await world.ok('write', 'auth/token/create', { ttl: '1h' })
  held = Promise.withResolvers()
  const late = world.call('write', 'cubbyhole/late', { n: 1 }, { token: auth.client_token })
  await world.ok('write', 'auth/token/revoke', { token: auth.client_token })
  held.resolve('commit')
  assert.equal((await late).status, 403)
  assert.deepEqual(fsck(world).findings, [])
  await world.close()
})

// The checker finds every key that is missing where it belongs with another, and every key that leads nowhere.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { dataPrefix } from '../store/layout.ts'
import type { Key, Store } from '../store/store.ts'
import { allMounts } from '../tenancy/check.ts'
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
  assert.deepEqual(fsck(world.inside).findings, [])
  return world
}

/** A key with the path of its mount in place of the slice, and without what differs from run to run. */
function readable(inside: Store, key: Key): string {
  const mount = [...allMounts(inside)].find(({ slice }) => key.startsWith(dataPrefix(slice)))
  return mount ? (mount.path + key.slice(dataPrefix(mount.slice).length)).replace(/[0-9a-f]{64}/, '…') : key
}

/** Keys as they are after `change`, with which nothing is found. */
async function unfound(change: (key: Key, value: Buffer) => { key: Key; value: Buffer | undefined }): Promise<Key[]> {
  const { inside, close } = await opened()
  const found: Key[] = []
  for (const key of [...inside.keys({ prefix: '' })].filter((one) => !one.startsWith('core/'))) {
    const op = change(key, inside.get(key)?.value ?? Buffer.alloc(0))
    const before = inside.get(op.key)?.value
    await inside.commit({ ops: [op] })
    if (fsck(inside).findings.length === 0) found.push(readable(inside, op.key))
    await inside.commit({ ops: [{ key: op.key, value: before }] })
    assert.deepEqual(fsck(inside).findings, [], op.key)
  }
  await close()
  return found
}

test('every key that is missing is found, but for what stands for itself', async () => {
  const alone = await unfound((key) => ({ key, value: undefined }))
  assert.deepEqual(alone, ['cubbyhole/…/a', 'kv1/meta/a', 'kv2/meta/bare'])
})

test('every key too many is found, but for what could stand for itself', async () => {
  const alone = await unfound((key, value) => ({ key: `${key}0`, value }))
  const core = ['ns/root/core/cluster0', 'ns/root/core/token-hash-key0', 'slices0']
  assert.deepEqual(alone, ['cubbyhole/…/a0', 'kv1/meta/a0', 'kv2/meta/bare0', 'auth/approle/salt0', ...core])
})

test('what a namespace keeps under a seal of its own is left alone, and all around it is looked at', async () => {
  const { inside, ok, close } = await opened()
  const { data } = await ok('write', 'sys/namespaces/vault', { seal: 'seal "shamir" { shares = 1 threshold = 1 }' })
  await ok('write', 'sys/namespaces/vault/unseal', { key: data.key_shares[0] })
  await ok('write', 'vault/sys/mounts/kv', { type: 'kv' })
  await ok('write', 'vault/kv/x', { a: 1 })
  await ok('write', 'vault/auth/token/create', {})
  assert.deepEqual(fsck(inside).findings, [])
  await inside.commit({ ops: [{ key: 'data/nobody.1/meta/x', value: Buffer.from('{}') }] })
  assert.deepEqual(fsck(inside).findings, ['data/nobody.1/ is of no mount'])
  await close()
})

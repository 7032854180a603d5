import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openWorld } from '../testing/world.ts'
import { checkSeal } from './check-seal.ts'

async function rekeying() {
  const world = await openWorld()
  const update = async (verify: boolean, key = world.share.toString('hex')) => {
    const { nonce } = await world.ok('write', 'sys/rekey/init', { secret_shares: 2, secret_threshold: 2, require_verification: verify })
    return world.ok('write', 'sys/rekey/update', { key, nonce })
  }
  const check = () => checkSeal(world.store, world.keyring)
  return { ...world, update, check }
}

test('finds nothing wrong in any state that a server leaves', async () => {
  const { store, keyring, update, check, ok, close } = await rekeying()
  assert.deepEqual(check(), [])
  await update(true)
  assert.deepEqual(check(), [])
  await ok('delete', 'sys/rekey/init')
  await ok('write', 'sys/rotate')
  await update(false)
  assert.deepEqual(check(), [])
  keyring.wipe()
  assert.deepEqual(checkSeal(store, keyring), [])
  assert.deepEqual(checkSeal((await openWorld({ blank: true })).store), [])
  await close()
})

test('finds every record that is missing or not the one that belongs there', async () => {
  const other = await rekeying()
  await other.update(false)
  await other.ok('write', 'sys/rekey/init', { secret_shares: 1, secret_threshold: 1 })
  const names = ['config', 'root', 'keyring', 'before'].map((name) => `core/seal/${name}`)
  const kept = ['root-key', 'shared-key', 'shares', 'before', 'before-key'].map((name) => `core/barrier/${name}`)
  for (const key of [...names, ...kept]) {
    const world = await rekeying()
    await world.update(false)
    for (const value of key === 'core/seal/config' ? [undefined] : [undefined, other.store.get(key)?.value]) {
      const before = world.store.get(key)?.value
      await world.store.commit({ ops: [{ key, value }] })
      assert.notDeepEqual(world.check(), [], `${key} ${value ? 'of another server' : 'gone'}`)
      await world.store.commit({ ops: [{ key, value: before }] })
    }
    assert.deepEqual(world.check(), [])
    await world.close()
  }
  await other.close()
})

test('finds a key whose rekey is gone', async () => {
  const { store, inside, update, check, close } = await rekeying()
  await update(true)
  const waiting = store.get('core/barrier/rekey/root')?.value
  await inside.commit({ ops: [{ key: 'core/barrier/rekey/root', value: undefined }] })
  assert.deepEqual(check(), ['keys wait for a verification of root, rekeys of nothing'])
  await store.commit({
    ops: [
      { key: 'core/barrier/rekey/root', value: waiting },
      { key: 'core/barrier/rekey-key/root', value: undefined },
    ],
  })
  assert.deepEqual(check(), ['keys wait for a verification of nothing, rekeys of root'])
  await close()
})

test('finds kept shares whose rekey is gone', async () => {
  const { inside, check, close } = await rekeying()
  await inside.commit({ ops: [{ key: 'core/barrier/share-backup-unverified/root', value: Buffer.from('{}') }] })
  assert.deepEqual(check(), ['shares of root are kept to be verified, but no rekey waits for that'])
  await close()
})

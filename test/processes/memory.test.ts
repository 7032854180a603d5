// A production server, supervisor and workers: once sealed, none of its processes has a byte left of a key or a share.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { timers } from '../../src/app/ports.ts'
import { openRecord } from '../../src/crypto/aead.ts'
import { openLmdb } from '../../src/store/lmdb.ts'
import { copies, remains } from '../support/memory.ts'
import { ask, folder, productionServer } from '../support/server.ts'

/** Every process of a server, its supervisor first. */
function processesOf(pid: number): number[] {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number)
  return [pid, ...children.flatMap(processesOf)]
}

/** What the store's owner can unwrap with the unseal key: the root key and the keyring. */
async function keysOf(path: string, unsealKey: Buffer): Promise<{ rootKey: Buffer; termKey: Buffer }> {
  const store = await openLmdb({ path, timers, onUnknown: assert.fail })
  const unwrap = (at: string, key: Buffer) => openRecord(() => key, store.get(at)?.value as Buffer, at)
  const rootKey = unwrap('core/seal/root', unsealKey)
  const keyring = unwrap('core/seal/keyring', rootKey)
  await store.close()
  return { rootKey, termKey: keyring.subarray(-32) }
}

test('sealing leaves no key and no share in any process', { skip: process.platform !== 'linux' }, async (t) => {
  const at = folder(t)
  const { address, process: child } = await productionServer(t, { at, workers: 2 })
  const { body: made } = await ask(address, 'PUT', 'sys/init', { secret_shares: 1, secret_threshold: 1 }, '')
  const [share] = made.keys_base64
  const unsealKey = Buffer.from(share, 'base64')
  const { rootKey, termKey } = await keysOf(join(at, 'data'), unsealKey)
  const token = made.root_token
  assert.equal((await ask(address, 'PUT', 'sys/unseal', { key: share }, '')).body.sealed, false)
  await ask(address, 'POST', 'sys/mounts/kv', { type: 'kv' }, token)
  for (let n = 0; n < 100; n++) await Promise.all([ask(address, 'PUT', `kv/${n}`, { n }, token), ask(address, 'GET', `kv/${n}`, undefined, token)])

  const processes = processesOf(child.pid as number)
  assert.equal(processes.length, 3)
  const keys = [termKey, rootKey, unsealKey].map(remains)
  const texts = [share, made.keys[0]].map((text) => remains(Buffer.from(text)))
  const held = processes.map((pid) => copies(pid, keys))
  assert.ok(
    held.every(([term = 0]) => term >= 1),
    'the scan finds what is there',
  )
  assert.deepEqual(
    held.map(([, ...others]) => others),
    processes.map(() => [0, 0]),
    'what unwraps the keyring is gone once it did',
  )

  assert.equal((await ask(address, 'PUT', 'sys/seal', undefined, token)).status, 204)
  const left = processes.map((pid) => copies(pid, [...keys, ...texts]))
  assert.deepEqual(
    left,
    processes.map(() => [0, 0, 0, 0, 0]),
  )
})

// Namespaces with a seal of their own in a production server: every worker opens and closes with it, and keeps nothing of its keys.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { ports } from '../../src/app/ports.ts'
import { barrier } from '../../src/seal/barrier.ts'
import { Keyring } from '../../src/seal/keyring.ts'
import { openSealer } from '../../src/seal/sealer.ts'
import { decodeToken } from '../../src/seal/token-guard.ts'
import { sealFolder } from '../../src/store/layout.ts'
import { openLmdb } from '../../src/store/lmdb.ts'
import { view } from '../../src/store/view.ts'
import { copies, remains } from '../support/memory.ts'
import { ask, folder, freePort, killed, productionServer } from '../support/server.ts'
import { ready, unseal, until, workersOf } from './load.ts'

const SEAL = 'seal "shamir" { shares = 1 threshold = 1 }'

/** Each on a connection of its own, so that all workers are asked. */
async function statuses(address: string, token: string): Promise<number[]> {
  const asked = Array.from({ length: 24 }, () => ask(address, 'GET', 'vault/kv/x', undefined, token))
  return [...new Set((await Promise.all(asked)).map(({ status }) => status))]
}

/** What the store's owner and the holder of the namespace's share can unwrap together. */
async function ringOf(path: string, rootShare: Buffer, id: string, share: Buffer): Promise<Buffer> {
  const store = await openLmdb({ path, timers: ports.timers, onUnknown: assert.fail })
  const [keyring, ring] = [new Keyring(), new Keyring()]
  await openSealer(store, keyring, ports).unseal(rootShare)
  await openSealer(view(barrier(store, keyring, ports.random), sealFolder(id)), ring, ports).unseal(share)
  const encoded = ring.encode()
  await store.close()
  return encoded.subarray(-32)
}

test('a namespace opens and closes in all workers, also in one that joins, and is closed after a restart', async (t) => {
  const at = folder(t)
  const port = await freePort()
  const { address, process: child, keys } = await ready(t, at, port)
  const { token } = keys
  const { data } = (await ask(address, 'PUT', 'sys/namespaces/vault', { seal: SEAL }, token)).body
  const open = () => ask(address, 'PUT', 'sys/namespaces/vault/unseal', { key: data.key_shares[0] }, token)
  assert.deepEqual(await statuses(address, token), [503])
  assert.equal((await open()).body.data.sealed, false)
  await ask(address, 'PUT', 'vault/sys/mounts/kv', { type: 'kv' }, token)
  await ask(address, 'PUT', 'vault/kv/x', { a: 1 }, token)
  assert.deepEqual(await statuses(address, token), [200])

  for (let n = 0; n < 3; n++) {
    assert.equal((await ask(address, 'PUT', 'vault/sys/rotate', undefined, token)).status, 204)
    await ask(address, 'PUT', 'vault/kv/x', { n }, token)
    assert.deepEqual(await statuses(address, token), [200])
  }

  const status = (await ask(address, 'GET', 'vault/sys/key-status', undefined, token)).body.data
  assert.equal(status.term, 4)
  assert.ok(status.encryptions >= 1 && status.encryptions < 20, `${status.encryptions}, of what all workers took`)
  const { otp, nonce } = (await ask(address, 'PUT', 'vault/sys/generate-root-token/attempt', {}, token)).body.data
  const told = (await ask(address, 'PUT', 'vault/sys/generate-root-token/update', { key: data.key_shares[0], nonce }, token)).body.data
  assert.deepEqual(await statuses(address, decodeToken(told.encoded_token, otp)), [200])

  const pid = child.pid as number
  const victim = workersOf(pid)[0] as number
  process.kill(victim, 'SIGKILL')
  await until('another worker takes its place', () => !workersOf(pid).includes(victim) && workersOf(pid).length === 2)
  await until('it serves', async () => {
    const seen = await statuses(address, token).catch(() => [])
    return seen.length === 1 && seen[0] === 200
  })

  assert.equal((await ask(address, 'PUT', 'sys/namespaces/vault/seal', undefined, token)).status, 204)
  assert.deepEqual(await statuses(address, token), [503])
  await open()
  assert.deepEqual(await statuses(address, token), [200])
  await killed(child)
  const again = await productionServer(t, { at, port })
  await unseal(again.address, keys)
  assert.deepEqual(await statuses(again.address, token), [503])
  await open()
  assert.deepEqual(await statuses(again.address, token), [200])
})

test('sealing a namespace leaves its keys in no process', { skip: process.platform !== 'linux' }, async (t) => {
  const at = folder(t)
  const { address, process: child } = await productionServer(t, { at, workers: 2 })
  const { body: made } = await ask(address, 'PUT', 'sys/init', { secret_shares: 1, secret_threshold: 1 }, '')
  const [rootShare] = made.keys_base64
  const token = made.root_token
  await ask(address, 'PUT', 'sys/unseal', { key: rootShare }, '')
  const { data } = (await ask(address, 'PUT', 'sys/namespaces/vault', { seal: SEAL }, token)).body
  const [share] = data.key_shares
  const key = remains(await ringOf(join(at, 'data'), Buffer.from(rootShare, 'base64'), data.id, Buffer.from(share, 'hex')))
  const pid = child.pid as number
  const processes = [pid, ...readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').map(Number)]
  const held = () => processes.map((one) => copies(one, [key])[0] as number)
  assert.deepEqual(held(), [0, 0, 0], 'whoever made it has forgotten it')

  await ask(address, 'PUT', 'sys/namespaces/vault/unseal', { key: share }, token)
  await ask(address, 'PUT', 'vault/sys/mounts/kv', { type: 'kv' }, token)
  for (let n = 0; n < 20; n++) await ask(address, 'PUT', `vault/kv/${n}`, { n }, token)
  assert.ok(
    held().every((count) => count >= 1),
    'the scan finds what is there',
  )
  await ask(address, 'PUT', 'sys/namespaces/vault/seal', undefined, token)
  assert.deepEqual(held(), [0, 0, 0])
})

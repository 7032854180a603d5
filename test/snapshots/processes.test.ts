// Snapshots of real servers: larger than any other body, taken under load, restored over the network, and whatever cuts it short.
import assert from 'node:assert/strict'
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { openLmdb } from '../../src/store/lmdb.ts'
import { timers } from '../../src/app/ports.ts'
import { ask, folder, freePort, killed, productionServer } from '../support/server.ts'

const PATH = 'sys/storage/raft/snapshot'

async function take(address: string, token: string): Promise<Buffer> {
  const response = await fetch(`${address}/v1/${PATH}`, { headers: { 'X-Vault-Token': token } })
  assert.equal(response.status, 200)
  assert.equal(response.headers.get('content-length'), null)
  return Buffer.from(await response.arrayBuffer())
}

async function send(address: string, token: string, bytes: Buffer, path = PATH): Promise<{ status: number; body: string }> {
  const response = await fetch(`${address}/v1/${path}`, { method: 'POST', headers: { 'X-Vault-Token': token }, body: bytes })
  return { status: response.status, body: await response.text() }
}

/** What a restore makes beside the database. */
const leftovers = (data: string): string[] => readdirSync(data).filter((name) => name.startsWith('restore'))

async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 400; tries++) {
    if (await holds().catch(() => false)) return
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  throw new Error(`never happened: ${what}`)
}

async function unseal(address: string, share: string): Promise<void> {
  await until('it can be unsealed', async () => (await ask(address, 'PUT', 'sys/unseal', { key: share }, '')).body.sealed === false)
}

async function ready(t: Parameters<typeof folder>[0], at: string, port: number) {
  const server = await productionServer(t, { at, port })
  const { body } = await ask(server.address, 'PUT', 'sys/init', { secret_shares: 1, secret_threshold: 1 }, '')
  const [share, token] = [body.keys_base64[0] as string, body.root_token as string]
  await unseal(server.address, share)
  assert.equal((await ask(server.address, 'POST', 'sys/mounts/kv', { type: 'kv' }, token)).status, 204)
  return { ...server, share, token }
}

test('40 MiB, taken while others write, restored by another worker, with the old data gone for good', async (t) => {
  const at = folder(t)
  const { address, share, token } = await ready(t, at, await freePort())
  const big = () => randomBytes(350_000).toString('base64')
  for (let n = 0; n < 95; n += 5) await Promise.all([0, 1, 2, 3, 4].map((m) => ask(address, 'PUT', `kv/big/${n + m}`, { big: big() }, token)))
  let writing = true
  const written: number[] = []
  const writer = (async () => {
    for (let n = 0; writing; n++) {
      await ask(address, 'PUT', `kv/seq/${n}`, { n }, token)
      written.push(n)
    }
  })()
  const bytes = await take(address, token)
  const after = written.length
  writing = false
  await writer
  assert.ok(bytes.length > 40 << 20, String(bytes.length))

  assert.deepEqual(await send(address, token, bytes.subarray(0, 30 << 20)), {
    status: 400,
    body: '{"errors":["failed to read snapshot: it can not be decompressed"]}',
  })
  assert.equal((await ask(address, 'GET', 'kv/big/0', undefined, token)).status, 200, 'still there')

  assert.deepEqual(await send(address, token, bytes), { status: 204, body: '' })
  await until('it is up again', async () => (await ask(address, 'GET', 'sys/health', undefined, '')).status === 503)
  await unseal(address, share)
  for (const n of [0, 41, 94]) assert.equal((await ask(address, 'GET', `kv/big/${n}`, undefined, token)).body.data.big.length, 466_668)
  // A sequence written one after the other is there up to one place, and not beyond.
  const there: boolean[] = []
  for (let n = 0; n < written.length; n++) there.push((await ask(address, 'GET', `kv/seq/${n}`, undefined, token)).status === 200)
  const count = there.indexOf(false) < 0 ? there.length : there.indexOf(false)
  assert.ok(
    there.slice(count).every((one) => !one),
    'no hole',
  )
  assert.ok(count <= after + 1)
  assert.deepEqual(leftovers(join(at, 'data')), [])
  assert.equal((await ask(address, 'PUT', 'kv/again', { a: 1 }, token)).status, 204)
})

test('a crash before the switch leaves the old, one after it the new', async (t) => {
  const at = folder(t)
  const port = await freePort()
  const { address, process: child, share, token } = await ready(t, at, port)
  await ask(address, 'PUT', 'kv/a', { value: 'old' }, token)
  await killed(child)

  // As a restore leaves them that ended before it was whole, and one that ended right after the switch.
  const data = join(at, 'data')
  const half = join(data, 'restore-00000000-0000-4000-8000-000000000000')
  mkdirSync(half)
  writeFileSync(join(half, 'data.mdb'), 'half')
  const first = await productionServer(t, { at, port })
  await unseal(first.address, share)
  assert.deepEqual((await ask(address, 'GET', 'kv/a', undefined, token)).body.data, { value: 'old' })
  const bytes = await take(address, token)
  assert.ok(bytes.length > 0)
  await ask(address, 'PUT', 'kv/a', { value: 'newer' }, token)
  await killed(first.process)
  assert.ok(!readdirSync(data).includes('restore-00000000-0000-4000-8000-000000000000'))

  const restored = await openLmdb({ path: join(data, 'restored'), timers, onUnknown: assert.fail })
  const old = await openLmdb({ path: data, timers, onUnknown: assert.fail })
  const core = [...old.range({ prefix: 'core/' })]
  await restored.commit({ ops: core })
  await Promise.all([restored.close(), old.close()])
  const second = await productionServer(t, { at, port })
  assert.equal((await ask(second.address, 'GET', 'sys/seal-status', undefined, '')).body.initialized, true)
  assert.deepEqual(leftovers(data), [])
  await killed(second.process)
  const now = await openLmdb({ path: data, timers, onUnknown: assert.fail })
  assert.deepEqual(
    [...now.keys({ prefix: '' })],
    core.map(({ key }) => key),
  )
  await now.close()
})

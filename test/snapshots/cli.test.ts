// The snapshot commands as an operator types them, against a real server: nothing of the server is needed to look into a file.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { ask, folder, productionServer, SIGNET } from '../support/server.ts'

interface Ran {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

function signet(args: readonly string[], env: Record<string, string>, stdin = ''): Promise<Ran> {
  const child = spawn(SIGNET, args, { env: { PATH: process.env['PATH'], HOME: '/nonexistent', ...env } })
  const said = { out: '', err: '' }
  child.stdout.on('data', (chunk) => (said.out += chunk))
  child.stderr.on('data', (chunk) => (said.err += chunk))
  child.stdin.on('error', () => {})
  child.stdin.end(stdin)
  return new Promise((resolve) => child.once('close', (code) => resolve({ code, ...said })))
}

async function ready(t: TestContext) {
  const at = folder(t)
  const { address } = await productionServer(t, { at, workers: 1 })
  const { body } = await ask(address, 'PUT', 'sys/init', { secret_shares: 3, secret_threshold: 2 }, '')
  const shares = body.keys_base64 as string[]
  for (const key of shares.slice(0, 2)) await ask(address, 'PUT', 'sys/unseal', { key }, '')
  const env = { VAULT_ADDR: address, VAULT_TOKEN: body.root_token as string }
  const call = (method: string, path: string, data?: unknown) => ask(address, method, path, data, env.VAULT_TOKEN)
  await call('POST', 'sys/mounts/one', { type: 'kv' })
  await call('POST', 'sys/mounts/two', { type: 'kv', options: { version: '2' } })
  await call('PUT', 'one/app', { user: 'ann' })
  for (const n of [1, 2]) await call('PUT', 'two/data/app', { data: { n } })
  return { at, env, call, shares, address }
}

test('save, inspect, verify, restore one secret, restore all', async (t) => {
  const { at, env, call, shares, address } = await ready(t)
  const file = join(at, 'backup.snap')
  const saved = await signet(['operator', 'raft', 'snapshot', 'save', file], env)
  assert.deepEqual(saved, { code: 0, out: `Success! Saved a snapshot to ${file}\n`, err: '' })
  assert.equal(statSync(file).mode & 0o777, 0o600)

  const seen = await signet(['operator', 'snapshot', 'inspect', file], {})
  assert.equal(seen.code, 0, seen.err)
  assert.match(seen.out, /^ID +signet-\d+\nRevision +\d+\n/)
  assert.match(seen.out, /^ns\/root\/mount +5 +\d+$/m)

  const typed = `${shares[2]}\n${shares[0]}\n`
  const verified = await signet(['operator', 'snapshot', 'verify', file], {}, typed)
  assert.match(verified.out, /^Success! The snapshot is whole, and all \d+ records in it are genuine\.\n$/)
  const refused = await signet(['operator', 'snapshot', 'verify', file], {}, `${shares[0]}\n${'A'.repeat(43)}=\n`)
  assert.equal(refused.code, 1)
  assert.match(refused.err, /^Error opening it: /)

  await call('PUT', 'one/app', { user: 'ben' })
  await call('DELETE', 'two/metadata/app')
  const restore = (...args: string[]) => signet(['operator', 'snapshot', 'restore-secret', ...args], env, typed)
  assert.deepEqual(await restore(file, 'one/app'), { code: 0, out: 'Success! Restored one/app of the snapshot to one/app\n', err: '' })
  assert.equal((await restore(file, 'two/app')).code, 0)
  assert.equal((await restore('-version=1', '-to=two/old', file, 'two/app')).code, 0)
  assert.deepEqual((await call('GET', 'one/app')).body.data, { user: 'ann' })
  assert.deepEqual((await call('GET', 'two/data/app')).body.data.data, { n: 2 })
  assert.deepEqual((await call('GET', 'two/data/old')).body.data.data, { n: 1 })
  const printed = await restore('-print', '-format=json', file, 'two/app')
  assert.deepEqual(JSON.parse(printed.out), { n: 2 })
  for (const [args, why] of [
    [[file, 'two/none'], /there is no such secret, or not in that version/],
    [['-version=9', file, 'two/app'], /there is no such secret, or not in that version/],
    [['-version=1', file, 'one/app'], /KV version 1 keeps no versions/],
    [[file, 'nowhere/app'], /Error reading nowhere\/app in the snapshot: /],
  ] as const) {
    const { code, err } = await restore(...args)
    assert.equal(code, 1)
    assert.match(err, why)
  }

  const done = await signet(['operator', 'snapshot', 'restore', file], env)
  assert.equal(done.code, 0, done.err)
  for (let tries = 0; tries < 400; tries++) {
    const status = await ask(address, 'GET', 'sys/seal-status', undefined, '').catch(() => undefined)
    if (status?.body.sealed && status.body.initialized) break
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  for (const key of shares.slice(1)) await ask(address, 'PUT', 'sys/unseal', { key }, '')
  assert.equal((await call('GET', 'two/data/old')).status, 404)
  assert.deepEqual((await call('GET', 'one/app')).body.data, { user: 'ann' })
})

test('a running database and a snapshot of it are looked through for half states', async (t) => {
  const { at, env, shares, call } = await ready(t)
  const file = join(at, 'backup.snap')
  assert.equal((await signet(['operator', 'snapshot', 'save', file], env)).code, 0)
  const typed = `${shares[2]}\n${shares[1]}\n`
  const storage = `-storage=${join(at, 'data')}`
  for (const where of [storage, `-snapshot=${file}`]) {
    const { code, out, err } = await signet(['debug', 'fsck', where], {}, typed)
    assert.deepEqual([code, err], [0, ''])
    assert.match(out, /^Success! \d+ records were looked at, and all is well\.\n$/)
  }
  const told = JSON.parse((await signet(['debug', 'fsck', '-format=json', storage], {}, typed)).out)
  assert.deepEqual(told.findings, [])
  assert.ok(told.records > 10)
  assert.deepEqual((await call('GET', 'one/app')).body.data, { user: 'ann' }, 'the server goes on')

  for (const [args, stdin, why] of [
    [[], typed, /^either -storage or -snapshot is needed\n$/],
    [[storage, `-snapshot=${file}`], typed, /^either -storage or -snapshot is needed\n$/],
    [[`-storage=${at}`], typed, /^there is no database in /],
    [[`-snapshot=${join(at, 'absent')}`], typed, /no such file or directory/],
    [[storage], `${shares[0]}\n`, /^2 key shares are needed, one a line\n$/],
    [[storage], `${shares[0]}\n${'A'.repeat(43)}=\n`, /^Error opening it: /],
  ] as const) {
    const { code, out, err } = await signet(['debug', 'fsck', ...args], {}, stdin)
    assert.deepEqual([code, out], [1, ''])
    assert.match(err, why)
  }
})

test('what is no snapshot, or no server, is said in a line', async (t) => {
  const at = folder(t)
  const file = join(at, 'other.snap')
  writeFileSync(file, 'something else')
  const env = { VAULT_ADDR: 'http://127.0.0.1:1', VAULT_TOKEN: 'x' }
  for (const args of [
    ['inspect', file],
    ['verify', file],
    ['inspect', join(at, 'absent')],
  ]) {
    const { code, out, err } = await signet(['operator', 'snapshot', ...args], {})
    assert.deepEqual([code, out], [1, ''])
    assert.match(err, /can not be decompressed|no such file or directory/)
  }
  const saved = await signet(['operator', 'snapshot', 'save', file], env)
  assert.equal(saved.code, 2)
  assert.equal(readFileSync(file, 'utf8'), 'something else', 'a snapshot that fails replaces nothing')
})

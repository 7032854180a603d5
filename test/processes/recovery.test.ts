// A real server in recovery mode, asked by the command line: what was repaired is there when the server serves again.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { ask, folder, freePort, killed, productionServer, SIGNET } from '../support/server.ts'
import { ready, unseal, workersOf } from './load.ts'

const run = promisify(execFile)

test('a value is repaired with a recovery token, which ends with its process', async (t) => {
  const at = folder(t)
  const port = await freePort()
  const first = await ready(t, at, port)
  const { shares, token: root } = first.keys
  assert.equal((await ask(first.address, 'POST', 'sys/mounts/plain', { type: 'kv' }, root)).status, 204)
  assert.equal((await ask(first.address, 'PUT', 'plain/a', { v: 'broken' }, root)).status, 204)
  await assert.rejects(run(SIGNET, ['server', `-config=${first.config}`, '-recovery']), /another server runs on the storage/)
  await killed(first.process)

  const recovery = { at, port, args: ['-recovery'], config: 'log_level = "error"' }
  let server = await productionServer(t, recovery)
  let log = ''
  server.process.stderr?.on('data', (chunk) => (log += chunk))
  assert.deepEqual(workersOf(server.process.pid as number), [])
  const cli = async (line: string, token = '') => {
    const env = { PATH: process.env['PATH'], HOME: at, VAULT_ADDR: server.address, ...(token === '' ? {} : { VAULT_TOKEN: token }) }
    return (await run(SIGNET, line.split(' '), { env, cwd: at })).stdout.trim()
  }
  const make = 'operator generate-root -recovery-token'
  const { nonce, otp } = JSON.parse(await cli(`${make} -init -format=json`))
  assert.match(await cli(`${make} -status`), /^Progress +0\/2$/m)
  await cli(`${make} -nonce=${nonce} ${shares[0]}`)
  const told = JSON.parse(await cli(`${make} -format=json -nonce=${nonce} ${shares[1]}`))
  const token = await cli(`${make} -decode=${told.encoded_token} -otp=${otp}`)

  assert.equal(await cli('list -format=json sys/raw', token), '[\n  "core/",\n  "data/",\n  "ns/",\n  "slices"\n]')
  const mount = JSON.parse(await cli('read -field=value sys/raw/ns/root/mount/plain', token))
  const key = `sys/raw/data/${mount.slice}/meta/a`
  const value = await cli(`read -field=value ${key}`, token)
  assert.match(value, /broken/)
  await cli(`write ${key} value=${value.replace('broken', 'whole')}`, token)
  await assert.rejects(cli('read sys/raw/slices', root), /permission denied/)
  await assert.rejects(cli('read plain/a', token), /the server is in recovery mode/)

  assert.match(log, /raw storage was asked for: .*operation="write" path="data\/.*\/meta\/a"/, 'whatever level is configured')
  assert.doesNotMatch(log, /whole|broken/)
  await killed(server.process)
  server = await productionServer(t, recovery)
  await assert.rejects(cli('read sys/raw/slices', token), /permission denied/)
  await killed(server.process)
  server = await productionServer(t, { at, port })
  await unseal(server.address, first.keys)
  assert.equal((await ask(server.address, 'GET', 'plain/a', undefined, root)).body.data.v, 'whole')
})

test('what could not be recovered anyway is said when it starts', async (t) => {
  const at = folder(t)
  const { config, process: child } = await productionServer(t, { at })
  await killed(child)
  await assert.rejects(run(SIGNET, ['server', `-config=${config}`, '-recovery']), /the storage is not initialized: there is nothing to recover/)
  await assert.rejects(run(SIGNET, ['server', '-dev', '-recovery']), /use either -dev or -recovery/)
  await assert.rejects(run(SIGNET, ['server', `-config=${join(at, 'none.hcl')}`, '-recovery']), /none\.hcl/)
})

// Class "files" (CVE-2021-38553, SPI-01-002): what the server writes is its own, and it stands on nothing that others can change.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { chmodSync, mkdirSync, readdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { checkModes } from '../../src/app/file-modes.ts'
import { files } from '../../src/app/files.ts'
import { ask, folder, productionServer, SIGNET } from '../support/server.ts'

const mode = (path: string) => (statSync(path).mode & 0o777).toString(8)

/** Everything in a folder, and the folder itself. */
function all(path: string): string[] {
  const below = statSync(path).isDirectory() ? readdirSync(path).flatMap((name) => all(join(path, name))) : []
  return [path, ...below]
}

test('database and audit files are for the server alone, under a lax umask too', async (t) => {
  const before = process.umask(0o002)
  t.after(() => process.umask(before))
  const at = folder(t)
  const { address } = await productionServer(t, { at, workers: 1 })
  const { body } = await ask(address, 'PUT', 'sys/init', { secret_shares: 1, secret_threshold: 1 }, '')
  await ask(address, 'PUT', 'sys/unseal', { key: body.keys_base64[0] }, '')
  const audit = join(at, 'data', 'audit.log')
  assert.equal((await ask(address, 'PUT', 'sys/audit/file', { type: 'file', options: { file_path: audit } }, body.root_token)).status, 204)
  await ask(address, 'GET', 'sys/mounts', undefined, body.root_token)
  const made = all(join(at, 'data'))
  assert.ok(made.includes(audit) && made.length >= 4)
  for (const path of made) assert.equal(mode(path), statSync(path).isDirectory() ? '700' : '600', path)
})

test('an audit file is never reached through a link, nor is anything but a file', (t) => {
  const at = folder(t)
  writeFileSync(join(at, 'target'), 'mine')
  symlinkSync(join(at, 'target'), join(at, 'link'))
  mkdirSync(join(at, 'folder'))
  for (const name of ['link', 'folder']) assert.throws(() => files.openAppend(join(at, name)))
  assert.throws(() => files.openAppend('/dev/null'), /not a regular file/)
})

test('a lax mode of anything it stands on is a reason not to start', async (t) => {
  const at = folder(t)
  const config = join(at, 'server.hcl')
  writeFileSync(config, `storage "lmdb" { path = "${at}/data" }\nlistener "tcp" {\n  address = "127.0.0.1:0"\n  tls_disable = true\n}\n`)
  chmodSync(config, 0o666)
  const refused = await new Promise<{ code: unknown; stderr: string }>((resolve) => {
    execFile(SIGNET, ['server', `-config=${config}`], { timeout: 30_000 }, (error, _, stderr) => resolve({ code: error?.code, stderr }))
  })
  assert.equal(refused.code, 1)
  assert.match(refused.stderr, /server\.hcl can be changed by anyone\n.*chmod o-w /)
})

test('which modes are refused, and which are named', (t) => {
  const at = folder(t)
  const path = (name: string) => join(at, name)
  mkdirSync(path('data'), { mode: 0o700 })
  for (const name of ['server.hcl', 'cert.pem', 'key.pem', 'ca.pem', 'data/data.mdb', 'data/lock.mdb']) writeFileSync(path(name), '', { mode: 0o600 })
  const tls = { certFile: path('cert.pem'), keyFile: path('key.pem'), clientCaFile: path('ca.pem') }
  const config = { storagePath: path('data'), listeners: [{ address: '127.0.0.1:0', bodyBytes: undefined, tls }] }
  const check = () => checkModes(config, [path('server.hcl')])
  assert.deepEqual(check(), { refusals: [], warnings: [] })
  const rows: readonly [name: string, mode: number, refusals: number, warnings: number][] = [
    ['server.hcl', 0o644, 0, 0],
    ['server.hcl', 0o602, 1, 0],
    ['cert.pem', 0o644, 0, 0],
    ['cert.pem', 0o606, 1, 0],
    ['ca.pem', 0o602, 1, 0],
    ['key.pem', 0o640, 0, 0],
    ['key.pem', 0o604, 0, 1],
    ['key.pem', 0o602, 1, 0],
    ['data/data.mdb', 0o660, 0, 0],
    ['data/data.mdb', 0o604, 1, 0],
    ['data/lock.mdb', 0o606, 2, 0],
    ['data', 0o755, 0, 0],
    ['data', 0o777, 1, 0],
    ['.', 0o777, 1, 0],
    ['.', 0o1777, 0, 0],
  ]
  for (const [name, lax, refusals, warnings] of rows) {
    const before = statSync(path(name)).mode
    chmodSync(path(name), lax)
    const found = check()
    assert.deepEqual([found.refusals.length, found.warnings.length], [refusals, warnings], `${name} ${lax.toString(8)}`)
    chmodSync(path(name), before)
  }
})

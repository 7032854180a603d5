// What keeps a server from starting is said in one line and a hint, with exit code 1, at once and not again and again.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import { first, second } from '../edge/certificates.ts'
import { folder, freePort, productionServer, SIGNET } from '../support/server.ts'

interface Ended {
  readonly code: unknown
  readonly lines: readonly string[]
}

function signet(...args: string[]): Promise<Ended> {
  return new Promise((resolve) => {
    execFile(SIGNET, args, { timeout: 30_000, killSignal: 'SIGKILL' }, (error, stdout, stderr) =>
      resolve({ code: error ? (error.code ?? 'killed') : 0, lines: (stdout + stderr).trimEnd().split('\n') }),
    )
  })
}

async function startWith(at: string, text: string): Promise<Ended> {
  const file = join(at, 'server.hcl')
  writeFileSync(file, text)
  const { code, lines } = await signet('server', `-config=${file}`)
  return { code, lines: lines.map((line) => line.replaceAll(at, 'AT')) }
}

const plain = (address: string) => `listener "tcp" {\n  address = "${address}"\n  tls_disable = true\n}\n`
const lmdb = (path: string) => `storage "lmdb" { path = "${path}" }\n`

test('a port that is taken', async (t) => {
  const at = folder(t)
  const other = createServer()
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
  t.after(() => other.close())
  const address = `127.0.0.1:${(other.address() as { port: number }).port}`
  const lines = [`the listener address ${address} is in use`, 'hint: stop what listens there, or choose another address']
  assert.deepEqual(await startWith(at, lmdb(join(at, 'data')) + plain(address)), { code: 1, lines })
  assert.deepEqual(await signet('dev', `-dev-listen-address=${address}`), { code: 1, lines })
})

test('TLS files that are missing, broken, or not of one pair', async (t) => {
  const at = folder(t)
  const files = { cert: join(at, 'cert.pem'), key: join(at, 'key.pem') }
  const config = `${lmdb(join(at, 'data'))}listener "tcp" {\n  address = "127.0.0.1:0"\n  tls_cert_file = "${files.cert}"\n  tls_key_file = "${files.key}"\n}\n`
  const pem = 'hint: a PEM file has lines such as -----BEGIN CERTIFICATE-----'
  const absent = ['tls_cert_file AT/cert.pem: no such file or directory', "hint: the server's user must be able to read it"]
  assert.deepEqual(await startWith(at, config), { code: 1, lines: absent })
  writeFileSync(files.cert, 'not PEM')
  writeFileSync(files.key, second.key, { mode: 0o600 })
  assert.deepEqual(await startWith(at, config), { code: 1, lines: ['tls_cert_file AT/cert.pem holds no certificate in PEM', pem] })
  writeFileSync(files.cert, first.cert)
  assert.deepEqual(await startWith(at, config), {
    code: 1,
    lines: [
      'the key in AT/key.pem is not that of the certificate in AT/cert.pem',
      "hint: the server's own certificate comes first in its file, its intermediates after it",
    ],
  })
  writeFileSync(files.key, 'not PEM')
  const lines = ['tls_key_file AT/key.pem holds no private key in PEM that needs no passphrase', pem]
  assert.deepEqual(await startWith(at, config), { code: 1, lines })
})

test('storage that can not be written, and storage that another server has', async (t) => {
  const at = folder(t)
  writeFileSync(join(at, 'file'), '')
  const hint = "hint: it must be a folder on a local disk that the server's user owns"
  assert.deepEqual(await startWith(at, lmdb(join(at, 'file')) + plain('127.0.0.1:0')), {
    code: 1,
    lines: ["the storage AT/file can't be opened: not a directory", hint],
  })
  assert.deepEqual(await startWith(at, lmdb(join(at, 'no/where')) + plain('127.0.0.1:0')), {
    code: 1,
    lines: ["the storage AT/no/where can't be opened: no such file or directory", hint],
  })
  const running = await productionServer(t, { at, workers: 1 })
  const { code, lines } = await startWith(at, lmdb(join(at, 'data')) + plain(`127.0.0.1:${await freePort()}`))
  assert.deepEqual(
    [code, lines],
    [
      1,
      [
        `another server runs on the storage AT/data, as process ${running.process.pid}`,
        'hint: stop it first, or give this server a storage of its own',
      ],
    ],
  )
})

test('a configuration that is wrong', async (t) => {
  const at = folder(t)
  const hint = 'hint: the keys of a configuration are in docs/guide/production.md'
  const unknown = 'AT/server.hcl:1:1: "log_levle" in the configuration is not known; did you mean "log_level"?'
  assert.deepEqual(await startWith(at, 'log_levle = "info"'), { code: 1, lines: [unknown, hint] })
  const { code, lines } = await signet('server', `-config=${join(at, 'absent')}`)
  assert.deepEqual([code, lines.map((line) => line.replaceAll(at, 'AT'))], [1, ['AT/absent: no such file or directory', hint]])
})

// The real ports of the command line: files, and HTTP as it goes over the wire.
import assert from 'node:assert/strict'
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { files } from './cli-ports.ts'
import { sendRequest } from './cli-request.ts'

test('a file is replaced whole, with its mode, and never through a link', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'signet-cli-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const path = join(folder, 'token')
  writeFileSync(path, 'old')
  chmodSync(path, 0o644)
  await files.write(path, 'new', 0o600)
  assert.deepEqual([readFileSync(path, 'utf8'), statSync(path).mode & 0o777], ['new', 0o600])
  const victim = join(folder, 'victim')
  writeFileSync(victim, 'precious')
  symlinkSync(victim, join(folder, 'link'))
  await assert.rejects(files.write(join(folder, 'link'), 'x', 0o600), /is a symbolic link/)
  symlinkSync(victim, `${path}.tmp`)
  await files.write(path, 'newer', 0o600)
  assert.equal(readFileSync(victim, 'utf8'), 'precious')
  assert.deepEqual(readdirSync(folder).sort(), ['link', 'token', 'victim'])
})

test('requests carry method, repeated headers and body', async (t) => {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      response.setHeader('X-Seen', `${request.method} ${request.url} ${request.headers['x-vault-mfa']} ${Buffer.concat(chunks)}`)
      response.writeHead(204).end()
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => server.close())
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const answer = await sendRequest({
    method: 'PUT',
    url: `${url}/v1/a%20b`,
    headers: { 'X-Vault-MFA': ['1', '2'] },
    body: Buffer.from('x'),
    timeoutMs: 0,
  })
  assert.deepEqual([answer.status, answer.headers['x-seen']], [204, 'PUT /v1/a%20b 1, 2 x'])
})

test('a connection that nobody takes rejects with the code of the system', async () => {
  const request = { method: 'GET', url: 'http://127.0.0.1:1/v1/a', headers: {}, timeoutMs: 0 }
  await assert.rejects(sendRequest(request), { code: 'ECONNREFUSED' })
})

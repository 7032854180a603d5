// HTTP/2: the verbs pass as they are, and the same rules hold as over HTTP/1.1.
import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { type ClientHttp2Session, connect, type OutgoingHttpHeaders } from 'node:http2'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { authority, first } from './certificates.ts'
import { openDoor, type TestDoor } from './door.ts'

interface H2Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | undefined>>
  readonly body: string
}

function ask(session: ClientHttp2Session, headers: OutgoingHttpHeaders, body?: string | Buffer): Promise<H2Answer> {
  return new Promise((resolve, reject) => {
    const stream = session.request(headers, { endStream: body === undefined })
    let got: Record<string, string> = {}
    let text = ''
    stream.setEncoding('utf8')
    stream.on('response', (head) => {
      got = head as unknown as Record<string, string>
    })
    stream.on('data', (chunk: string) => {
      text += chunk
    })
    stream.on('end', () => resolve({ status: Number(got[':status']), headers: got, body: text }))
    stream.on('error', reject)
    if (body !== undefined) stream.end(body)
  })
}

describe('HTTP/2', () => {
  let folder: string
  let door: TestDoor
  let session: ClientHttp2Session
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'edge-'))
    const tls = { certFile: join(folder, 'cert.pem'), keyFile: join(folder, 'key.pem') }
    await writeFile(tls.certFile, first.cert)
    await writeFile(tls.keyFile, first.key)
    door = await openDoor({ limits: { bodyBytes: 1 << 20 } }, { tls })
    session = connect(`https://127.0.0.1:${door.listener.port}`, { ca: authority.cert, servername: 'localhost' })
  })
  after(async () => {
    session.close()
    await door[Symbol.asyncDispose]()
    await rm(folder, { recursive: true })
  })

  test('every verb', async () => {
    const verbs = { GET: 'read', LIST: 'list', SCAN: 'scan', HELP: 'help', DELETE: 'delete' }
    for (const [method, verb] of Object.entries(verbs)) {
      const { status, body } = await ask(session, { ':method': method, ':path': '/v1/a?b=c' })
      assert.deepEqual([status, JSON.parse(body).verb, JSON.parse(body).query], [200, verb, { b: 'c' }])
    }
    for (const [method, type, verb] of [
      ['POST', 'application/json', 'write'],
      ['PUT', 'application/json', 'write'],
      ['PATCH', 'application/merge-patch+json', 'patch'],
    ]) {
      const { body } = await ask(session, { ':method': method, ':path': '/v1/a', 'content-type': type, 'x-vault-token': 's.a' }, '{"n":1.0}')
      const { token, body: sent, verb: got } = JSON.parse(body)
      assert.deepEqual([got, token, sent], [verb, 's.a', '{"n":1.0}'])
    }
  })

  test('many streams at once', async () => {
    const paths = Array.from({ length: 50 }, (_, i) => `p${i}`)
    const answers = await Promise.all(paths.map((path) => ask(session, { ':method': 'LIST', ':path': `/v1/${path}` })))
    assert.deepEqual(
      answers.map(({ body }) => JSON.parse(body).path),
      paths.map((path) => `${path}/`),
    )
  })

  test('the headers of an answer', async () => {
    const { headers } = await ask(session, { ':path': '/v1/a', 'x-vault-namespace': 'ns1' })
    assert.deepEqual([headers['cache-control'], headers['x-vault-namespace'], headers.connection], ['no-store', 'ns1', undefined])
    assert.match(headers['strict-transport-security'] ?? '', /max-age/)
  })

  test('HEAD', async () => {
    const { status, body, headers } = await ask(session, { ':method': 'HEAD', ':path': '/v1/a' })
    assert.deepEqual([status, body, Number(headers['content-length']) > 0], [200, '', true])
  })

  const REFUSED: readonly (readonly [status: number, headers: OutgoingHttpHeaders])[] = [
    [404, { ':path': '/' }],
    [405, { ':method': 'LINK', ':path': '/v1/a' }],
    [405, { ':method': 'OPTIONS', ':path': '/v1/a' }],
    [400, { ':path': '/v1/../a' }],
    [400, { ':path': '/v1/a#b' }],
    [400, { ':path': '/v1/a%2fb' }],
    [400, { ':path': '/v1/a', ':authority': 'vault.example', host: 'other.example' }],
    [400, { ':path': '/v1/a', expect: '200-ok' }],
    [415, { ':method': 'PATCH', ':path': '/v1/a', 'content-type': 'application/json' }],
    [431, { ':path': '/v1/a', ...Object.fromEntries(Array.from({ length: 101 }, (_, i) => [`x-${i}`, 'b'])) }],
    [431, { ':path': '/v1/a', 'x-vault-token': 'b'.repeat(8_193) }],
  ]
  for (const [status, headers] of REFUSED) {
    test(`${status}: ${JSON.stringify(headers).slice(0, 80)}`, async () => {
      const handled = door.seen.length
      const answer = await ask(session, headers)
      assert.equal(answer.status, status, answer.body)
      assert.ok(Array.isArray(JSON.parse(answer.body).errors))
      assert.equal(door.seen.length, handled)
    })
  }

  test('a body past the limit, announced or not, ends its stream and no other', async () => {
    const big = Buffer.alloc((1 << 20) + 1, ' ')
    const large = await ask(session, { ':method': 'POST', ':path': '/v1/a', 'content-length': big.length }, big)
    assert.equal(large.status, 413)
    assert.equal((await ask(session, { ':method': 'POST', ':path': '/v1/a' }, big)).status, 413)
    assert.equal((await ask(session, { ':path': '/v1/a' })).status, 200)
    assert.equal(door.edge.running, 0)
  })

  test('a stream that is reset in the middle of its body leaves nothing behind', async () => {
    const stream = session.request({ ':method': 'POST', ':path': '/v1/a' })
    stream.on('error', () => {})
    stream.write('{')
    while (door.edge.running === 0) await new Promise((resolve) => setImmediate(resolve))
    stream.close(8)
    while (door.edge.running > 0) await new Promise((resolve) => setImmediate(resolve))
  })
})

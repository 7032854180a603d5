// What an answer becomes on the wire: headers, framing, errors, and what is wiped.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Fault } from '../../src/base/fault.ts'
import type { Answer } from '../../src/contract/answer.ts'
import { openDoor, RawClient, type TestDoor } from './door.ts'

const GET = 'GET /v1/a HTTP/1.1\r\nHost: x\r\n\r\n'
const NOTHING = Buffer.alloc(0)

async function ask(door: TestDoor, text: string, isHead = false) {
  const client = RawClient.to(door)
  await client.send(text)
  const answer = await client.next(isHead)
  client.socket.destroy()
  assert.ok(answer)
  return answer
}

const door = (answer: Partial<Answer>, more = {}) =>
  openDoor({ handle: async () => ({ status: 200, headers: {}, body: Buffer.from('{"a":1}'), ...answer }), ...more })

test('an answer is JSON that nobody stores', async () => {
  await using open = await door({})
  const { headers, body } = await ask(open, GET)
  assert.equal(body, '{"a":1}')
  assert.deepEqual(Object.keys(headers).sort(), ['cache-control', 'connection', 'content-length', 'content-type', 'date', 'keep-alive'])
  assert.deepEqual([headers['content-type'], headers['cache-control'], headers['content-length']], ['application/json', 'no-store', '7'])
})

test('an answer has its own headers, which win', async () => {
  await using open = await door({ headers: { 'Content-Type': 'application/pkix-cert', 'Cache-Control': 'max-age=60', 'Retry-After': '5' } })
  const { headers } = await ask(open, GET)
  assert.deepEqual([headers['content-type'], headers['cache-control'], headers['retry-after']], ['application/pkix-cert', 'max-age=60', '5'])
})

test('204 has neither body nor length nor type', async () => {
  await using open = await door({ status: 204, body: NOTHING })
  const client = RawClient.to(open)
  await client.send(GET + GET)
  for (let i = 0; i < 2; i++) {
    const answer = await client.next()
    assert.deepEqual([answer?.status, answer?.headers['content-length'], answer?.headers['content-type']], [204, undefined, undefined])
  }
  client.socket.destroy()
})

test('HEAD gets the head of a GET', async () => {
  await using open = await door({})
  const client = RawClient.to(open)
  await client.send(GET.replace('GET', 'HEAD'), GET)
  assert.equal((await client.next(true))?.headers['content-length'], '7')
  assert.equal((await client.next())?.body, '{"a":1}')
  client.socket.destroy()
})

test('the namespace header comes back as it was sent, with refusals too', async () => {
  await using open = await door({})
  const named = (line: string): string => `${line} HTTP/1.1\r\nHost: x\r\nX-Vault-Namespace: /ns1/\r\n\r\n`
  assert.equal((await ask(open, named('GET /v1/a'))).headers['x-vault-namespace'], '/ns1/')
  assert.equal((await ask(open, named('GET /v1/../a'))).headers['x-vault-namespace'], '/ns1/')
})

test('the operator’s headers are added by status, the more exact winning', async () => {
  const headers = {
    default: { 'X-A': 'default', 'X-B': 'default' },
    '4xx': { 'X-A': 'class' },
    '404': { 'X-A': 'exact', 'cache-control': 'private' },
  }
  await using open = await door({}, { headers })
  const ok = (await ask(open, GET)).headers
  assert.deepEqual([ok['x-a'], ok['x-b'], ok['cache-control']], ['default', 'default', 'no-store'])
  const refused = (await ask(open, GET.replace('GET', 'COPY'))).headers
  assert.deepEqual([refused['x-a'], refused['x-b']], ['class', 'default'])
  const missing = (await ask(open, GET.replace('/v1/a', '/'))).headers
  assert.deepEqual([missing['x-a'], missing['x-b'], missing['cache-control']], ['exact', 'default', 'private'])
  const malformed = (await ask(open, 'FETCH / HTTP/1.1\r\n\r\n')).headers
  assert.equal(malformed['x-a'], 'class', 'what the parser refuses carries them too')
})

test('headers that cannot be sent, or are the edge’s own, are refused at the start', async () => {
  for (const headers of [
    { default: { 'X A': 'b' } },
    { default: { 'X-A': 'b\r\nX-C: d' } },
    { default: { 'Content-Length': '5' } },
    { default: { 'X-Vault-Token': 'b' } },
    { '20x': { 'X-A': 'b' } },
  ]) {
    await assert.rejects(door({}, { headers }), /custom response headers/)
  }
})

test('a Fault is told to the client in its own words', async () => {
  await using open = await openDoor({ handle: () => Promise.reject(new Fault('sealed', 'Vault is sealed')) })
  const answer = await ask(open, GET)
  assert.deepEqual([answer.status, answer.body, answer.headers.connection], [503, '{"errors":["Vault is sealed"]}', 'keep-alive'])
  assert.equal(open.logged.length, 0)
})

test('any other error is told to the log only, with the request’s id', async () => {
  await using open = await openDoor({ handle: () => Promise.reject(new Error('secret detail')) })
  const answer = await ask(open, GET)
  assert.deepEqual([answer.status, answer.body], [500, '{"errors":["internal error"]}'])
  const [line] = open.logged as { request_id: string; cause: Error }[]
  assert.equal(line?.request_id, open.seen[0]?.id)
  assert.match(line?.cause.message ?? '', /secret detail/)
})

test('an answer whose headers cannot be sent is a bug, not a hung client', async () => {
  await using open = await door({ headers: { 'X-A': 'b\r\nX-C: d' } })
  const answer = await ask(open, GET)
  assert.deepEqual([answer.status, answer.headers['x-c'], open.logged.length], [500, undefined, 1])
})

test('a body to be wiped is whole for the client and zero afterwards', async () => {
  const body = Buffer.alloc(8 << 20, 'k')
  await using open = await door({ body, wipe: true, headers: { 'Content-Type': 'application/octet-stream' } })
  const answer = await ask(open, GET)
  assert.equal(answer.body, 'k'.repeat(8 << 20))
  while (body[0] !== 0) await new Promise((resolve) => setImmediate(resolve))
  assert.ok(body.every((byte) => byte === 0))
})

test('a body to be wiped is wiped even when the client has left', async () => {
  const gate = Promise.withResolvers<void>()
  const body = Buffer.from('key')
  await using open = await openDoor({
    handle: async () => {
      await gate.promise
      return { status: 200, headers: {}, body, wipe: true }
    },
  })
  const client = RawClient.to(open)
  await client.send(GET)
  while (open.edge.running === 0) await new Promise((resolve) => setImmediate(resolve))
  client.socket.resetAndDestroy()
  gate.resolve()
  while (body[0] !== 0) await new Promise((resolve) => setImmediate(resolve))
})

test('a client that closes its side still gets its answer', async () => {
  await using open = await door({})
  const client = RawClient.to(open)
  client.socket.end(GET)
  assert.equal((await client.next())?.status, 200)
  assert.equal(await client.closed(), '')
})

test('HTTP/1.0 is answered and closed, or kept where the client asks', async () => {
  await using open = await door({})
  const client = RawClient.to(open)
  await client.send('GET /v1/a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n', 'GET /v1/a HTTP/1.0\r\n\r\n')
  assert.equal((await client.next())?.headers.connection, 'keep-alive')
  assert.equal((await client.next())?.headers.connection, 'close')
  assert.equal(await client.closed(), '')
})

test('each answer is counted, with its status and time', async () => {
  const counted: [number, boolean][] = []
  await using open = await door({}, { hooks: { answered: (status: number, ms: number) => counted.push([status, ms >= 0]) } })
  await ask(open, GET)
  await ask(open, GET.replace('/v1/a', '/'))
  assert.deepEqual(counted, [
    [200, true],
    [404, true],
  ])
  assert.equal(open.edge.running, 0)
})

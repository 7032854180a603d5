// Streams over real connections: the handshake, what is refused, and how either side ends one.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { type ClientOptions, WebSocket } from 'ws'
import { Fault } from '../../src/base/fault.ts'
import { type Answer, faultAnswer } from '../../src/contract/answer.ts'
import type { Sink } from '../../src/contract/reply.ts'
import { authority, first } from './certificates.ts'
import { openDoor, type RawAnswer, RawClient, type TestDoor } from './door.ts'

const PATH = '/v1/sys/events/subscribe/kv*?json=true'
const ASK = `GET ${PATH} HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n`

interface Streaming {
  readonly sinks: Sink[]
  readonly handle: () => Promise<Answer>
}

/** Answers with a stream, and keeps its other end. */
function streaming(holds = () => true): Streaming {
  const sinks: Sink[] = []
  const stream = (sink: Sink) => {
    sinks.push(sink)
    return holds
  }
  return { sinks, handle: async () => ({ status: 101, headers: {}, body: Buffer.alloc(0), stream }) }
}

async function next(raw: RawClient): Promise<RawAnswer> {
  const answer = await raw.next()
  assert.ok(answer)
  return answer
}

function connect(door: TestDoor, scheme = 'ws', options: ClientOptions = {}): WebSocket {
  return new WebSocket(`${scheme}://127.0.0.1:${door.listener.port}${PATH}`, { headers: { 'X-Vault-Token': 't' }, ...options })
}

test('a stream is carried both ways: its texts to the client, its end from either side', async () => {
  const { sinks, handle } = streaming()
  await using door = await openDoor({ handle })
  const client = connect(door)
  await once(client, 'open')
  const [received] = door.seen
  assert.deepEqual(
    [received?.verb, received?.path, received?.query, received?.token?.reveal()],
    ['read', 'sys/events/subscribe/kv*', { json: 'true' }, 't'],
  )
  const [sink] = sinks as [Sink]
  sink.send('{"n":1}')
  assert.equal(String((await once(client, 'message'))[0]), '{"n":1}')
  let left = 0
  sink.onClose(() => left++)
  client.close()
  await once(client, 'close')
  while (left === 0) await new Promise((resolve) => setImmediate(resolve))
  const other = connect(door)
  await once(other, 'open')
  sinks[1]?.close('enough')
  const [code, reason] = await once(other, 'close')
  assert.deepEqual([code, String(reason)], [1000, 'enough'])
  assert.equal(door.edge.running, 0)
})

test('a refusal is plain HTTP, on a connection that ends', async () => {
  await using door = await openDoor({ handle: async () => faultAnswer(new Fault('denied', 'permission denied')) })
  const raw = RawClient.to(door)
  await raw.send(ASK)
  const { status, headers, body } = await next(raw)
  assert.deepEqual([status, headers['connection'], body], [403, 'close', '{"errors":["permission denied"]}'])
  assert.equal(headers['cache-control'], 'no-store')
})

test('a stream without a WebSocket asks for one, and other upgrades are not heard', async () => {
  const { handle } = streaming()
  await using door = await openDoor({ handle })
  const raw = RawClient.to(door)
  await raw.send(`GET ${PATH} HTTP/1.1\r\nHost: a\r\n\r\n`)
  const refused = await next(raw)
  assert.deepEqual([refused.status, refused.headers['upgrade']], [426, 'websocket'])
  await raw.send(`GET ${PATH} HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n`)
  assert.equal((await next(raw)).status, 426)
  await using echoing = await openDoor()
  const other = RawClient.to(echoing)
  await other.send(ASK.replace('/v1/sys/events/subscribe/kv*', '/v1/secret/a'))
  assert.equal((await next(other)).status, 200)
})

test('a handshake that is none is refused', async () => {
  const { sinks, handle } = streaming()
  await using door = await openDoor({ handle })
  const raw = RawClient.to(door)
  await raw.send(ASK.replace(/Sec-WebSocket-Key: .*\r\n/, ''))
  assert.equal((await next(raw)).status, 400)
  assert.equal(sinks.length, 0)
})

test('a client that speaks is let go of', async () => {
  const { handle } = streaming()
  await using door = await openDoor({ handle })
  const client = connect(door)
  await once(client, 'open')
  client.send('hello')
  const [code] = await once(client, 'close')
  assert.equal(code, 1008)
})

test('a stop ends streams, and waits for them only so long', async () => {
  const { handle } = streaming()
  const door = await openDoor({ handle })
  const client = connect(door)
  await once(client, 'open')
  const closing = door.listener.close(1_000)
  const [code] = await once(client, 'close')
  assert.equal(code, 1001)
  await closing
})

test('over TLS as well', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'edge-'))
  const tls = { certFile: join(folder, 'cert.pem'), keyFile: join(folder, 'key.pem') }
  await writeFile(tls.certFile, first.cert)
  await writeFile(tls.keyFile, first.key)
  const { sinks, handle } = streaming()
  const door = await openDoor({ handle }, { tls })
  const client = connect(door, 'wss', { ca: authority.cert })
  await once(client, 'open')
  sinks[0]?.send('x')
  assert.equal(String((await once(client, 'message'))[0]), 'x')
  client.terminate()
  await door[Symbol.asyncDispose]()
  await rm(folder, { recursive: true })
})

// Closing a listener: no new connections, running requests finish, idle connections go, and the grace bounds it all.
import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:http2'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { authority, first } from './certificates.ts'
import { openDoor, RawClient, type TestDoor } from './door.ts'

const GET = 'GET /v1/a HTTP/1.1\r\nHost: x\r\n\r\n'
const LONG = 60_000

async function until(done: () => boolean): Promise<void> {
  while (!done()) await new Promise((resolve) => setImmediate(resolve))
}

function gated(body = Buffer.from('{}')) {
  const gate = Promise.withResolvers<void>()
  const handle = async () => {
    await gate.promise
    return { status: 200, headers: {}, body }
  }
  return { open: gate.resolve, handle }
}

async function refusesConnections(door: TestDoor): Promise<boolean> {
  const late = RawClient.to(door)
  await late.send(GET)
  return (await late.next()) === undefined
}

test('a running request finishes and its connection closes; idle and silent ones close at once', async () => {
  const gate = gated()
  await using door = await openDoor({ handle: gate.handle })
  const [busy, silent] = [RawClient.to(door), RawClient.to(door)]
  await busy.send(GET)
  await until(() => door.edge.running === 1)
  const closing = door.listener.close(LONG)
  assert.equal(await silent.closed(), '')
  assert.ok(await refusesConnections(door))
  gate.open()
  const answer = await busy.next()
  assert.deepEqual([answer?.status, answer?.headers.connection], [200, 'close'])
  await busy.closed()
  await closing
})

test('a kept-alive connection between requests closes at once', async () => {
  await using door = await openDoor()
  const idle = RawClient.to(door)
  await idle.send(GET)
  assert.equal((await idle.next())?.headers.connection, 'keep-alive')
  const closing = door.listener.close(LONG)
  assert.equal(await idle.closed(), '')
  await closing
})

test('a request whose body is arriving may finish', async () => {
  await using door = await openDoor()
  const client = RawClient.to(door)
  await client.send('POST /v1/a HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\n12')
  await until(() => door.edge.running === 1)
  const closing = door.listener.close(LONG)
  await client.send('34')
  const answer = await client.next()
  assert.deepEqual([JSON.parse(answer?.body ?? '{}').body, answer?.headers.connection], ['1234', 'close'])
  await closing
})

test('a large answer that is still on its way arrives whole', async () => {
  const gate = gated(Buffer.alloc(8 << 20, 'x'))
  await using door = await openDoor({ handle: gate.handle })
  const client = RawClient.to(door)
  client.socket.pause()
  await client.send(GET)
  await until(() => door.edge.running === 1)
  gate.open()
  await until(() => door.edge.running === 0)
  const closing = door.listener.close(LONG)
  client.socket.resume()
  assert.equal((await client.next())?.body.length, 8 << 20)
  client.socket.destroy()
  await closing
})

test('what outlasts the grace is cut', async () => {
  const gate = gated()
  await using door = await openDoor({ handle: gate.handle })
  const client = RawClient.to(door)
  await client.send(GET)
  await until(() => door.edge.running === 1)
  await door.listener.close(0)
  assert.equal(await client.closed(), '')
  gate.open()
  await until(() => door.edge.running === 0)
})

test('HTTP/2 streams finish and their session ends', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'edge-'))
  const tls = { certFile: join(folder, 'cert.pem'), keyFile: join(folder, 'key.pem') }
  await writeFile(tls.certFile, first.cert)
  await writeFile(tls.keyFile, first.key)
  const gate = gated()
  {
    await using door = await openDoor({ handle: gate.handle }, { tls })
    const [session, idle] = [0, 1].map(() => connect(`https://127.0.0.1:${door.listener.port}`, { ca: authority.cert, servername: 'localhost' }))
    const idleClosed = new Promise((resolve) => idle?.once('close', resolve))
    const stream = session?.request({ ':path': '/v1/a' })
    await until(() => door.edge.running === 1)
    const closing = door.listener.close(LONG)
    await idleClosed
    gate.open()
    const status = await new Promise((resolve) => stream?.once('response', (headers) => resolve(headers[':status'])))
    stream?.resume()
    assert.equal(status, 200)
    await closing
  }
  await rm(folder, { recursive: true })
})

test('an address that is taken or malformed is an error at the start', async () => {
  await using door = await openDoor()
  await assert.rejects(openDoor({}, { address: `127.0.0.1:${door.listener.port}` }), /is in use/)
  for (const address of ['8200', 'localhost', '::1:8200', '127.0.0.1:http']) await assert.rejects(openDoor({}, { address }), /host:port/)
})

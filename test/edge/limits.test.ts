// Bounds hold before anything is spent, and the client gets to read why it was refused.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openDoor, RawClient } from './door.ts'

const post = (...headers: string[]): string => ['POST /v1/a HTTP/1.1', 'Host: x', ...headers, '', ''].join('\r\n')

test('a body that is announced as too large is refused before a byte of it is read', async () => {
  await using door = await openDoor({ limits: { bodyBytes: 10, lingerMs: 20 } })
  const client = RawClient.to(door)
  await client.send(post('Content-Length: 11', 'Expect: 100-continue'))
  const answer = await client.next()
  assert.deepEqual([answer?.status, answer?.headers.connection], [413, 'close'], 'no 100 Continue came first')
  assert.equal(await client.closed(), '')
})

test('a body of exactly the limit passes', async () => {
  await using door = await openDoor({ limits: { bodyBytes: 10 } })
  const client = RawClient.to(door)
  await client.send(`${post('Content-Length: 10')}0123456789`, `${post('Transfer-Encoding: chunked')}a\r\n0123456789\r\n0\r\n\r\n`)
  assert.equal((await client.next())?.status, 200)
  assert.equal((await client.next())?.status, 200)
  client.socket.destroy()
})

test('a chunked body past the limit is refused, and the client may finish sending', async () => {
  await using door = await openDoor({ limits: { bodyBytes: 10 } })
  const client = RawClient.to(door)
  await client.send(`${post('Transfer-Encoding: chunked')}b\r\n01234567890\r\n`)
  assert.equal((await client.next())?.status, 413)
  await client.send('5\r\nabcde\r\n', '0\r\n\r\n')
  assert.equal(await client.closed(), '')
  assert.equal(door.seen.length, 0)
})

test('a client that sends 40 MiB without listening still reads the 413', async () => {
  await using door = await openDoor()
  const client = RawClient.to(door)
  const size = 40 << 20
  await client.send(post(`Content-Length: ${size}`))
  const block = Buffer.alloc(1 << 20)
  for (let sent = 0; sent < size; sent += block.length) {
    if (!client.socket.write(block)) await new Promise((resolve) => client.socket.once('drain', resolve))
  }
  assert.equal((await client.next())?.status, 413)
  assert.equal(await client.closed(), '')
})

test('a refused client that sends on and on is cut off', async () => {
  await using door = await openDoor({ limits: { bodyBytes: 10, lingerBytes: 1 << 20 } })
  const client = RawClient.to(door)
  await client.send(post(`Content-Length: ${1 << 40}`))
  assert.equal((await client.next())?.status, 413)
  const block = Buffer.alloc(1 << 18)
  while (!client.socket.destroyed && client.socket.writable) {
    if (!client.socket.write(block)) await new Promise<void>((resolve) => client.socket.once('drain', resolve).once('close', () => resolve()))
  }
  await client.closed()
})

test('a body sent with Expect: 100-continue is asked for once its head has passed', async () => {
  await using door = await openDoor()
  const client = RawClient.to(door)
  await client.send(post('Content-Length: 2', 'Expect: 100-continue'))
  assert.equal((await client.next())?.status, 100)
  await client.send('{}')
  assert.equal((await client.next())?.status, 200)
  client.socket.destroy()
})

test('a head that never ends is answered 408', async () => {
  await using door = await openDoor({ limits: { headMs: 30, lingerMs: 20 } })
  const client = RawClient.to(door)
  await client.send('GET /v1/a HTTP/1.1\r\nX-A: ')
  assert.equal((await client.next())?.status, 408)
  assert.equal(await client.closed(), '')
})

test('a body that never ends is answered 408', async () => {
  await using door = await openDoor({ limits: { requestMs: 40, headMs: 30, lingerMs: 20 } })
  const client = RawClient.to(door)
  await client.send(`${post('Content-Length: 10')}01234`)
  assert.equal((await client.next())?.status, 408)
  assert.equal(await client.closed(), '')
  assert.equal(door.edge.running, 0)
})

test('a broken chunk in a body that is being read is answered once', async () => {
  await using door = await openDoor({ limits: { lingerMs: 20 } })
  const client = RawClient.to(door)
  await client.send(`${post('Transfer-Encoding: chunked')}2\r\nab\r\n`, 'zz\r\n')
  assert.equal((await client.next())?.status, 400)
  assert.equal(await client.closed(), '')
  assert.deepEqual([door.seen.length, door.edge.running], [0, 0])
})

test('garbage behind a request that is being answered does not take its answer away', async () => {
  const gate = Promise.withResolvers<void>()
  await using door = await openDoor({
    handle: async () => {
      await gate.promise
      return { status: 204, headers: {}, body: Buffer.alloc(0) }
    },
  })
  const client = RawClient.to(door)
  await client.send('GET /v1/a HTTP/1.1\r\nHost: x\r\n\r\n\x16\x03garbage')
  while (door.seen.length === 0) await new Promise((resolve) => setImmediate(resolve))
  gate.resolve()
  const answer = await client.next()
  assert.deepEqual([answer?.status, answer?.headers.connection], [204, 'close'])
  assert.equal(await client.closed(), '')
})

test('requests past the concurrency limit are refused, and room is made again', async () => {
  const gate = Promise.withResolvers<void>()
  await using door = await openDoor({
    limits: { concurrent: 1 },
    handle: async () => {
      await gate.promise
      return { status: 204, headers: {}, body: Buffer.alloc(0) }
    },
  })
  const [first, second, third] = [RawClient.to(door), RawClient.to(door), RawClient.to(door)]
  const get = 'GET /v1/a HTTP/1.1\r\nHost: x\r\n\r\n'
  await first.send(get)
  while (door.edge.running === 0) await new Promise((resolve) => setImmediate(resolve))
  await second.send(get)
  assert.equal((await second.next())?.status, 503)
  gate.resolve()
  assert.equal((await first.next())?.status, 204)
  await third.send(get)
  assert.equal((await third.next())?.status, 204)
  for (const client of [first, second, third]) client.socket.destroy()
})

test('a client that leaves in the middle of a body leaves nothing behind', async () => {
  await using door = await openDoor()
  const client = RawClient.to(door)
  await client.send(`${post('Content-Length: 10')}01234`)
  while (door.edge.running === 0) await new Promise((resolve) => setImmediate(resolve))
  client.socket.resetAndDestroy()
  while (door.edge.running > 0) await new Promise((resolve) => setImmediate(resolve))
  assert.equal(door.seen.length, 0)
})

// What costs a client little must not cost the server much: bombs, floods and slow clients are refused in bounded memory, and the
// healthy client is answered all the while (CVE-2023-6337, CVE-2024-8185, CVE-2025-6203, CVE-2025-12044, CVE-2024-6468, CVE-2023-0665).
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { Agent, request } from 'node:http'
import { connect, type Socket } from 'node:net'
import { type TestContext, test } from 'node:test'
import { ask, folder, productionServer } from '../support/server.ts'

/** A heap that no bomb of ours would fit in, were it unpacked. */
const HEAP_MIB = 128
/** All memory of the worker, its heap, bodies on their way and password hashes included. */
const MEMORY_MIB = 700

interface Target {
  readonly address: string
  readonly port: number
  /** A healthy client reads what it wrote. */
  healthy(): Promise<void>
  metrics(): Promise<string>
}

async function target(t: TestContext, listener = ''): Promise<Target> {
  const env = { NODE_OPTIONS: `--max-old-space-size=${HEAP_MIB}` }
  const { address, process: child } = await productionServer(t, { at: folder(t), workers: 1, listener, env })
  const { body: keys } = await ask(address, 'PUT', 'sys/init', { secret_shares: 1, secret_threshold: 1 }, '')
  await ask(address, 'PUT', 'sys/unseal', { key: keys.keys[0] }, '')
  const token = keys.root_token
  for (const [path, body] of [
    ['sys/mounts/kv', { type: 'kv', options: { version: '2' } }],
    ['sys/auth/userpass', { type: 'userpass' }],
    ['sys/auth/approle', { type: 'approle' }],
    ['kv/data/a', { data: { answer: 42 } }],
  ] as const) {
    const { status } = await ask(address, 'POST', path, body, token)
    assert.ok(status < 300, path)
  }
  const [worker] = readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8').trim().split(' ')
  const at = { address, port: Number(new URL(address).port) }
  return {
    ...at,
    metrics: async () => (await ask(address, 'GET', 'sys/metrics?format=prometheus', undefined, token)).body,
    async healthy() {
      const { status, body } = await ask(address, 'GET', 'kv/data/a', undefined, token)
      assert.deepEqual([status, body.data?.data], [200, { answer: 42 }])
      const [, peak] = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${worker}/status`, 'utf8')) ?? []
      assert.ok(Number(peak) / 1024 < MEMORY_MIB, `the worker has used ${peak} kB`)
    },
  }
}

const agent = new Agent({ keepAlive: false })

/** The status of a request with a body of raw bytes; 0 where the connection was cut. */
function send({ port }: Target, method: string, path: string, body: Buffer = Buffer.alloc(0), headers: Record<string, string> = {}): Promise<number> {
  return new Promise((resolve) => {
    const sent = request(
      { port, host: '127.0.0.1', method, path: `/v1/${path}`, agent, headers: { 'X-Vault-Token': 'x', ...headers } },
      (response) => {
        response.resume().once('end', () => resolve(response.statusCode as number))
      },
    )
    sent.once('error', () => resolve(0)).end(body)
  })
}

const repeat = (text: string, bytes: number) => text.repeat(Math.floor(bytes / text.length))
const MIB = 1 << 20

const BOMBS: Readonly<Record<string, string>> = {
  'arrays in arrays': repeat('[', 12 * MIB),
  'objects in objects': repeat('{"a":', 12 * MIB),
  'empty objects': `[${repeat('{},', 12 * MIB)}0]`,
  numbers: `[${repeat('0,', 12 * MIB)}0]`,
  keys: `{${Array.from({ length: 1_000_000 }, (_, n) => `"k${n}":0`).join()}}`,
  'one string': `{"a":"${repeat('x', 12 * MIB)}"}`,
  'escaped quotes': `{"a":"${repeat('\\"', 12 * MIB)}"}`,
  'one number': `{"a":${repeat('9', 12 * MIB)}}`,
  'no end': `{"a":[${repeat('"x",', 12 * MIB)}`,
}

test('JSON bombs, one after the other and all at once', async (t) => {
  const server = await target(t)
  for (const [name, bomb] of Object.entries(BOMBS)) {
    const status = await send(server, 'POST', 'kv/data/b', Buffer.from(bomb))
    assert.ok([400, 403, 413].includes(status), `${name}: ${status}`)
    await server.healthy()
  }
  const logins = Object.values(BOMBS).map((bomb) => send(server, 'POST', 'auth/approle/login', Buffer.from(bomb)))
  await server.healthy()
  for (const status of await Promise.all(logins)) assert.ok([400, 403, 413, 429, 503].includes(status), String(status))
  await server.healthy()
})

test('heads that are too long, paths that are too long, parameters that are too many', async (t) => {
  const server = await target(t)
  const many = Object.fromEntries(Array.from({ length: 1000 }, (_, n) => [`X-${n}`, 'a']))
  const asked: readonly (readonly [string, Promise<number>, readonly number[]])[] = [
    ['headers', send(server, 'GET', 'kv/data/a', undefined, many), [431]],
    ['one header', send(server, 'GET', 'kv/data/a', undefined, { 'X-A': repeat('x', MIB) }), [431, 0]],
    ['a token', send(server, 'GET', 'kv/data/a', undefined, { 'X-Vault-Token': repeat('x', 9_000) }), [431]],
    ['a path', send(server, 'GET', repeat('a/', 8_000)), [400]],
    ['a longer path', send(server, 'GET', repeat('a', MIB)), [431, 0]],
    ['parameters', send(server, 'GET', `kv/data/a?${repeat('a=1&', 4_000)}`), [400]],
    ['a namespace', send(server, 'GET', 'kv/data/a', undefined, { 'X-Vault-Namespace': repeat('a/', 8_000) }), [400]],
    ['a form', send(server, 'POST', 'kv/data/a', Buffer.from(repeat('a=1&', MIB)), { 'Content-Type': 'application/x-www-form-urlencoded' }), [400]],
  ]
  for (const [name, status, expected] of asked) assert.ok(expected.includes(await status), `${name}: ${await status}`)
  await server.healthy()
})

/** Connections from an address of their own that have sent so much and no more. */
function slow({ port }: Target, count: number, start: string): Promise<Socket[]> {
  return Promise.all(
    Array.from(
      { length: count },
      () =>
        new Promise<Socket>((resolve, reject) => {
          const socket = connect({ port, host: '127.0.0.1', localAddress: '127.0.0.2' }, () => socket.write(start, () => resolve(socket)))
          socket.once('error', reject)
        }),
    ),
  )
}

/** The status line that each got before it was cut off; a client that was told leaves. */
function endings(sockets: readonly Socket[]): Promise<string[]> {
  const ending = (socket: Socket) =>
    new Promise<string>((resolve) => {
      let told = ''
      socket.on('data', (chunk) => {
        told += String(chunk)
        socket.destroy()
      })
      socket.on('error', () => {}).once('close', () => resolve(told.slice(0, 'HTTP/1.1 408'.length)))
    })
  return Promise.all(sockets.map(ending))
}

test('clients that never finish are cut off, and the healthy one is answered meanwhile', async (t) => {
  const server = await target(t, 'http_read_header_timeout = "1s"\n  http_read_timeout = "2s"')
  const heads = await slow(server, 400, 'GET /v1/kv/data/a HTTP/1.1\r\nHost: x\r\nX-A: ')
  const bodies = await slow(server, 400, 'POST /v1/kv/data/a HTTP/1.1\r\nHost: x\r\nX-Vault-Token: x\r\nContent-Length: 1000\r\n\r\n{"a":')
  const ended = endings([...heads, ...bodies])
  await server.healthy()
  const told = await ended
  assert.deepEqual([...new Set(told)], ['HTTP/1.1 408'])
  await server.healthy()
})

test('bodies that are begun and not ended take bounded memory', async (t) => {
  const server = await target(t, `max_request_memory = ${32 * MIB}\n  max_request_memory_per_client = ${16 * MIB}`)
  const head = `POST /v1/kv/data/a HTTP/1.1\r\nHost: x\r\nX-Vault-Token: x\r\nContent-Length: ${12 * MIB}\r\n\r\n`
  const sockets = await slow(server, 60, head)
  const ended = endings(sockets)
  for (const socket of sockets) socket.write(Buffer.alloc(4 * MIB))
  await Promise.race(sockets.map((socket) => new Promise((resolve) => socket.once('close', resolve))))
  await server.healthy()
  for (const socket of sockets) socket.destroy()
  const told = (await ended).filter((line) => line !== '')
  assert.deepEqual(new Set(told), new Set(['HTTP/1.1 429']))
  await server.healthy()
})

test('one address can not have all connections', async (t) => {
  const server = await target(t, 'max_connections = 2000\n  max_connections_per_client = 50')
  const sockets = await slow(server, 400, 'GET ')
  const told = endings(sockets.slice(50))
  await server.healthy()
  assert.deepEqual(new Set(await told), new Set(['HTTP/1.1 429']))
  assert.match(await server.metrics(), /^signet_edge_refused\{why="client-connections"\} 350$/m)
  for (const socket of sockets) socket.destroy()
})

test('logins of many unknown users wait in a bounded queue, and nobody waits for them', async (t) => {
  const server = await target(t)
  const told: number[] = []
  const full = Promise.withResolvers<void>()
  const login = async (name: string) => {
    const status = await send(server, 'POST', `auth/userpass/login/${name}`, Buffer.from('{"password":"x"}'), { 'X-Vault-Token': '' })
    told.push(status)
    if (status === 429) full.resolve()
  }
  const logins = Array.from({ length: 600 }, (_, n) => login(`nobody-${n}`))
  await full.promise
  await server.healthy()
  assert.ok(told.length < logins.length, 'the healthy client was answered before all of them')
  assert.ok(told.every((status) => status === 400 || status === 429))
})

// Many clients at once: who is sent away and how, who still gets in, and who a client is behind a proxy.
import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { connect as connectH2 } from 'node:http2'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { connect as connectTls } from 'node:tls'
import type { ProxyProtocol } from '../../src/app/introductions.ts'
import type { EdgeLimits } from '../../src/edge/limits.ts'
import { authority, first } from './certificates.ts'
import { openDoor, RawClient, type TestDoor } from './door.ts'

const get = (path: string, ...headers: string[]) => [`GET /v1/${path} HTTP/1.1`, 'Host: x', ...headers, '', ''].join('\r\n')
const TOKEN = 'X-Vault-Token: t'

/** A client of an address of its own. */
function from(door: TestDoor, address: string): RawClient {
  return new RawClient(connect({ port: door.listener.port, host: '127.0.0.1', localAddress: address }).setNoDelay(true))
}

/** A door whose requests wait until they are let go, and what it refused. */
async function openWaiting(limits: Partial<EdgeLimits>) {
  const gate = Promise.withResolvers<void>()
  const refused: string[] = []
  const handle = async () => {
    await gate.promise
    return { status: 204, headers: {}, body: Buffer.alloc(0) }
  }
  const door = await openDoor({ limits, handle, hooks: { refused: (why) => void refused.push(why) } })
  const running = async (count: number) => {
    while (door.seen.length < count) await new Promise((resolve) => setImmediate(resolve))
  }
  return { door, refused, running, letGo: gate.resolve, [Symbol.asyncDispose]: () => door[Symbol.asyncDispose]() }
}

test('a connection too many from one address is answered 429 and closed; others still come in', async () => {
  await using open = await openWaiting({ connectionsPerClient: 2, lingerMs: 20 })
  const { door, refused } = open
  const held = [from(door, '127.0.0.2'), from(door, '127.0.0.2')]
  for (const client of held) await client.send(get('a'))
  await open.running(2)
  const third = from(door, '127.0.0.2')
  await third.send(get('a'))
  const answer = await third.next()
  assert.deepEqual([answer?.status, answer?.headers['retry-after'], answer?.headers.connection], [429, '1', 'close'])
  assert.deepEqual(JSON.parse(answer?.body ?? ''), { errors: ['too many connections from this address'] })
  assert.equal(await third.closed(), '')
  open.letGo()
  const other = from(door, '127.0.0.3')
  await other.send(get('a'))
  assert.equal((await other.next())?.status, 204)
  assert.deepEqual([door.seen.length, refused], [3, ['client-connections']])
  for (const client of [...held, other]) client.socket.destroy()
})

test('requests without a token are fewer, and vital ones come through when nothing else does', async () => {
  await using open = await openWaiting({ concurrent: 3, anonymousPerClient: 1, lingerMs: 20 })
  const { door, refused } = open
  const ask = async (request: string, address = '127.0.0.2') => {
    const client = from(door, address)
    await client.send(request)
    return client
  }
  const held = [await ask(get('a'))]
  await open.running(1)
  assert.equal((await (await ask(get('b'))).next())?.status, 429)
  held.push(await ask(get('a', TOKEN)), await ask(get('a', TOKEN), '127.0.0.3'))
  await open.running(3)
  const full = await (await ask(get('a', TOKEN), '127.0.0.4')).next()
  assert.deepEqual([full?.status, full?.headers['retry-after'], JSON.parse(full?.body ?? '')], [503, '1', { errors: ['too many requests at once'] }])
  held.push(await ask(get('sys/health'), '127.0.0.4'))
  held.push(await ask('PUT /v1/auth/token/revoke-self HTTP/1.1\r\nHost: x\r\nX-Vault-Token: t\r\n\r\n', '127.0.0.4'))
  await open.running(5)
  open.letGo()
  for (const client of held) assert.equal((await client.next())?.status, 204)
  assert.deepEqual(refused, ['client-anonymous-requests', 'requests'])
  for (const client of held) client.socket.destroy()
})

test('bodies that are sent at once share a bounded memory, which is free again afterwards', async () => {
  await using open = await openWaiting({ bytes: 100, bytesPerClient: 80, lingerMs: 20 })
  const { door } = open
  const post = (size: number, body: string) => `POST /v1/a HTTP/1.1\r\nHost: x\r\n${TOKEN}\r\nContent-Length: ${size}\r\n\r\n${body}`
  const [first, second, third] = [from(door, '127.0.0.2'), from(door, '127.0.0.2'), from(door, '127.0.0.3')]
  await first.send(post(60, 'x'.repeat(60)))
  await open.running(1)
  await second.send(post(30, 'x'.repeat(30)))
  assert.equal((await second.next())?.status, 429)
  await third.send(post(50, 'x'.repeat(50)))
  assert.equal((await third.next())?.status, 503)
  open.letGo()
  assert.equal((await first.next())?.status, 204)
  await first.send(post(80, 'x'.repeat(80)))
  assert.equal((await first.next())?.status, 204)
  for (const client of [first, second, third]) client.socket.destroy()
})

test('close to the limit of all connections, answers end theirs', async () => {
  await using open = await openWaiting({ connections: 2 })
  const { door } = open
  open.letGo()
  const first = from(door, '127.0.0.2')
  await first.send(get('a'))
  assert.equal((await first.next())?.headers.connection, 'keep-alive')
  const second = from(door, '127.0.0.3')
  await second.send(get('a'))
  assert.equal((await second.next())?.headers.connection, 'close')
  assert.equal(await second.closed(), '')
  first.socket.destroy()
})

test('behind a proxy that is believed, clients are told apart by what it says', async () => {
  const forwarding = { authorized: ['127.0.0.2'], hopSkips: 0, rejectNotPresent: true, rejectNotAuthorized: true }
  await using door = await openDoor({ forwarding, limits: { connectionsPerClient: 1, lingerMs: 20 } })
  const [proxy, again, other] = [from(door, '127.0.0.2'), from(door, '127.0.0.2'), from(door, '127.0.0.3')]
  await proxy.send(get('a', 'X-Forwarded-For: 203.0.113.9, 192.0.2.1'), get('a', 'X-Forwarded-For: 192.0.2.2'))
  assert.deepEqual([(await proxy.next())?.status, (await proxy.next())?.status], [200, 200])
  await again.send(get('a', 'X-Forwarded-For: 192.0.2.3'))
  assert.equal((await again.next())?.status, 200, 'connections of a proxy are not counted')
  await other.send(get('a', 'X-Forwarded-For: 192.0.2.4'))
  assert.equal((await other.next())?.status, 400)
  assert.deepEqual(
    door.seen.map(({ peer }) => peer.address),
    ['192.0.2.1', '192.0.2.2', '192.0.2.3'],
  )
  for (const client of [proxy, again, other]) client.socket.destroy()
})

const believing = (behavior: ProxyProtocol['behavior'], authorized: string[] = []) => ({ proxyProtocol: { behavior, authorized } })
const PROXY = 'PROXY TCP4 192.0.2.1 198.51.100.1 54321 443\r\n'

test('the PROXY protocol names the client before its first byte, in one read or in many', async () => {
  await using door = await openDoor({}, believing('use_always'))
  const whole = RawClient.to(door)
  await whole.send(`${PROXY}${get('a')}`)
  assert.equal((await whole.next())?.status, 200)
  await whole.send('LIST /v1/b HTTP/1.1\r\nHost: x\r\n\r\n')
  assert.equal((await whole.next())?.status, 200)
  const pieces = RawClient.to(door)
  await pieces.send('PRO', 'XY TCP4 192.0.2.2 198.51.100.1 54321 4', '43\r', '\nGET /v1/a HT', 'TP/1.1\r\nHost: x\r\n\r\n')
  assert.equal((await pieces.next())?.status, 200)
  const none = RawClient.to(door)
  await none.send(get('a'))
  assert.equal((await none.next())?.status, 200)
  assert.deepEqual(
    door.seen.map(({ peer, verb }) => `${peer.address} ${verb}`),
    ['192.0.2.1 read', '192.0.2.1 list', '192.0.2.2 read', '127.0.0.1 read'],
  )
  const broken = RawClient.to(door)
  await broken.send(`PROXY TCP4 nobody\r\n${get('a')}`)
  assert.equal(await broken.closed(), '')
  for (const client of [whole, pieces, none]) client.socket.destroy()
})

test('who is believed depends on where the connection comes from', async () => {
  await using allowing = await openDoor({}, believing('allow_authorized', ['127.0.0.2']))
  await using denying = await openDoor({}, believing('deny_unauthorized', ['127.0.0.2']))
  const ask = async (door: TestDoor, address: string) => {
    const client = from(door, address)
    await client.send(`${PROXY}${get('a')}`)
    const answer = await client.next()
    client.socket.destroy()
    return answer && (door.seen.at(-1)?.peer.address ?? '')
  }
  assert.deepEqual([await ask(allowing, '127.0.0.2'), await ask(allowing, '127.0.0.3')], ['192.0.2.1', '127.0.0.3'])
  assert.deepEqual([await ask(denying, '127.0.0.2'), await ask(denying, '127.0.0.3')], ['192.0.2.1', undefined])
})

test('clients that a balancer names are counted by themselves, slow ones are cut off, and closing lets requests finish', async () => {
  await using door = await openDoor({ limits: { connectionsPerClient: 1, headMs: 30, lingerMs: 20 } }, believing('use_always'))
  const [first, second, third] = [RawClient.to(door), RawClient.to(door), RawClient.to(door)]
  await first.send(`${PROXY}${get('a')}`)
  assert.equal((await first.next())?.status, 200)
  await second.send(`${PROXY}${get('a')}`)
  assert.equal((await second.next())?.status, 429)
  await third.send(PROXY.replace('192.0.2.1', '192.0.2.9'), 'GET /v1/a HTTP/1.1\r\nX-A: ')
  assert.equal((await third.next())?.status, 408)
  const silent = RawClient.to(door)
  await silent.send('PRO')
  assert.equal(await silent.closed(), '')
  for (const client of [first, second, third]) client.socket.destroy()
})

test('the PROXY protocol goes before TLS, for HTTP/1.1 and HTTP/2', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'edge-'))
  const tls = { certFile: join(folder, 'cert.pem'), keyFile: join(folder, 'key.pem') }
  await writeFile(tls.certFile, first.cert)
  await writeFile(tls.keyFile, first.key)
  await using door = await openDoor({ limits: { connectionsPerClient: 1 } }, { tls, ...believing('use_always') })
  const introduced = (address: string) => {
    const socket = connect(door.listener.port, '127.0.0.1')
    socket.write(PROXY.replace('192.0.2.1', address))
    return socket
  }
  const shake = (address: string, protocol: string) =>
    connectTls({ socket: introduced(address), servername: 'localhost', ca: authority.cert, ALPNProtocols: [protocol] })
  const plain = new RawClient(shake('192.0.2.1', 'http/1.1') as never)
  await plain.send('LIST /v1/a HTTP/1.1\r\nHost: localhost\r\n\r\n')
  assert.equal((await plain.next())?.status, 200)
  const session = connectH2('https://localhost', { createConnection: () => shake('192.0.2.2', 'h2') })
  const stream = session.request({ ':path': '/v1/b' }).resume()
  await new Promise((resolve) => stream.once('end', resolve))
  assert.deepEqual(
    door.seen.map(({ peer, verb }) => `${peer.address} ${verb}`),
    ['192.0.2.1 list', '192.0.2.2 read'],
  )
  const again = introduced('192.0.2.1')
  await new Promise((resolve) => again.once('close', resolve).resume())
  session.close()
  plain.socket.destroy()
  await rm(folder, { recursive: true })
})

// TLS listeners: what they offer, whom they let in, and how they change certificates.
import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { connect as connectHttp2 } from 'node:http2'
import { request } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls'
import type { TlsFiles } from '../../src/app/tls.ts'
import { authority, client, first, intruder, second } from './certificates.ts'
import { openDoor, RawClient, type TestDoor } from './door.ts'

interface TlsDoor extends AsyncDisposable {
  readonly door: TestDoor
  readonly files: TlsFiles
}

async function openTls(more: Partial<TlsFiles> = {}): Promise<TlsDoor> {
  const folder = await mkdtemp(join(tmpdir(), 'edge-'))
  const files = { certFile: join(folder, 'cert.pem'), keyFile: join(folder, 'key.pem'), clientCaFile: join(folder, 'ca.pem') }
  await install(files, first)
  await writeFile(files.clientCaFile, authority.cert)
  const { clientCaFile, ...plain } = files
  const tls = {
    ...('clientCaFile' in more ? { ...plain, clientCaFile } : plain),
    ...(more.minVersion ? { minVersion: more.minVersion } : {}),
    ...(more.clientNeeded ? { clientNeeded: true } : {}),
    ...(more.clientUnasked ? { clientUnasked: true } : {}),
  }
  const door = await openDoor({}, { tls })
  const close = async (): Promise<void> => {
    await door[Symbol.asyncDispose]()
    await rm(folder, { recursive: true })
  }
  return { door, files: tls, [Symbol.asyncDispose]: close }
}

async function install(files: TlsFiles, { cert, key }: { cert: string; key: string }): Promise<void> {
  await writeFile(files.certFile, cert)
  await writeFile(files.keyFile, key)
}

/** Resolves after the handshake, or rejects; over TLS 1.3 a refusal by the server may come later. */
function shake(door: TestDoor, options: ConnectionOptions = {}): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port: door.listener.port, host: '127.0.0.1', servername: 'localhost', ca: authority.cert, ...options })
    socket.once('secureConnect', () => resolve(socket)).once('error', reject)
  })
}

const LIST = 'LIST /v1/a HTTP/1.1\r\nHost: localhost\r\n\r\n'

test('LIST over TLS, cut and kept alive, with HSTS', async () => {
  await using open = await openTls()
  const raw = new RawClient(await shake(open.door, { ALPNProtocols: ['http/1.1'] }))
  await raw.send(LIST, 'LI', LIST.slice(2), LIST + LIST)
  for (let i = 0; i < 4; i++) {
    const answer = await raw.next()
    assert.equal(JSON.parse(answer?.body ?? '').verb, 'list')
    assert.match(answer?.headers['strict-transport-security'] ?? '', /max-age=31536000/)
  }
  raw.socket.destroy()
})

test('a client without ALPN speaks HTTP/1.1', async () => {
  await using open = await openTls()
  const raw = new RawClient(await shake(open.door))
  await raw.send(LIST)
  assert.equal((await raw.next())?.status, 200)
  raw.socket.destroy()
})

test('plain HTTP to a TLS port is closed', async () => {
  await using open = await openTls()
  const raw = RawClient.to(open.door)
  await raw.send(LIST)
  assert.doesNotMatch(await raw.closed(), /HTTP/)
})

test('TLS 1.2 only with forward secrecy and authenticated encryption, nothing below', async () => {
  await using open = await openTls()
  const only = (ciphers: string, maxVersion: 'TLSv1.2' | 'TLSv1.1' = 'TLSv1.2') =>
    shake(open.door, { minVersion: 'TLSv1', maxVersion, ciphers: `${ciphers}:@SECLEVEL=0` })
  for (const good of ['ECDHE-ECDSA-AES128-GCM-SHA256', 'ECDHE-ECDSA-AES256-GCM-SHA384', 'ECDHE-ECDSA-CHACHA20-POLY1305']) {
    const socket = await only(good)
    assert.equal(socket.getCipher().name, good)
    socket.destroy()
  }
  for (const bad of ['ECDHE-ECDSA-AES128-SHA', 'ECDHE-ECDSA-AES128-SHA256', 'ECDHE-ECDSA-AES128-CCM8', 'AES128-GCM-SHA256']) {
    await assert.rejects(only(bad), bad)
  }
  await assert.rejects(only('ALL', 'TLSv1.1'))
})

test('TLS 1.3 alone where it is asked for', async () => {
  await using open = await openTls({ minVersion: 'TLSv1.3' })
  await assert.rejects(shake(open.door, { maxVersion: 'TLSv1.2' }))
  const socket = await shake(open.door)
  assert.equal(socket.getProtocol(), 'TLSv1.3')
  socket.destroy()
})

test('a reload serves the new certificate to new connections and leaves old ones be', async () => {
  await using open = await openTls()
  const before = await shake(open.door)
  assert.equal(before.getPeerCertificate().subject.CN, 'first')
  await install(open.files, second)
  open.door.listener.reload()
  const after = await shake(open.door)
  assert.equal(after.getPeerCertificate().subject.CN, 'second')
  assert.equal(after.getProtocol(), 'TLSv1.3')
  for (const socket of [before, after]) {
    const raw = new RawClient(socket)
    await raw.send(LIST)
    assert.equal((await raw.next())?.status, 200)
    socket.destroy()
  }
})

test('a reload of broken files throws, and the old certificate stays', async () => {
  await using open = await openTls()
  await writeFile(open.files.keyFile, 'not a key')
  assert.throws(() => open.door.listener.reload())
  await install(open.files, { cert: first.cert, key: second.key })
  assert.throws(() => open.door.listener.reload())
  const socket = await shake(open.door)
  assert.equal(socket.getPeerCertificate().subject.CN, 'first')
  socket.destroy()
})

test('a reload keeps asking for client certificates and refusing old suites', async () => {
  await using open = await openTls({ clientCaFile: '' })
  await install(open.files, second)
  open.door.listener.reload()
  await assertShutOut(open.door, intruder)
  await assert.rejects(shake(open.door, { maxVersion: 'TLSv1.2', ciphers: 'ECDHE-ECDSA-AES128-SHA' }))
})

async function assertShutOut(door: TestDoor, who: { cert?: string; key?: string }): Promise<void> {
  for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
    const socket = await shake(door, { ...who, maxVersion }).catch(() => undefined) // over TLS 1.2 the handshake itself fails
    if (!socket) continue
    const raw = new RawClient(socket)
    raw.socket.write(LIST)
    assert.equal(await raw.closed(), '')
  }
  assert.equal(door.seen.length, 0)
}

test('client certificates are optional, but a wrong one is shut out', async () => {
  await using open = await openTls({ clientCaFile: '' })
  await assertShutOut(open.door, intruder)
  for (const who of [{}, client]) {
    const raw = new RawClient(await shake(open.door, who))
    await raw.send(LIST)
    assert.equal((await raw.next())?.status, 200)
    raw.socket.destroy()
  }
})

/** Whether a second connection skips the full handshake with what the first was given. */
async function resumes(door: TestDoor, maxVersion: 'TLSv1.2' | 'TLSv1.3'): Promise<boolean> {
  const one = await shake(door, { maxVersion })
  let session: Buffer | undefined = one.getSession()
  one.on('session', (given: Buffer) => {
    session = given
  })
  const raw = new RawClient(one)
  await raw.send(LIST)
  await raw.next()
  const two = await shake(door, { maxVersion, ...(session ? { session } : {}) })
  const reused = two.isSessionReused()
  one.destroy()
  two.destroy()
  return reused
}

test('where a client certificate is needed, nobody gets in without one', async () => {
  await using open = await openTls({ clientCaFile: '', clientNeeded: true })
  await assertShutOut(open.door, intruder)
  await assertShutOut(open.door, {})
  const raw = new RawClient(await shake(open.door, client))
  await raw.send(LIST)
  assert.equal((await raw.next())?.status, 200)
  raw.socket.destroy()
})

test('sessions are resumed, except where client certificates are asked for', async () => {
  await using open = await openTls({ clientUnasked: true })
  await using mutual = await openTls()
  for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
    assert.equal(await resumes(open.door, version), true, version)
    assert.equal(await resumes(mutual.door, version), false, version)
  }
})

test('without authorities any certificate is taken, and handed on with its chain, over HTTP/1.1 and HTTP/2', async () => {
  await using open = await openTls()
  for (const who of [intruder, {}]) {
    const raw = new RawClient(await shake(open.door, who))
    await raw.send(LIST)
    await raw.next()
    raw.socket.destroy()
  }
  const session = connectHttp2(`https://127.0.0.1:${open.door.listener.port}`, { servername: 'localhost', ca: authority.cert, ...intruder })
  const stream = session.request({ ':path': '/v1/a' })
  await once(stream.resume(), 'end')
  session.close()
  const leaf = new X509Certificate(intruder.cert).raw
  assert.deepEqual(
    open.door.seen.map(({ peer }) => peer.chain?.map((one) => one.equals(leaf))),
    [[true], undefined, [true]],
  )
})

test('an ordinary HTTPS client', async () => {
  await using open = await openTls()
  const status = await new Promise((resolve, reject) => {
    request({ port: open.door.listener.port, host: '127.0.0.1', servername: 'localhost', path: '/v1/a', ca: authority.cert, agent: false }, (res) => {
      res.resume().on('end', () => resolve(res.statusCode))
    })
      .on('error', reject)
      .end()
  })
  assert.equal(status, 200)
})

// Logging in by the certificate of the connection: a real TLS listener before a whole server, over HTTP/1.1 and HTTP/2.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:http2'
import { request } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { json } from 'node:stream/consumers'
import { test } from 'node:test'
import { pem, toPem } from '../../src/crypto/certificate.ts'
import { exportSigningKey, newSigningKey } from '../../src/crypto/signing-key.ts'
import { parseSpiffeId } from '../../src/crypto/spiffe-id.ts'
import type { Spiffe } from '../../src/spiffe/rooms.ts'
import { openWorld } from '../../src/testing/world.ts'
import { authority, first, intruder } from './certificates.ts'
import { openDoor } from './door.ts'

async function open() {
  const world = await openWorld()
  await world.ok('write', 'sys/mounts/spiffe', { type: 'spiffe' })
  await world.ok('write', 'spiffe/config', { trust_domain: 'example.org' })
  await world.ok('write', 'sys/auth/spiffe', { type: 'spiffe' })
  await world.ok('write', 'auth/spiffe/role/web', { bound_spiffe_ids: 'spiffe://example.org/web', token_policies: 'web' })
  const folder = await mkdtemp(join(tmpdir(), 'svid-'))
  const tls = { certFile: join(folder, 'cert.pem'), keyFile: join(folder, 'key.pem') }
  await writeFile(tls.certFile, first.cert)
  await writeFile(tls.keyFile, first.key)
  const door = await openDoor({ handle: (received) => world.kernel.handle(received) }, { tls })
  return {
    rooms: world.kernel.spiffe() as Spiffe,
    server: { host: '127.0.0.1', port: door.listener.port, servername: 'localhost', ca: authority.cert },
    async [Symbol.asyncDispose]() {
      await door[Symbol.asyncDispose]()
      await world.close()
      await rm(folder, { recursive: true })
    },
  }
}

type Opened = Awaited<ReturnType<typeof open>>
interface Identity {
  readonly cert?: string
  readonly key?: string
}

function identity({ svids }: Spiffe): Identity {
  const key = newSigningKey('ec-p256')
  const id = parseSpiffeId('spiffe://example.org/web')
  const { chain } = svids.x509({ id, publicKey: key.publicKey, ttl: 0, dnsNames: [], subject: [] })
  return { cert: toPem(chain), key: pem('PRIVATE KEY', exportSigningKey(key)) }
}

/** What the server answers, over HTTP/1.1 and over HTTP/2. */
async function logIn({ server }: Opened, who: Identity, headers: Record<string, string> = {}): Promise<any[]> {
  const sent = request({ ...server, ...who, method: 'POST', path: '/v1/auth/spiffe/login', agent: false, headers })
  sent.end('{}')
  const [answer] = await once(sent, 'response')
  const one = await json(answer)
  const session = connect(`https://127.0.0.1:${server.port}`, { ...server, ...who })
  const stream = session.request({ ':method': 'POST', ':path': '/v1/auth/spiffe/login', ...headers })
  stream.end('{}')
  const two = await json(stream)
  session.close()
  return [one, two]
}

test("the certificate of the connection logs in; a stranger's, and none, do not", async () => {
  await using opened = await open()
  for (const { auth } of await logIn(opened, identity(opened.rooms))) assert.deepEqual(auth.policies, ['default', 'web'])
  for (const { errors } of await logIn(opened, intruder)) assert.deepEqual(errors, ['invalid X509-SVID: certificate contains no URI SAN'])
  for (const { errors } of await logIn(opened, {})) {
    assert.deepEqual(errors, ['no SVID: send jwt, or connect with the certificate of an X509-SVID'])
  }
})

test('a header says nothing of certificates', async () => {
  await using opened = await open()
  const { cert = '' } = identity(opened.rooms)
  const forged = { 'x-forwarded-client-cert': `Cert="${encodeURIComponent(cert)}"`, 'x-ssl-cert': encodeURIComponent(cert) }
  for (const { errors } of await logIn(opened, {}, forged)) assert.match(errors[0], /^no SVID/)
})

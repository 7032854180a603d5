// What SPIFFE_Federation.md demands of a bundle endpoint and of who fetches from one, statement by statement, over the wire.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { createServer, request } from 'node:https'
import type { AddressInfo } from 'node:net'
import { after, before, describe, test } from 'node:test'
import { connect, type ConnectionOptions, type TLSSocket } from 'node:tls'
import { formatBundle } from '../../src/crypto/bundle.ts'
import { NOTHING_REVOKED, verifyX509Svid } from '../../src/crypto/x509-svid.ts'
import { chainOf } from '../../src/edge/peer-chain.ts'
import { federating, openPublisher, type Publisher } from '../../src/testing/bundle-publisher.ts'
import type { World } from '../../src/testing/world.ts'

const PARTNER_ID = 'spiffe://partner.test/spire/server'
let published: Publisher
let home: World
/** Believes the authority of the web endpoint, too. */
let web: World
before(async () => {
  published = await openPublisher()
  home = await federating('example.org')
  web = await federating('example.org', { allowLocal: true, caFile: published.webFiles.certFile })
})
after(async () => {
  await published.close()
  for (const world of [home, web]) await world.close()
})

const ports = () => ({ https_spiffe: published.bySvid.port, https_web: published.byWeb.port })
const now = () => formatBundle(published.world.kernel.spiffe()?.authorities.bundle() as never)
const bySvid = (more: object = {}) => ({
  bundle_endpoint_url: `https://127.0.0.1:${published.bySvid.port}`,
  bundle_endpoint_profile: 'https_spiffe',
  endpoint_spiffe_id: PARTNER_ID,
  bundle: now(),
  ...more,
})
const byWeb = (url = `https://localhost:${published.byWeb.port}/`) => ({ bundle_endpoint_url: url, bundle_endpoint_profile: 'https_web' })

/** The error of the refresh; '' where it went well. */
async function refresh(world: World, relationship: object): Promise<string> {
  await world.ok('write', 'spiffe/federation/partner.test', { ...relationship })
  const { status, body } = await world.call('write', 'spiffe/federation/partner.test/refresh')
  return status === 204 ? '' : String(body.errors[0])
}

/** Asks as anybody would, with no certificate and no header but the one that HTTP needs. */
function get(port: number): Promise<{ status: number; type: string; body: Buffer }> {
  return new Promise((resolve, reject) => {
    const asked = request({ port, host: '127.0.0.1', path: '/', rejectUnauthorized: false, agent: false }, (answer) => {
      const chunks: Buffer[] = []
      answer.on('data', (chunk: Buffer) => chunks.push(chunk))
      answer.on('end', () => resolve({ status: answer.statusCode ?? 0, type: String(answer.headers['content-type']), body: Buffer.concat(chunks) }))
    })
    asked.once('error', reject).end()
  })
}

function dial(port: number, options: ConnectionOptions = {}): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false, ...options })
    socket.once('error', reject)
    socket.once('secureConnect', () => resolve(socket))
  })
}

describe('SPIFFE_Federation.md §5: bundle endpoints', () => {
  test('§5: clients MUST support both profiles, and servers MUST support at least one', async () => {
    assert.equal(await refresh(home, bySvid()), '')
    assert.equal(await refresh(web, byWeb()), '')
    for (const world of [home, web]) assert.ok((await world.ok('read', 'spiffe/bundles/partner.test')).data.x509_authorities.length > 0)
  })

  test('§5: servers MUST adhere to the Mozilla intermediate compatibility: TLS 1.2 at the least, and suites with forward secrecy and AEAD', async () => {
    for (const port of Object.values(ports())) {
      for (const minVersion of ['TLSv1.2', 'TLSv1.3'] as const) (await dial(port, { minVersion, maxVersion: minVersion })).destroy()
      const old: ConnectionOptions[] = [
        { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'ALL:@SECLEVEL=0' },
        { maxVersion: 'TLSv1.2', ciphers: 'ECDHE-ECDSA-AES128-SHA256' },
        { maxVersion: 'TLSv1.2', ciphers: 'ECDHE-ECDSA-AES256-SHA' },
        { maxVersion: 'TLSv1.2', ciphers: 'ECDHE-ECDSA-AES128-CCM8' },
      ]
      for (const options of old) await assert.rejects(dial(port, options), JSON.stringify(options))
    }
  })

  test('§5.2.1.3, §5.2.2.3: servers MUST NOT require client authentication, neither of TLS nor of HTTP', async () => {
    for (const port of Object.values(ports())) assert.equal((await get(port)).status, 200)
  })

  test('§5.2.1.3, §5.2.2.3: the server MUST respond with the most up-to-date version of the bundle available', async () => {
    const before = (now()['keys'] as object[]).length
    await published.world.ok('write', 'spiffe/authorities/jwt/prepare')
    for (const port of Object.values(ports())) assert.equal(JSON.parse((await get(port)).body.toString()).keys.length, before + 1)
  })

  test('§5.2.1.3, §5.2.2.3: the response MUST be encoded as UTF-8, and SHOULD be application/json', async () => {
    for (const port of Object.values(ports())) {
      const { type, body } = await get(port)
      assert.equal(type, 'application/json')
      const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(body)
      assert.ok(text.startsWith('{'))
    }
  })

  test('§5.2.2.3: the certificate of an https_spiffe server MUST be a valid X509-SVID', async () => {
    const socket = await dial(published.bySvid.port)
    const { x509Authorities } = published.world.kernel.spiffe()?.authorities.bundle() ?? { x509Authorities: [] }
    const { id } = verifyX509Svid(chainOf(socket), Date.now(), (asked) => (asked === 'partner.test' ? x509Authorities : undefined), NOTHING_REVOKED)
    socket.destroy()
    assert.equal(id, PARTNER_ID)
  })

  test('§5.2.1.4: the certificate of an https_web server MUST be issued by a locally trusted authority', async () => {
    assert.match(await refresh(home, byWeb()), /self-signed|unable to verify/)
    assert.equal(await refresh(web, byWeb()), '')
  })

  test('§5.2.1.4: and it MUST have a name that matches the host of the configured URL', async () => {
    assert.match(await refresh(web, byWeb(`https://127.0.0.1:${published.byWeb.port}/`)), /127\.0\.0\.1/)
  })

  test('§5.2.2.4: it MUST be validated that the server has a valid X509-SVID of the SPIFFE ID that was provided', async () => {
    for (const other of ['spiffe://partner.test/other', 'spiffe://partner.test/spire/server/x']) {
      assert.match(await refresh(home, bySvid({ endpoint_spiffe_id: other })), /the endpoint is spiffe:\/\/partner\.test\/spire\/server, not/)
    }
    assert.match(await refresh(home, bySvid({ bundle: await home.ok('read', 'spiffe/bundle') })), /unknown authority/)
    assert.notEqual(await refresh(home, bySvid({ bundle_endpoint_url: `https://127.0.0.1:${published.byWeb.port}/` })), '')
    await home.ok('write', 'spiffe/bundles/partner.test', { bundle: now() })
  })

  test('§5.2.1.4, §5.2.2.4: when following redirects the same TLS considerations MUST be applied: none is followed', async (t) => {
    const { certFile, keyFile } = published.webFiles
    const location = `https://localhost:${published.byWeb.port}/`
    const server = createServer({ cert: readFileSync(certFile), key: readFileSync(keyFile) }, (_, res) => res.writeHead(302, { location }).end())
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    t.after(() => server.close().closeAllConnections())
    assert.match(await refresh(web, byWeb(`https://localhost:${(server.address() as AddressInfo).port}/`)), /redirects, which is refused/)
  })
})

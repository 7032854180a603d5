import assert from 'node:assert/strict'
import { readFileSync, rmSync } from 'node:fs'
import type { RequestListener } from 'node:http'
import { createServer, request, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { after, before, describe, test } from 'node:test'
import { formatBundle } from '../crypto/bundle.ts'
import { federating, openPublisher, type Publisher } from '../testing/bundle-publisher.ts'
import type { World } from '../testing/world.ts'
import type { BundleEndpoint } from './bundle-endpoint.ts'

const PARTNER_ID = 'spiffe://partner.test/spire/server'

describe('federation over the wire', () => {
  let published: Publisher
  let partner: World
  let home: World
  let endpoint: BundleEndpoint
  let web: BundleEndpoint
  const servers: Server[] = []

  before(async () => {
    published = await openPublisher()
    ;({ world: partner, bySvid: endpoint, byWeb: web } = published)
    home = await federating('example.org')
  })
  after(async () => {
    for (const server of servers) server.close().closeAllConnections()
    await published.close()
    await home.close()
  })

  const bundle = () => formatBundle(partner.kernel.spiffe()?.authorities.bundle() as never)
  const bySvid = (more: object = {}) => ({
    bundle_endpoint_url: `https://127.0.0.1:${endpoint.port}`,
    bundle_endpoint_profile: 'https_spiffe',
    endpoint_spiffe_id: PARTNER_ID,
    bundle: bundle(),
    ...more,
  })
  const byWeb = (port: number) => ({ bundle_endpoint_url: `https://localhost:${port}/`, bundle_endpoint_profile: 'https_web' })

  /** The error of the refresh; '' where it went well. */
  async function refresh(world: World, relationship: object): Promise<string> {
    await world.ok('write', 'spiffe/federation/partner.test', { ...relationship })
    const { status, body } = await world.call('write', 'spiffe/federation/partner.test/refresh')
    return status === 204 ? '' : String(body.errors[0])
  }

  /** An endpoint of the web that answers what it is told to. */
  async function webServer(listener: RequestListener): Promise<number> {
    const server = createServer({ cert: readFileSync(published.webFiles.certFile), key: readFileSync(published.webFiles.keyFile) }, listener)
    servers.push(server)
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    return (server.address() as AddressInfo).port
  }

  const trustingWeb = () => federating('example.org', { allowLocal: true, caFile: published.webFiles.certFile })

  test('by SVID: the bundle arrives, and follows a rotation', async () => {
    assert.equal(await refresh(home, bySvid()), '')
    const { data: next } = await partner.ok('write', 'spiffe/authorities/x509/prepare')
    assert.equal(await refresh(home, bySvid()), '')
    await partner.ok('write', 'spiffe/authorities/x509/activate', { authority_id: next.authority_id })
    const { bundle: _, ...unchanged } = bySvid()
    assert.equal(await refresh(home, unchanged), '')
    const { data } = await home.ok('read', 'spiffe/bundles/partner.test')
    assert.deepEqual([data.x509_authorities.length, data.refresh_hint], [2, 77])
    const audited = partner.audit('stdout')
    assert.ok(audited.length === 0 || audited.some(({ request: { path } }) => path === 'spiffe/bundle'))
  })

  test('by SVID: another ID than the named one is refused, and so is another authority', async () => {
    const other = 'spiffe://partner.test/bundle-server'
    assert.match(await refresh(home, bySvid({ endpoint_spiffe_id: other })), new RegExp(`the endpoint is ${PARTNER_ID}, not ${other}`))
    const { data } = await home.ok('read', 'spiffe/config')
    assert.equal(data.trust_domain, 'example.org')
    const ours = await home.ok('read', 'spiffe/bundle')
    assert.match(await refresh(home, bySvid({ bundle: ours })), /unknown authority/)
    await home.ok('write', 'spiffe/bundles/partner.test', { bundle: bundle() })
  })

  test('by the web: only where its authority is believed', async () => {
    assert.match(await refresh(home, byWeb(web.port)), /self-signed|unable to verify/)
    const world = await trustingWeb()
    assert.equal(await refresh(world, byWeb(web.port)), '')
    const { data } = await world.ok('read', 'spiffe/federation/partner.test')
    assert.deepEqual([data.state, data.last_error], ['ok', ''])
    assert.match(await refresh(world, { ...byWeb(web.port), bundle_endpoint_url: `https://127.0.0.1:${web.port}/` }), /127\.0\.0\.1/)
    await world.close()
  })

  test('addresses of this machine and its link are refused unless they are allowed', async () => {
    const world = await federating('example.org', { allowLocal: false })
    for (const host of ['127.0.0.1', 'localhost', '[::1]', '[::ffff:127.0.0.1]', '0.0.0.0', '169.254.169.254', '[fe80::1]', '2130706433']) {
      assert.match(await refresh(world, bySvid({ bundle_endpoint_url: `https://${host}:${endpoint.port}/` })), /is not allowed/, host)
    }
    await world.close()
  })

  test('redirects, other answers, too much and no bundle are refused', async () => {
    const world = await trustingWeb()
    const from = async (listener: RequestListener) => refresh(world, byWeb(await webServer(listener)))
    const location = `https://localhost:${web.port}/`
    assert.match(await from((_, res) => res.writeHead(307, { location }).end()), /redirects, which is refused/)
    assert.match(await from((_, res) => res.writeHead(500).end('secret')), /answers with status 500$/)
    assert.match(await from((_, res) => res.end(Buffer.alloc(600 << 10, 0x20))), /more than 524288 bytes/)
    assert.match(await from((_, res) => res.end('{"keys":1}')), /no authorities/)
    assert.match(await from((_, res) => res.socket?.destroy()), /socket hang up|ECONNRESET/)
    assert.match(await refresh(world, byWeb(1)), /ECONNREFUSED/)
    assert.equal((await world.call('read', 'spiffe/bundles/partner.test')).status, 404)
    await world.close()
  })

  function ask(method: string, path: string, headers: Record<string, string> = {}): Promise<{ status: number; body: string; type: string }> {
    return new Promise((resolve, reject) => {
      const asked = request({ port: endpoint.port, host: '127.0.0.1', method, path, headers, rejectUnauthorized: false, agent: false }, (answer) => {
        const chunks: Buffer[] = []
        answer.on('data', (chunk: Buffer) => chunks.push(chunk))
        answer.on('end', () =>
          resolve({ status: answer.statusCode ?? 0, body: Buffer.concat(chunks).toString(), type: String(answer.headers['content-type']) }),
        )
      })
      asked.on('error', reject).end()
    })
  }

  test('the endpoint answers GET / and nothing else', async () => {
    const { status, body, type } = await ask('GET', '/')
    assert.deepEqual([status, type, JSON.parse(body).spiffe_refresh_hint], [200, 'application/json', 77])
    for (const method of ['POST', 'HEAD', 'DELETE']) assert.equal((await ask(method, '/')).status, 405)
    for (const path of ['/bundle', '/v1/sys/health', '/v1/spiffe/config', '//']) assert.equal((await ask('GET', path)).status, 404, path)
  })

  test('a certificate of the web is read anew, and a broken one is not taken', async () => {
    const world = await trustingWeb()
    assert.equal(await refresh(world, byWeb(web.port)), '')
    published.renewCertificate()
    assert.match(await refresh(world, byWeb(web.port)), /./)
    web.reload()
    assert.equal(await refresh(world, byWeb(web.port)), '')
    rmSync(published.webFiles.keyFile)
    assert.throws(() => web.reload(), /tls_key_file/)
    assert.equal(await refresh(world, byWeb(web.port)), '')
    await world.close()
  })

  test('a sealed server publishes nothing', async () => {
    await partner.ok('write', 'sys/seal')
    await assert.rejects(ask('GET', '/'))
  })
})

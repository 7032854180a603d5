import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { encodeName, fromPem, issueCertificate, pem, toPem } from '../crypto/certificate.ts'
import { namesOfCsr, publicKeyOfCsr } from '../crypto/csr.ts'
import { newSigningKey } from '../crypto/signing-key.ts'
import { parseSpiffeId } from '../crypto/spiffe-id.ts'
import { NOTHING_REVOKED, verifyX509Svid } from '../crypto/x509-svid.ts'
import type { Upstream, UpstreamRequest } from '../spiffe/upstream.ts'
import { openTrustDomain, type TrustDomainBench } from '../testing/trust-domain.ts'
import { openUpstream } from './upstream.ts'

const ports = { clock: { now: () => Date.now(), monotonic: () => 0 }, random: { bytes: randomBytes } }
const ID = parseSpiffeId('spiffe://example.org/web')
const HOUR = 3_600_000

describe('upstream authorities', () => {
  const dir = mkdtempSync(join(tmpdir(), 'signet-upstream-'))
  const file = (name: string) => join(dir, name)
  const servers: Server[] = []
  after(() => {
    for (const server of servers) server.close().closeAllConnections()
    rmSync(dir, { recursive: true })
  })

  const EXTENSIONS = ['-addext', 'basicConstraints=critical,CA:TRUE', '-addext', 'keyUsage=critical,keyCertSign,cRLSign']
  const openssl = (...args: string[]) => execFileSync('openssl', args, { stdio: ['ignore', 'pipe', 'ignore'] })

  /** A root, and an authority below it, as files: root.pem, ca.pem, ca.key. */
  function makeFiles(kind: 'ec' | 'rsa' = 'ec'): void {
    const key = kind === 'ec' ? ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-384'] : ['-newkey', 'rsa:2048']
    openssl(
      'req',
      '-x509',
      ...key,
      '-nodes',
      '-days',
      '30',
      '-subj',
      '/O=Example/CN=root',
      '-keyout',
      file('root.key'),
      '-out',
      file('root.pem'),
      ...EXTENSIONS,
    )
    const below = ['req', '-x509', '-CA', file('root.pem'), '-CAkey', file('root.key'), ...key, '-nodes', '-days', '20', '-subj', '/CN=between']
    openssl(...below, '-keyout', file('ca.key'), '-out', file('ca.pem'), ...EXTENSIONS)
  }

  const disk = (more: object = {}) =>
    openUpstream({ kind: 'disk', certFile: file('root.pem'), keyFile: file('root.key'), bundleFile: undefined, ...more }, ports)

  /** What another program signs a moment later has begun by then; what is signed here is predated by more. */
  const AHEAD = 5_000

  async function trusting(upstream: Upstream): Promise<TrustDomainBench> {
    const bench = await openTrustDomain('', undefined, upstream)
    bench.clock.set(Date.now() + AHEAD)
    await bench.ask('write', 'config', { trust_domain: 'example.org' })
    return bench
  }

  function svidOf({ rooms }: TrustDomainBench): readonly Buffer[] {
    const { chain } = rooms.svids.x509({ id: ID, publicKey: newSigningKey('ec-p256').publicKey, ttl: 600, dnsNames: ['web'], subject: [] })
    return chain
  }

  for (const kind of ['ec', 'rsa'] as const) {
    test(`on this machine, a root itself (${kind}): SVIDs are good for whoever trusts it`, async () => {
      makeFiles(kind)
      const bench = await trusting(disk())
      const { x509Authorities } = bench.rooms.authorities.bundle()
      assert.deepEqual(x509Authorities, fromPem(readFileSync(file('root.pem'), 'utf8')))
      const chain = svidOf(bench)
      assert.equal(chain.length, 2)
      assert.equal(verifyX509Svid(chain, Date.now(), () => x509Authorities, NOTHING_REVOKED).id, ID)
      writeFileSync(file('leaf.pem'), toPem(chain.slice(0, 1)))
      writeFileSync(file('chain.pem'), toPem(chain.slice(1)))
      openssl('verify', '-x509_strict', '-CAfile', file('root.pem'), '-untrusted', file('chain.pem'), file('leaf.pem'))
    })
  }

  test('on this machine, below a root', async () => {
    makeFiles()
    const bench = await trusting(disk({ certFile: file('ca.pem'), keyFile: file('ca.key'), bundleFile: file('root.pem') }))
    const chain = svidOf(bench)
    assert.equal(chain.length, 3)
    assert.equal(verifyX509Svid(chain, Date.now(), () => fromPem(readFileSync(file('root.pem'), 'utf8')), NOTHING_REVOKED).id, ID)
  })

  const SIGN = ['x509', '-req', '-inform', 'DER', '-days', '5', '-outform', 'DER']
  /** As some do: without the right to sign revocation lists. */
  const listless: Upstream = {
    async sign({ csr }) {
      writeFileSync(file('request.der'), csr)
      writeFileSync(file('usage'), 'basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign\nsubjectAltName=URI:spiffe://example.org\n')
      const by = ['-in', file('request.der'), '-CA', file('root.pem'), '-CAkey', file('root.key'), '-extfile', file('usage')]
      return { chain: [openssl(...SIGN, ...by)], roots: fromPem(readFileSync(file('root.pem'), 'utf8')) }
    },
  }

  test('their authorities have revocation lists of their own, but none that says it has all', async () => {
    makeFiles()
    const bench = await trusting(disk())
    const { data } = await bench.ask('read', 'agent/crls')
    assert.equal(data['complete'], false)
    const [authority] = bench.rooms.authorities.set().x509
    writeFileSync(file('between.pem'), toPem((authority?.chain ?? []).map((one) => Buffer.from(one, 'base64'))))
    const chain = svidOf(bench)
    writeFileSync(file('leaf.pem'), toPem(chain.slice(0, 1)))
    const checked = () => {
      writeFileSync(file('crl.pem'), pem('X509 CRL', bench.rooms.crls.all()[0]?.der ?? Buffer.alloc(0)))
      const by = ['-CAfile', file('root.pem'), '-untrusted', file('between.pem'), '-CRLfile', file('crl.pem')]
      return spawnSync('openssl', ['verify', '-crl_check', ...by, file('leaf.pem')], { encoding: 'utf8' }).stderr
    }
    assert.equal(checked(), '')
    assert.equal((await bench.ask('write', 'svid/revoke', { certificate: toPem(chain) })).data['revoked'], 1)
    assert.match(checked(), /certificate revoked/)
  })

  test('one that lets ours sign no lists is believed, and what ours signs is revoked by this server alone', async () => {
    makeFiles()
    const bench = await trusting(listless)
    const chain = svidOf(bench)
    await bench.rooms.sweep()
    assert.deepEqual(bench.rooms.crls.all(), [])
    assert.equal((await bench.ask('write', 'svid/revoke', { certificate: toPem(chain) })).data['revoked'], 1)
    await assert.rejects(bench.ask('write', 'svid/validate', { certificate: toPem(chain) }), /certificate is revoked/)
    await bench.rooms.sweep()
    assert.deepEqual([bench.rooms.crls.all(), (await bench.ask('list', 'svid/revoked')).keys.length], [[], 1])
  })

  test('several roots are all published, and one root once', async () => {
    makeFiles()
    const other = newSigningKey('ec-p256')
    const spec = {
      subject: [['CN', 'other']] as const,
      publicKey: other.publicKey,
      notBefore: Date.now() - 1000,
      notAfter: Date.now() + 30 * 24 * HOUR,
      uris: [],
      dnsNames: [],
    }
    const name = encodeName(spec.subject)
    writeFileSync(
      file('roots.pem'),
      readFileSync(file('root.pem'), 'utf8') + toPem([issueCertificate({ ...spec, authority: true }, { key: other, name }, ports.random)]),
    )
    const bench = await trusting(disk({ bundleFile: file('roots.pem') }))
    await bench.ask('write', 'authorities/x509/prepare')
    assert.equal(bench.rooms.authorities.bundle().x509Authorities.length, 2)
  })

  test('files that can’t be used are told of, and nothing is issued', async () => {
    makeFiles()
    writeFileSync(file('empty.pem'), '')
    openssl('genpkey', '-algorithm', 'ed25519', '-out', file('ed.key'))
    for (const [more, text] of [
      [{ certFile: file('none.pem') }, /none\.pem: no such file/],
      [{ certFile: file('empty.pem') }, /holds no certificate in PEM/],
      [{ keyFile: file('empty.pem') }, /holds no private key in PEM/],
      [{ keyFile: file('ca.key') }, /is not the key of the certificate/],
      [{ keyFile: file('ed.key') }, /of a kind that is not offered/],
      [{ certFile: file('ca.pem'), keyFile: file('ca.key') }, /is no root: bundle_file is needed/],
      [{ bundleFile: file('empty.pem') }, /gave no root/],
      [{ bundleFile: file('ca.pem') }, /unknown authority/],
    ] as const) {
      const bench = await openTrustDomain('', undefined, disk(more))
      bench.clock.set(Date.now())
      await assert.rejects(bench.ask('write', 'config', { trust_domain: 'example.org' }), text)
      assert.deepEqual(bench.rooms.authorities.set().x509, [])
    }
  })

  test('an answer is believed only where it is an authority for this key and this trust domain', async () => {
    makeFiles()
    const honest = disk()
    const other = newSigningKey('ec-p256').publicKey
    const lies: readonly [RegExp, (request: UpstreamRequest) => UpstreamRequest][] = [
      [/is of another key/, (request) => ({ ...request, publicKey: other })],
      [/names "spiffe:\/\/other\.org" and not "spiffe:\/\/example\.org"/, (request) => ({ ...request, uris: ['spiffe://other.org'] })],
      [/names "spiffe:\/\/example\.org\/web"/, (request) => ({ ...request, uris: [ID] })],
    ]
    for (const [text, lie] of lies) await assert.rejects(trusting({ sign: (request) => honest.sign(lie(request)) }), text)
    const leaf: Upstream = {
      sign: async (request) => ({
        chain: [(await trusting(honest)).rooms.svids.x509({ ...request, id: ID, dnsNames: [] }).chain[0] as Buffer],
        roots: [Buffer.alloc(0)],
      }),
    }
    await assert.rejects(trusting(leaf), /CA flag set to false/)
    const nobody: Upstream = { sign: async (request) => ({ ...(await honest.sign(request)), roots: fromPem(readFileSync(file('ca.pem'), 'utf8')) }) }
    await assert.rejects(trusting(nobody), /unknown authority/)
  })

  /** The pki engine of another server, as far as its public API says. */
  async function pki(answer: (request: IncomingMessage, body: any) => { status: number; body: unknown }): Promise<Upstream> {
    const server = createServer((request, response) => {
      const chunks: Buffer[] = []
      request.on('data', (chunk: Buffer) => chunks.push(chunk))
      request.on('end', () => {
        const { status, body } = answer(request, JSON.parse(Buffer.concat(chunks).toString()))
        response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
      })
    })
    servers.push(server)
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    writeFileSync(file('token'), 'hvs.upstream\n')
    const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    return openUpstream({ kind: 'vault', address, mount: 'pki_int', tokenFile: file('token'), namespace: 'team', caFile: undefined }, ports)
  }

  test('the pki engine of another server', async () => {
    makeFiles()
    const asked: unknown[] = []
    const upstream = await pki(({ method, url, headers }, body) => {
      asked.push([method, url, headers['x-vault-token'], headers['x-vault-namespace'], body.ttl, body.use_csr_values])
      const csr = Buffer.from(String(body.csr).replace(/-----[^-]+-----|\s/g, ''), 'base64')
      writeFileSync(file('in.csr'), String(body.csr))
      const { uris } = namesOfCsr(csr)
      assert.deepEqual([uris, publicKeyOfCsr(csr).length > 0], [['spiffe://example.org'], true])
      const sign = ['x509', '-req', '-in', file('in.csr'), '-CA', file('ca.pem'), '-CAkey', file('ca.key'), '-days', '1', '-extfile', file('ext')]
      writeFileSync(
        file('ext'),
        'basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\nsubjectAltName=URI:spiffe://example.org\n',
      )
      const certificate = openssl(...sign).toString()
      const [between, root] = ['ca.pem', 'root.pem'].map((name) => readFileSync(file(name), 'utf8'))
      return { status: 200, body: { data: { certificate, issuing_ca: between, ca_chain: [certificate, between, root], serial_number: '01' } } }
    })
    const bench = await trusting(upstream)
    const chain = svidOf(bench)
    assert.equal(chain.length, 3)
    assert.equal(verifyX509Svid(chain, Date.now(), () => fromPem(readFileSync(file('root.pem'), 'utf8')), NOTHING_REVOKED).id, ID)
    assert.deepEqual(asked, [['POST', '/v1/pki_int/root/sign-intermediate', 'hvs.upstream', 'team', '86400s', true]])
  })

  test('what another server refuses or garbles is told without its words', async () => {
    for (const [status, body, text] of [
      [403, { errors: ['permission denied: secret'] }, /does not sign: pki_int\/root\/sign-intermediate answers 403$/],
      [200, { data: {} }, /the answer has no certificate/],
      [200, [], /the answer has no certificate/],
    ] as const) {
      const upstream = await pki(() => ({ status, body }))
      await assert.rejects(trusting(upstream), text)
    }
    const away = openUpstream(
      { kind: 'vault', address: 'http://127.0.0.1:1', mount: 'pki', tokenFile: file('token'), namespace: '', caFile: undefined },
      ports,
    )
    await assert.rejects(trusting(away), /ECONNREFUSED/)
  })

  test('while it fails, the authority that is there goes on, and it is asked less and less often', async () => {
    makeFiles()
    const honest = disk()
    let asked = 0
    let fails = false
    const bench = await trusting({
      sign(request) {
        asked++
        return fails ? Promise.reject(new Error('away')) : honest.sign(request)
      },
    })
    const { authorities } = bench.rooms
    const before = authorities.signer('x509').authority.id
    fails = true
    bench.clock.advance(13 * HOUR)
    for (let minute = 0; minute < 120; minute++) {
      await bench.rooms.sweep()
      bench.clock.advance(60_000)
    }
    assert.ok(asked > 4 && asked < 12, `asked ${asked} times in two hours`)
    assert.equal(authorities.signer('x509').authority.id, before)
    fails = false
    bench.clock.advance(HOUR)
    await bench.rooms.sweep()
    await new Promise((resolve) => setImmediate(resolve))
    assert.deepEqual(
      authorities.set().x509.map(({ state }) => state),
      ['active', 'prepared'],
    )
  })

  test('an upstream authority that signs no more is tainted, and revoked with all that it signed', async () => {
    makeFiles()
    const bench = await trusting(disk())
    const { authorities } = bench.rooms
    const [first] = authorities.set().x509
    const upstreamId = String(first?.upstreamId)
    await assert.rejects(bench.ask('write', 'authorities/upstream/taint', { subject_key_id: upstreamId }), /signed old authorities alone/)
    await assert.rejects(
      bench.ask('write', 'authorities/upstream/taint', { subject_key_id: 'ab' }),
      /no upstream authority has the subject key ID "ab"/,
    )
    await assert.rejects(bench.ask('write', 'authorities/upstream/taint'), /no upstream authority/)
    makeFiles()
    const { data: next } = await bench.ask('write', 'authorities/x509/prepare')
    await bench.ask('write', 'authorities/x509/activate', { authority_id: next['authority_id'] as string })
    await assert.rejects(
      bench.ask('write', 'authorities/x509/taint', { authority_id: String(first?.id) }),
      /can't be tainted if there is an upstream/,
    )
    await assert.rejects(
      bench.ask('write', 'authorities/x509/revoke', { authority_id: String(first?.id) }),
      /can't be revoked if there is an upstream/,
    )
    await bench.ask('write', 'authorities/upstream/taint', { subject_key_id: upstreamId })
    await assert.rejects(bench.ask('write', 'authorities/upstream/taint', { subject_key_id: upstreamId }), /tainted already/)
    const tainted = async () =>
      ((await bench.ask('read', 'agent/bundle')).data['x509_authorities'] as { tainted: boolean }[]).map((one) => one.tainted)
    assert.deepEqual(await tainted(), [true, false])
    await bench.ask('write', 'authorities/upstream/revoke', { subject_key_id: upstreamId })
    assert.deepEqual(await tainted(), [false])
    assert.equal(authorities.bundle().x509Authorities.length, 1)
  })
})

import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { after, before, beforeEach, describe, test } from 'node:test'
import { HEALTH, HealthRequest, HealthResponse } from '../agent/health.ts'
import * as wire from '../agent/workload/messages.ts'
import { Failure } from '../cli/failure.ts'
import { silent } from '../base/log.ts'
import { fromPem } from '../crypto/certificate.ts'
import { DerReader } from '../crypto/der.ts'
import { NOTHING_REVOKED, verifyX509Svid } from '../crypto/x509-svid.ts'
import { memoryDrawer } from '../testing/agent-domain.ts'
import { ME, NODE, openServedNode, refused, type ServedNode } from '../testing/served-node.ts'
import { runWith } from '../testing/cli-ports.ts'
import { STATUS } from '../wire/grpc.ts'
import type { Conversation } from '../wire/grpc-client.ts'
import { runAgent } from './agent.ts'
import { ports } from './ports.ts'

const HEADERS = { metadata: { 'workload.spiffe.io': 'true' } }
const at = (method: string) => `/SpiffeWorkloadAPI/${method}`

describe('the Workload API', () => {
  let node: ServedNode
  let entry: string
  before(async () => {
    node = await openServedNode()
  })
  after(() => node.close())
  beforeEach(async () => {
    entry = await node.begin('/me', { hint: 'main' })
  })

  function x509(options = HEADERS): Conversation<object, any> {
    const talk = node.client.converse(at('FetchX509SVID'), wire.X509SvidRequest, wire.X509SvidResponse, options)
    talk.send({})
    return talk
  }

  const jwt = (audience: string[], spiffeId = '') =>
    node.client.ask(at('FetchJWTSVID'), wire.JwtSvidRequest, wire.JwtSvidResponse, { audience, spiffeId }, HEADERS)
  const validate = (audience: string, svid: string) =>
    node.client.ask(at('ValidateJWTSVID'), wire.ValidateRequest, wire.ValidateResponse, { audience, svid }, HEADERS)

  test('a workload gets its identity, with its key and the bundle to check others by', async () => {
    const talk = x509()
    const { svids, federatedBundles } = await talk.next()
    talk.cancel()
    assert.equal(svids.length, 1)
    assert.deepEqual([svids[0].spiffeId, svids[0].hint, federatedBundles], ['spiffe://example.org/me', 'main', {}])
    const reader = new DerReader(svids[0].x509Svid)
    const { id } = verifyX509Svid([reader.next().whole], node.domain.clock.now(), () => [svids[0].bundle], NOTHING_REVOKED)
    assert.equal(id, 'spiffe://example.org/me')
  })

  test('a stream tells of every change, and of nothing else', async () => {
    const talk = x509()
    await talk.next()
    await node.domain.entry(NODE, '/more', ME, { id: 'zz', hint: 'second' })
    const news = talk.next()
    await node.looked(entry, 'zz')
    assert.deepEqual((await news).svids.map(({ spiffeId }: { spiffeId: string }) => spiffeId).sort(), [
      'spiffe://example.org/me',
      'spiffe://example.org/more',
    ])
    for (const id of [entry, 'zz']) await node.domain.world.ok('delete', `spiffe/entries/${id}`)
    const last = talk.next().then((value) => (value === undefined ? undefined : talk.next()))
    await Promise.all([assert.rejects(last, refused(STATUS.denied, 'no identity issued')), node.looked()])
  })

  test('of two entries with one hint the older one counts', async () => {
    node.domain.clock.advance(1_000)
    await node.looked(entry, await node.domain.entry(NODE, '/twin', ME, { hint: 'main' }))
    const talk = x509()
    const { svids } = await talk.next()
    talk.cancel()
    assert.deepEqual(
      svids.map(({ spiffeId }: { spiffeId: string }) => spiffeId),
      ['spiffe://example.org/me'],
    )
  })

  test('who is nobody gets nothing', async () => {
    await node.domain.world.ok('delete', `spiffe/entries/${entry}`)
    await node.looked()
    const denied = refused(STATUS.denied, 'no identity issued')
    await assert.rejects(x509().next(), denied)
    await assert.rejects(jwt(['db']), denied)
    for (const [method, response] of [
      ['FetchX509Bundles', wire.X509BundlesResponse],
      ['FetchJWTBundles', wire.JwtBundlesResponse],
    ] as const) {
      const talk = node.client.converse(at(method), wire.X509BundlesRequest, response as typeof wire.X509BundlesResponse, HEADERS)
      talk.send({})
      await assert.rejects(talk.next(), denied)
    }
  })

  test('without the header there is no answer', async () => {
    for (const metadata of [{}, { 'workload.spiffe.io': 'yes' }]) {
      await assert.rejects(x509({ metadata } as never).next(), refused(STATUS.invalid, 'security header missing from request'))
    }
  })

  test('tokens for an audience, for one identity or for all', async () => {
    await node.looked(entry, await node.domain.entry(NODE, '/other', ME))
    assert.equal((await jwt(['db'])).svids.length, 2)
    const { svids } = await jwt(['db'], 'spiffe://example.org/me')
    assert.deepEqual([svids.length, svids[0]?.spiffeId, svids[0]?.hint], [1, 'spiffe://example.org/me', 'main'])
    await assert.rejects(jwt([]), refused(STATUS.invalid, 'audience must be specified'))
    await assert.rejects(jwt(['db'], 'nothing'), refused(STATUS.invalid, 'invalid requested SPIFFE ID: scheme is missing or invalid'))
    await assert.rejects(jwt(['db'], 'spiffe://example.org/stranger'), refused(STATUS.denied, 'no identity issued'))
  })

  test('tokens are checked', async () => {
    const { svids } = await jwt(['db', 'cache'])
    const token = svids[0]?.svid ?? ''
    const { spiffeId, claims } = await validate('db', token)
    assert.equal(spiffeId, 'spiffe://example.org/me')
    assert.deepEqual([claims?.['sub'], claims?.['aud']], ['spiffe://example.org/me', ['cache', 'db']])
    await assert.rejects(validate('other', token), refused(STATUS.invalid, 'expected audience in ["other"] (audience=["cache","db"])'))
    await assert.rejects(validate('', token), refused(STATUS.invalid, 'audience must be specified'))
    await assert.rejects(validate('db', ''), refused(STATUS.invalid, 'svid must be specified'))
    await assert.rejects(validate('db', 'x.y.z'), refused(STATUS.invalid, 'malformed token'))
  })

  test('bundles, by the ID of their trust domain', async () => {
    const x509Bundles = node.client.converse(at('FetchX509Bundles'), wire.X509BundlesRequest, wire.X509BundlesResponse, HEADERS)
    x509Bundles.send({})
    const jwtBundles = node.client.converse(at('FetchJWTBundles'), wire.JwtBundlesRequest, wire.JwtBundlesResponse, HEADERS)
    jwtBundles.send({})
    const authorities = node.domain.world.kernel.spiffe()?.authorities.bundle().x509Authorities ?? []
    assert.deepEqual((await x509Bundles.next())?.bundles, { 'spiffe://example.org': Buffer.concat([...authorities]) })
    const [[name, jwks] = []] = Object.entries((await jwtBundles.next())?.bundles ?? {})
    assert.equal(name, 'spiffe://example.org')
    const { keys } = JSON.parse(String(jwks))
    assert.deepEqual([keys.length, 'use' in keys[0], 'x5c' in keys[0]], [1, false, false])
    for (const talk of [x509Bundles, jwtBundles]) talk.cancel()
  })

  test('the health service says that it can serve', async () => {
    const { status } = await node.client.ask(`/${HEALTH}/Check`, HealthRequest, HealthResponse, {})
    assert.equal(status, 1)
    await assert.rejects(
      node.client.ask(`/${HEALTH}/Check`, HealthRequest, HealthResponse, { service: 'x' }),
      refused(STATUS.notFound, 'unknown service'),
    )
  })

  test('the socket is for everybody, and one agent has it', async () => {
    assert.equal(statSync(node.parts.socket.path).mode & 0o777, 0o777)
    await assert.rejects(runAgent(node.parts, { ...ports, clock: node.domain.clock, timers: node.timers }, silent), /is in use/)
    const file = join(node.domain.folder, 'file')
    writeFileSync(file, '')
    await assert.rejects(
      runAgent(
        { ...node.parts, adminSocket: undefined, socket: { path: file, mode: 0o777 } },
        { ...ports, clock: node.domain.clock, timers: node.timers },
        silent,
      ),
      /is no socket/,
    )
  })

  test('a socket that was left behind is replaced', async () => {
    const path = join(node.domain.folder, 'stale.sock')
    const left = createServer()
    await new Promise<void>((resolve) => left.listen(path, resolve))
    // As a process that was killed leaves it: there, and answered by nobody.
    const { renameSync } = await import('node:fs')
    renameSync(path, `${path}.kept`)
    await new Promise((resolve) => left.close(resolve))
    renameSync(`${path}.kept`, path)
    const second = await runAgent(
      { ...node.parts, adminSocket: undefined, drawer: memoryDrawer(), settings: await node.domain.settings(), socket: { path, mode: 0o700 } },
      { ...ports, clock: node.domain.clock, timers: node.timers },
      silent,
    )
    assert.equal(statSync(path).mode & 0o777, 0o700)
    await second.close()
  })

  describe('on the command line', () => {
    const run = (line: string, stdin?: string) =>
      runWith(line, { env: { SPIFFE_ENDPOINT_SOCKET: `unix://${node.parts.socket.path}` }, ...(stdin === undefined ? {} : { stdin }) })

    test('fetch and write X509-SVIDs', async () => {
      const { code, out, files, modes } = await run('agent api fetch x509 -write=/certs')
      assert.equal(code, 0)
      assert.match(out, /Received 1 svid\n\nSPIFFE ID:\t\tspiffe:\/\/example.org\/me\nHint:\t\t\tmain\n/)
      assert.equal(fromPem(files.get('/certs/svid.0.pem') ?? '').length, 1)
      assert.match(files.get('/certs/svid.0.key') ?? '', /^-----BEGIN PRIVATE KEY-----/)
      assert.deepEqual([modes.get('/certs/svid.0.key'), modes.get('/certs/svid.0.pem')], [0o600, 0o644])
      assert.equal(fromPem(files.get('/certs/bundle.0.pem') ?? '').length, 1)
      assert.equal(JSON.parse((await run('agent api fetch x509 -format=json')).out).svids[0].spiffe_id, 'spiffe://example.org/me')
    })

    test('fetch JWT-SVIDs, and have them checked', async () => {
      const { out } = await run('agent api fetch jwt -audience=db -spiffeID=spiffe://example.org/me')
      const [, token = ''] = /^token\(spiffe:\/\/example\.org\/me\):\n\t(\S+)\n$/.exec(out) ?? []
      const checked = await run('agent api validate jwt -audience=db', token)
      assert.deepEqual([checked.code, checked.out.split('\n')[0]], [0, 'SVID is valid.'])
      const bad = await run(`agent api validate jwt -audience=other -svid=${token}`)
      assert.equal(bad.code, 2)
      assert.match(bad.err, /^the agent says: expected audience in \["other"\]/)
      assert.match((await run('agent api fetch jwt')).err, /the agent says: audience must be specified/)
    })

    test('files are kept fresh, and a program is told', async () => {
      let told = 0
      const renew = async () => {
        await node.domain.world.ok('write', `spiffe/entries/${entry}`, { dns_names: 'web.example.org' })
        await node.looking('there is a new one', () => told === 2)
        await node.domain.world.ok('delete', `spiffe/entries/${entry}`)
        await node.looked()
      }
      const { code, err, files, modes, signals } = await runWith('agent helper -write=/certs -pid-file=/run/web.pid -key-mode=0640', {
        files: { '/run/web.pid': '4242\n/var/lib/more\n' },
        env: { SPIFFE_ENDPOINT_SOCKET: node.parts.socket.path },
        signalled: () => void (++told === 1 && renew()),
        sleep: () => Promise.reject(new Failure(1, 'enough')),
      })
      assert.deepEqual([code, err], [1, 'the agent says: no identity issued\nenough\n'])
      assert.deepEqual(signals, ['SIGHUP 4242', 'SIGHUP 4242'])
      assert.match(new X509Certificate(files.get('/certs/svid.0.pem') ?? '').subjectAltName ?? '', /DNS:web\.example\.org/)
      assert.equal(modes.get('/certs/svid.0.key'), 0o640)
      assert.match(files.get('/certs/crl.pem') ?? '', /^-----BEGIN X509 CRL-----/)
    })

    test('a helper says what it lacks', async () => {
      assert.match((await run('agent helper')).err, /-write is needed/)
      assert.match((await run('agent helper -write=/c -key-mode=rw')).err, /not permission bits/)
    })

    test('health, and nobody there', async () => {
      assert.deepEqual(await run('agent healthcheck').then(({ code, out }) => [code, out]), [0, 'Agent is healthy.\n'])
      const nobody = await runWith(`agent healthcheck -socket-path=${node.domain.folder}/none`)
      assert.equal(nobody.code, 2)
      assert.match(nobody.err, /there is no agent at .*none\nhint: /)
      assert.equal((await runWith('agent healthcheck -socketPath=tcp:1')).code, 1)
    })

    test('starting one', async () => {
      assert.deepEqual((await runWith('agent -config=a.hcl')).startedAgents, [{ config: ['a.hcl'], logLevel: undefined, logFormat: undefined }])
      assert.match((await runWith('agent')).err, /Must specify at least one config path/)
      assert.match((await runWith('agent run')).err, /unknown command "agent run"/)
      assert.match((await runWith('agent -help')).out, /Subcommands:\n\s+api [\s\S]*\n\s+healthcheck[\s\S]*-config/)
    })
  })
})

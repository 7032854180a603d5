import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { connect as connectTcp } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import grpc from '@grpc/grpc-js'
import { silent } from '../base/log.ts'
import { witKeyOf } from '../crypto/bundle.ts'
import { toPem } from '../crypto/certificate.ts'
import { newSigningKey } from '../crypto/signing-key.ts'
import { verifyWitSvid } from '../crypto/wit-svid.ts'
import { NOTHING_REVOKED, verifyX509Svid } from '../crypto/x509-svid.ts'
import * as wire from '../edge/spire/messages.ts'
import type { Message, Of } from '../wire/protobuf.ts'
import { WATCH, WatchRequest, WatchResponse } from '../wire/signet-agent.ts'
import { stillTimers } from '../testing/clock.ts'
import { callUnary, converse } from '../testing/grpc-client.ts'
import { signingRequest } from '../testing/signing-request.ts'
import { openWorld, type World } from '../testing/world.ts'
import { listenSpire, type SpireListener } from './spire-listener.ts'

describe('agents over gRPC', () => {
  let dir: string
  let world: World
  let listener: SpireListener
  before(async () => {
    dir = mkdtempSync(join(tmpdir(), 'signet-agents-'))
    world = await openWorld()
    world.clock.set(Date.now()) // certificates are checked by TLS too, which has the real time
    await world.ok('write', 'sys/mounts/spiffe', { type: 'spiffe' })
    await world.ok('write', 'spiffe/config', { trust_domain: 'example.org' })
    listener = await listenSpire('127.0.0.1:0', world.kernel, { clock: world.clock, random: { bytes: randomBytes }, timers: stillTimers }, silent)
  })
  after(async () => {
    await listener.close()
    await world.close()
    rmSync(dir, { recursive: true })
  })

  /** A key and a signing request for it. */
  function request(): { key: Buffer; csr: Buffer } {
    const key = join(dir, 'key.pem')
    const csr = signingRequest('DER', [], key)
    return { key: readFileSync(key), csr }
  }

  interface Svid {
    readonly chain: readonly Buffer[]
    readonly key: Buffer
  }

  const clients: grpc.Client[] = []
  after(() => clients.forEach((client) => client.close()))

  /** Checks the server by its SPIFFE ID and not by a host name, as agents do. */
  function connect(svid?: Svid): grpc.Client {
    const bundle = world.kernel.spiffe()?.authorities.bundle().x509Authorities ?? []
    const chain = svid ? Buffer.from(toPem(svid.chain)) : null
    const credentials = grpc.credentials.createSsl(Buffer.from(toPem(bundle)), svid?.key ?? null, chain, {
      checkServerIdentity(_, { raw }) {
        const { id } = verifyX509Svid([raw], Date.now(), () => bundle, NOTHING_REVOKED)
        return id === 'spiffe://example.org/spire/server' ? undefined : new Error(`the server is ${id}`)
      },
    })
    const client = new grpc.Client(`127.0.0.1:${listener.port}`, credentials)
    clients.push(client)
    return client
  }

  const call = <I, O>(client: grpc.Client, method: string, input: Message<I>, output: Message<O>, value: Partial<I>): Promise<O> =>
    callUnary(client, `spire.api.server.${method}`, input, output, value)

  const attest = (client: grpc.Client, payload: string, csr: Buffer) =>
    converse(client, 'spire.api.server.agent.v1.Agent/AttestAgent', wire.AttestAgentRequest, wire.AttestAgentResponse, [
      { params: { data: { type: 'join_token', payload: Buffer.from(payload) }, params: { csr } } },
    ])

  async function joined(): Promise<Svid & { id: string }> {
    const { token } = (await world.ok('write', 'spiffe/join-tokens', { ttl: 60 })).data
    const { key, csr } = request()
    const [answer] = await attest(connect(), token, csr)
    const { certChain = [], id } = answer?.result?.svid ?? {}
    return { chain: certChain, key, id: `spiffe://${id?.trustDomain}${id?.path}` }
  }

  const refusedWith = (code: number, text: RegExp) => (error: unknown) => {
    const { code: found, details } = error as grpc.ServiceError
    assert.equal(found, code)
    assert.match(details, text)
    return true
  }

  test('a join token makes one agent, and no second one', async () => {
    const { token } = (await world.ok('write', 'spiffe/join-tokens', { ttl: 60 })).data
    const answers = await Promise.allSettled(Array.from({ length: 16 }, () => attest(connect(), token, request().csr)))
    const won = answers.filter(({ status }) => status === 'fulfilled')
    assert.equal(won.length, 1)
    const lost = answers.find(({ status }) => status === 'rejected') as PromiseRejectedResult
    refusedWith(3, /join token does not exist, has expired or has already been used/)(lost.reason)
  })

  test('the bundle is given to who has none of our identities', async () => {
    const bundle = await call(connect(), 'bundle.v1.Bundle/GetBundle', wire.Empty, wire.BundleMessage, {})
    assert.equal(bundle.trustDomain, 'example.org')
    assert.deepEqual([bundle.x509Authorities.length, bundle.jwtAuthorities.length], [1, 1])
  })

  test('an agent gets the bundles of foreign trust domains, and others do not', async () => {
    const client = connect(await joined())
    const get = (by: grpc.Client, trustDomain: string) =>
      call(by, 'bundle.v1.Bundle/GetFederatedBundle', wire.GetFederatedBundleRequest, wire.BundleMessage, { trustDomain })
    await assert.rejects(get(client, 'partner.test'), refusedWith(5, /bundle not found/))
    await assert.rejects(get(client, 'Partner'), refusedWith(3, /trust domain argument is not valid/))
    const own = await world.ok('read', 'spiffe/bundle')
    await world.ok('write', 'spiffe/bundles/partner.test', { bundle: own })
    const bundle = await get(client, 'partner.test')
    assert.deepEqual([bundle.trustDomain, bundle.x509Authorities.length, bundle.refreshHint], ['partner.test', 1, 300])
    await assert.rejects(get(connect(), 'partner.test'), refusedWith(7, /not attested/))
  })

  test('an agent learns its entries, whole or page by page, and gets SVIDs for them and for no others', async () => {
    const agent = await joined()
    const client = connect(agent)
    const entry = { parent_id: agent.id, selectors: 'unix:uid:1000', hint: 'main', x509_svid_ttl: 60 }
    const { id } = (await world.ok('write', 'spiffe/entries', { ...entry, spiffe_id: 'spiffe://example.org/web' })).data
    const { id: foreign } = (
      await world.ok('write', 'spiffe/entries', { ...entry, spiffe_id: 'spiffe://example.org/x', parent_id: 'spiffe://example.org/other' })
    ).data
    const { entries } = await call(client, 'entry.v1.Entry/GetAuthorizedEntries', wire.Empty, wire.AuthorizedEntries, {})
    assert.deepEqual(
      entries.map((one) => [one.id, one.spiffeId?.path, one.selectors, one.hint]),
      [[id, '/web', [{ type: 'unix', value: 'uid:1000' }], 'main']],
    )
    const { csr } = request()
    const params = [id, foreign, 'none'].map((entryId) => ({ entryId, csr }))
    const { results } = await call(client, 'svid.v1.SVID/BatchNewX509SVID', wire.BatchX509Request, wire.BatchX509Response, { params })
    assert.deepEqual(
      results.map(({ status }) => status?.code),
      [0, 5, 5],
    )
    const svid = verifyX509Svid(
      results[0]?.svid?.certChain ?? [],
      Date.now(),
      () => world.kernel.spiffe()?.authorities.bundle().x509Authorities,
      NOTHING_REVOKED,
    )
    assert.equal(svid.id, 'spiffe://example.org/web')
    const jwt = await call(client, 'svid.v1.SVID/NewJWTSVID', wire.NewJwtRequest, wire.NewJwtResponse, { entryId: id, audience: ['db'] })
    assert.equal(jwt.svid?.id?.path, '/web')
    await assert.rejects(
      call(client, 'svid.v1.SVID/NewJWTSVID', wire.NewJwtRequest, wire.NewJwtResponse, { entryId: foreign, audience: ['db'] }),
      refusedWith(5, /not authorized/),
    )
    await assert.rejects(
      call(client, 'svid.v1.SVID/NewJWTSVID', wire.NewJwtRequest, wire.NewJwtResponse, { entryId: id, audience: [] }),
      refusedWith(3, /audience/),
    )
    const [synced] = await converse(client, 'spire.api.server.entry.v1.Entry/SyncAuthorizedEntries', wire.SyncRequest, wire.SyncResponse, [
      { outputMask: {} },
    ])
    assert.deepEqual(
      synced?.entries.map((one) => one.id),
      [id],
    )
  })

  test('an agent gets WIT-SVIDs for its entries and its keys, each request with its own result', async () => {
    const agent = await joined()
    const client = connect(agent)
    const entry = { parent_id: agent.id, selectors: 'unix:uid:1000', hint: 'main', x509_svid_ttl: 60 }
    const { id } = (await world.ok('write', 'spiffe/entries', { ...entry, spiffe_id: 'spiffe://example.org/wit' })).data
    const { publicKey } = newSigningKey('ec-p256')
    const plain = { entryId: id as string, publicKey, signingAlgorithm: 'ES256' }
    const batch = (by: grpc.Client, ...params: object[]) =>
      call(by, 'svid.v1.SVID/BatchNewWITSVID', wire.BatchWitRequest, wire.BatchWitResponse, { params })
    await assert.rejects(batch(client, plain), refusedWith(12, /WIT-SVIDs are off/))
    await world.ok('write', 'spiffe/config', { wit_svids: true })
    await assert.rejects(batch(connect(), plain), refusedWith(7, /not attested/))
    await assert.rejects(batch(client), refusedWith(3, /missing parameters/))
    const { results } = await batch(
      client,
      { ...plain, entryId: '' },
      { ...plain, publicKey: Buffer.alloc(0) },
      { ...plain, publicKey: Buffer.from('x') },
      plain,
      { ...plain, signingAlgorithm: 'PS256' },
      { ...plain, entryId: 'none' },
      { ...plain, publicKey: newSigningKey('rsa-2048').publicKey, signingAlgorithm: 'PS256' },
    )
    assert.deepEqual(
      results.map(({ status }) => [status?.code, status?.message]),
      [
        [3, 'missing entry ID'],
        [3, 'missing public key'],
        [3, 'malformed public key'],
        [0, 'OK'],
        [3, 'invalid signing algorithm or key type: unsupported signing algorithm for ec-p256 key: PS256'],
        [5, 'entry not found or not authorized'],
        [0, 'OK'],
      ],
    )
    const { token = '', hint, issuedAt = 0, expiresAt = 0 } = results[3]?.svid ?? {}
    const authorities = world.kernel.spiffe()?.authorities.bundle()
    const found = verifyWitSvid(
      token,
      Date.now(),
      (_, kid) => authorities && witKeyOf(authorities, kid),
      ({ key }) => key.export({ format: 'der', type: 'spki' }).equals(publicKey),
    )
    assert.deepEqual([found.id, hint, expiresAt - issuedAt], ['spiffe://example.org/wit', 'main', 60])
    await world.ok('delete', `spiffe/entries/${id}`)
  })

  test('many entries come as revisions first, then those that are asked for', async () => {
    const agent = await joined()
    const spiffe = world.kernel.spiffe()
    for (let n = 0; n < 600; n++) {
      await world.ok('write', 'spiffe/entries', {
        id: `many-${n}`,
        parent_id: agent.id,
        spiffe_id: `spiffe://example.org/many/${n}`,
        selectors: 'unix:uid:1',
      })
    }
    assert.ok(spiffe)
    const heard = await converse(connect(agent), 'spire.api.server.entry.v1.Entry/SyncAuthorizedEntries', wire.SyncRequest, wire.SyncResponse, [
      { outputMask: {} },
      { ids: ['many-5', 'many-7', 'unknown'] },
    ])
    assert.deepEqual(
      heard.map((one) => [one.entryRevisions.length, one.entries.length, one.more]),
      [
        [500, 0, true],
        [100, 0, false],
        [0, 2, false],
      ],
    )
  })

  test('an agent renews; the old SVID ends when the new one is used', async () => {
    const old = await joined()
    const { key, csr } = request()
    const { svid } = await call(connect(old), 'agent.v1.Agent/RenewAgent', wire.RenewAgentRequest, wire.RenewAgentResponse, { params: { csr } })
    const renewed = { chain: svid?.certChain ?? [], key }
    const status = (who: Svid) => call(connect(who), 'agent.v1.Agent/PostStatus', wire.PostStatusRequest, wire.Empty, { agentVersion: '1.15.3' })
    await status(old)
    await status(renewed)
    await assert.rejects(status(old), refusedWith(7, /not active/))
    assert.equal((await world.ok('read', `spiffe/agents/${old.id.split('/').slice(3).join('/')}`)).data.agent_version, '1.15.3')
  })

  test('banned and evicted agents are turned away with the reason that makes them give up or attest again', async () => {
    const agent = await joined()
    const at = `spiffe/agents/${agent.id.split('/').slice(3).join('/')}`
    const entries = () => call(connect(agent), 'entry.v1.Entry/GetAuthorizedEntries', wire.Empty, wire.AuthorizedEntries, {})
    await entries()
    await world.ok('write', `${at}/ban`)
    await assert.rejects(entries(), refusedWith(7, /banned/))
    await world.ok('delete', at)
    await assert.rejects(entries(), (error: grpc.ServiceError) => {
      const details = error.metadata.get('grpc-status-details-bin')[0] as Buffer
      return refusedWith(7, /not attested/)(error) && details.includes('spire.api.types.PermissionDeniedDetails')
    })
  })

  test('an agent hears of changes as they are committed, until it is banned', async () => {
    const agent = await joined()
    const open = (by: grpc.Client, revision: number) => {
      const stream = by.makeServerStreamRequest(
        `/${WATCH.service}/${WATCH.method}`,
        (one: { revision: number }) => WatchRequest.encode(one),
        (bytes) => WatchResponse.decode(bytes),
        { revision },
      )
      return stream[Symbol.asyncIterator]() as AsyncIterator<Of<typeof WatchResponse>>
    }
    const client = connect(agent)
    const heard = open(client, 0)
    const next = async () => (await heard.next()).value as Of<typeof WatchResponse>
    const { revision, ...first } = await next()
    assert.deepEqual(first, { entries: true, bundles: true })
    const again = open(client, revision)
    assert.deepEqual((await again.next()).value, { revision, entries: false, bundles: false })
    await world.ok('write', 'spiffe/entries', { parent_id: agent.id, spiffe_id: 'spiffe://example.org/pushed', selectors: 'unix:uid:7' })
    const entry = await next()
    assert.deepEqual([entry.entries, entry.bundles, entry.revision > revision], [true, false, true])
    await world.ok('write', 'spiffe/authorities/jwt/prepare')
    assert.deepEqual([(await next()).bundles], [true])
    await assert.rejects(open(connect(), 0).next(), refusedWith(7, /not attested/))
    await world.ok('write', `spiffe/agents/${agent.id.split('/').slice(3).join('/')}/ban`)
    await assert.rejects(heard.next(), refusedWith(7, /agent is banned/))
  })

  test('nobody without an SVID is an agent, and no workload is', async () => {
    const entries = (client: grpc.Client) => call(client, 'entry.v1.Entry/GetAuthorizedEntries', wire.Empty, wire.AuthorizedEntries, {})
    await assert.rejects(entries(connect()), refusedWith(7, /not attested/))
    const { csr, key } = request()
    const { certificate } = (await world.ok('write', 'spiffe/svid/x509', { spiffe_id: 'spiffe://example.org/web', csr: csr.toString('base64') })).data
    const chain = [Buffer.from(String(certificate).replace(/-----[^-]+-----|\s/g, ''), 'base64')]
    await assert.rejects(entries(connect({ chain, key })), refusedWith(7, /not attested/))
  })

  test('a certificate of somebody else’s authority ends the connection', async () => {
    const key = join(dir, 'own.key')
    const args = [
      'req',
      '-x509',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:P-256',
      '-nodes',
      '-keyout',
      key,
      '-subj',
      '/CN=x',
      '-outform',
      'DER',
    ]
    const der = execFileSync(
      'openssl',
      [...args, '-addext', 'subjectAltName=URI:spiffe://example.org/spire/agent/x509pop/a', '-addext', 'keyUsage=digitalSignature'],
      {
        stdio: ['ignore', 'pipe', 'ignore'],
      },
    )
    const client = connect({ chain: [der], key: readFileSync(key) })
    await assert.rejects(call(client, 'bundle.v1.Bundle/GetBundle', wire.Empty, wire.BundleMessage, {}), refusedWith(14, /./))
  })

  test('closing waits for nobody who is connected and says nothing', async () => {
    const ports = { clock: world.clock, random: { bytes: randomBytes }, timers: stillTimers }
    const second = await listenSpire('127.0.0.1:0', world.kernel, ports, silent)
    const mute = connectTcp(second.port)
    await once(mute, 'connect')
    await new Promise((resolve) => setImmediate(resolve)) // the other side has it, too
    const gone = once(mute, 'close')
    mute.resume()
    await second.close()
    await gone
  })

  test('a sealed server lets nobody in', async () => {
    await world.ok('write', 'sys/seal')
    await assert.rejects(call(connect(), 'bundle.v1.Bundle/GetBundle', wire.Empty, wire.BundleMessage, {}), refusedWith(14, /./))
  })
})

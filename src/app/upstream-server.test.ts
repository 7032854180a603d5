import assert from 'node:assert/strict'
import { createPublicKey, randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import * as workload from '../agent/workload/messages.ts'
import { silent } from '../base/log.ts'
import { type Bundle, jwtKeyOf, parseBundle, witKeyOf } from '../crypto/bundle.ts'
import { verifyJwtSvid } from '../crypto/jwt-svid.ts'
import { exportSigningKey, newSigningKey } from '../crypto/signing-key.ts'
import { parseSpiffeId, parseTrustDomain, type TrustDomain } from '../crypto/spiffe-id.ts'
import { verifyWitSvid } from '../crypto/wit-svid.ts'
import { NOTHING_REVOKED, verifyX509Svid } from '../crypto/x509-svid.ts'
import type { Spiffe } from '../spiffe/rooms.ts'
import type { UpstreamServer } from '../spiffe/upstream.ts'
import { stillTimers } from '../testing/clock.ts'
import { openTrustDomain, type TrustDomainBench } from '../testing/trust-domain.ts'
import { openWorld, type World } from '../testing/world.ts'
import { type GrpcServer, openGrpc, stream } from '../wire/grpc.ts'
import { listenSpire, type SpireListener } from './spire-listener.ts'
import { openUpstream } from './upstream.ts'

const HOME = parseTrustDomain('example.org')
const BELOW = 'spiffe://example.org/below'
const WEB = parseSpiffeId('spiffe://example.org/web')
const clock = { now: () => Date.now(), monotonic: () => 0 }
const ports = { clock, random: { bytes: randomBytes } }

describe('another server as the upstream authority', () => {
  const dir = mkdtempSync(join(tmpdir(), 'signet-nested-'))
  const socketPath = join(dir, 'agent.sock')
  let world: World
  let listener: SpireListener
  let agent: Server
  let workloads: GrpcServer
  /** What the agent gives to those who ask. */
  let identity = BELOW
  /** How often the bundle came from above. */
  let followed = 0
  const root = () => world.kernel.spiffe() as Spiffe

  before(async () => {
    world = await openWorld()
    world.clock.set(Date.now())
    await world.ok('write', 'sys/mounts/spiffe', { type: 'spiffe' })
    await world.ok('write', 'spiffe/config', { trust_domain: 'example.org' })
    await world.ok('write', 'spiffe/entries', { spiffe_id: BELOW, parent_id: 'spiffe://example.org/node', selectors: 'unix:uid:1', downstream: true })
    listener = await listenSpire('127.0.0.1:0', world.kernel, { clock: world.clock, random: ports.random, timers: stillTimers }, silent)
    workloads = openGrpc(
      { [workload.SERVICE]: { FetchX509SVID: stream(workload.X509SvidRequest, workload.X509SvidResponse, () => given()) } },
      (error) => assert.fail(String(error)),
    )
    agent = createServer((socket) => workloads.inject(socket, 'workload'))
    await new Promise<void>((resolve) => agent.listen(socketPath, resolve))
  })
  after(async () => {
    workloads.close()
    await new Promise((resolve) => agent.close(resolve))
    await listener.close()
    await world.close()
    rmSync(dir, { recursive: true })
  })

  /** An agent's answer: the SVID of whoever this server is to it. */
  async function* given() {
    if (identity === '') {
      yield {}
      return
    }
    const key = newSigningKey('ec-p256')
    const { chain } = root().svids.x509({ id: parseSpiffeId(identity), publicKey: key.publicKey, ttl: 600, dnsNames: [], subject: [] })
    const bundle = Buffer.concat(root().authorities.bundle().x509Authorities)
    yield { svids: [{ spiffeId: identity, x509Svid: Buffer.concat(chain), x509SvidKey: exportSigningKey(key), bundle }] }
  }

  async function nested(name = 'example.org'): Promise<TrustDomainBench> {
    const upstream = openUpstream({ kind: 'spire', address: `127.0.0.1:${listener.port}`, socketPath }, ports)
    const server = upstream.server as UpstreamServer
    const bundle = async (home: TrustDomain) => {
      const found = await server.bundle(home)
      followed++
      return found
    }
    const bench = await openTrustDomain('', undefined, { ...upstream, server: { ...server, bundle } })
    bench.clock.set(Date.now())
    await bench.ask('write', 'config', { trust_domain: name })
    return bench
  }

  const svidOf = ({ rooms }: TrustDomainBench) =>
    rooms.svids.x509({ id: WEB, publicKey: newSigningKey('ec-p256').publicKey, ttl: 60, dnsNames: [], subject: [] }).chain
  const bundleOf = ({ rooms }: TrustDomainBench) => rooms.authorities.bundle()
  /** Until what it asked for in the background came. */
  async function follow(bench: TrustDomainBench, isDone: () => boolean): Promise<void> {
    for (let turn = 0; turn < 2_000 && !isDone(); turn++) {
      bench.clock.advance(5_000)
      await bench.rooms.sweep()
      await new Promise((resolve) => setImmediate(resolve))
    }
    assert.ok(isDone())
  }

  test('what either issues is believed by the bundle of the other', async () => {
    const bench = await nested()
    const chain = svidOf(bench)
    assert.equal(chain.length, 2)
    assert.equal(verifyX509Svid(chain, Date.now(), () => root().authorities.bundle().x509Authorities, NOTHING_REVOKED).id, WEB)
    const { chain: above } = root().svids.x509({ id: WEB, publicKey: newSigningKey('ec-p256').publicKey, ttl: 60, dnsNames: [], subject: [] })
    assert.equal(verifyX509Svid(above, Date.now(), () => bundleOf(bench).x509Authorities, NOTHING_REVOKED).id, WEB)
    const { token } = bench.rooms.svids.jwt(WEB, ['db'], 60)
    const { answer } = await world.call('read', 'spiffe/bundle')
    const published = parseBundle(HOME, answer.body)
    assert.equal(verifyJwtSvid(token, 'db', Date.now(), (_, kid) => jwtKeyOf(published, kid)).id, WEB)
    const { token: fromAbove } = root().svids.jwt(WEB, ['db'], 60)
    assert.equal(verifyJwtSvid(fromAbove, 'db', Date.now(), (_, kid) => jwtKeyOf(bundleOf(bench), kid)).id, WEB)
    assert.equal(new Set(bundleOf(bench).jwtAuthorities.map(({ keyId }) => keyId)).size, bundleOf(bench).jwtAuthorities.length)
    for (const { publicKey } of bundleOf(bench).jwtAuthorities) assert.ok(createPublicKey({ key: publicKey, format: 'der', type: 'spki' }))
  })

  test('nothing changes where nothing changed', async () => {
    const bench = await nested()
    const { sequence } = bundleOf(bench)
    const before = followed
    await follow(bench, () => followed >= before + 3)
    assert.equal(bundleOf(bench).sequence, sequence)
  })

  test('it follows a rotation, a taint and a revocation above', async () => {
    const bench = await nested()
    const first = root().authorities.signer('x509').authority
    const mine = bench.rooms.authorities.signer('x509').authority
    assert.equal(mine.upstreamId, first.id)
    const { data: next } = await world.ok('write', 'spiffe/authorities/x509/prepare')
    await follow(bench, () => bundleOf(bench).x509Authorities.length === root().authorities.bundle().x509Authorities.length)
    await world.ok('write', 'spiffe/authorities/x509/activate', { authority_id: next.authority_id })
    await world.ok('write', 'spiffe/authorities/x509/taint', { authority_id: first.id })
    await follow(bench, () => bench.rooms.authorities.signer('x509').authority.upstreamId === next.authority_id)
    await follow(bench, () => bench.rooms.authorities.set().x509.some(({ tainted }) => tainted))
    const { data } = await bench.ask('read', 'agent/bundle')
    const tainted = (data['x509_authorities'] as { asn1: string; tainted: boolean }[]).filter((one) => one.tainted)
    assert.deepEqual(
      tainted.map(({ asn1 }) => asn1),
      [first.root],
    )
    await world.ok('write', 'spiffe/authorities/x509/revoke', { authority_id: first.id })
    await follow(bench, () => !bundleOf(bench).x509Authorities.some((der) => der.toString('base64') === first.root))
    assert.equal(verifyX509Svid(svidOf(bench), bench.clock.now(), () => root().authorities.bundle().x509Authorities, NOTHING_REVOKED).id, WEB)
  })

  test('keys for WIT-SVIDs are published above where there are any, and are in its own bundle alone where there are none', async () => {
    const bench = await nested()
    const { key } = newSigningKey('ec-p256')
    const bound = { key: createPublicKey(key), algorithm: 'ES256' }
    const believed = (token: string, bundle: Bundle) =>
      verifyWitSvid(
        token,
        Date.now(),
        (_, kid) => witKeyOf(bundle, kid),
        (held) => held.key.equals(bound.key),
      )
    await bench.ask('write', 'config', { wit_svids: true })
    const { token } = bench.rooms.svids.wit(WEB, bound, 60)
    assert.equal(believed(token, bundleOf(bench)).id, WEB)
    assert.deepEqual(root().authorities.bundle().witAuthorities, [])
    await world.ok('write', 'spiffe/config', { wit_svids: true })
    const { authority_id = '' } = (await bench.ask('write', 'authorities/wit/prepare')).data
    await bench.ask('write', 'authorities/wit/activate', { authority_id })
    assert.equal(believed(bench.rooms.svids.wit(WEB, bound, 60).token, root().authorities.bundle()).kid, authority_id)
    assert.throws(() => believed(token, root().authorities.bundle()), /no WIT authority/)
    const { token: fromAbove } = root().svids.wit(WEB, bound, 60)
    await follow(bench, () => bundleOf(bench).witAuthorities.length === 3)
    assert.equal(believed(fromAbove, bundleOf(bench)).id, WEB)
    await bench.ask('write', 'config', { wit_svids: false })
    const before = followed
    await follow(bench, () => followed >= before + 2)
    assert.deepEqual(bundleOf(bench).witAuthorities, [])
    await world.ok('write', 'spiffe/config', { wit_svids: false })
  })

  test('it is refused without an entry that says so, for another trust domain, and where there is no SVID', async () => {
    identity = 'spiffe://example.org/web'
    await assert.rejects(nested(), /does not sign: authorization denied/)
    identity = BELOW
    await assert.rejects(nested('other.org'), /names "spiffe:\/\/example\.org" and not "spiffe:\/\/other\.org"/)
    identity = ''
    await assert.rejects(nested(), /the agent gives this server no SVID/)
    identity = BELOW
    const away = openUpstream({ kind: 'spire', address: '127.0.0.1:1', socketPath }, ports)
    const bench = await openTrustDomain('', undefined, away)
    bench.clock.set(Date.now())
    await assert.rejects(bench.ask('write', 'config', { trust_domain: 'example.org' }), /does not sign/)
  })
})

// What SPIFFE_Broker_Endpoint.md demands, statement by statement, of the endpoint that an agent has for brokers.
import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { createSecureServer } from 'node:http2'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { after, before, describe, test, type TestContext } from 'node:test'
import { type ConnectionOptions, connect as connectTls, type TLSSocket } from 'node:tls'
import grpc from '@grpc/grpc-js'
import * as wire from '../../src/agent/broker/messages.ts'
import { HEALTH, HealthRequest, HealthResponse, SERVING } from '../../src/agent/health.ts'
import { svidContext } from '../../src/app/svid-context.ts'
import { formatBundle } from '../../src/crypto/bundle.ts'
import { chainOf } from '../../src/edge/peer-chain.ts'
import { type BrokerNode, fetchJwt, first, HEADERS, openBrokerNode, pidReference, STREAMS, subscribe } from '../../src/testing/broker-node.ts'
import { runWith } from '../../src/testing/cli-ports.ts'
import { refused } from '../../src/testing/served-node.ts'
import { openTrustDomain, type TrustDomainBench } from '../../src/testing/trust-domain.ts'
import { until } from '../../src/testing/until.ts'
import { STATUS } from '../../src/wire/grpc.ts'
import { type CallOptions, type GrpcClient, openGrpcClient } from '../../src/wire/grpc-client.ts'
import { blobs, list, message, nested, type Of, string } from '../../src/wire/protobuf.ts'

const POD = { namespace: 'shop', name: 'web-1', uid: '0f47cb8b-4bbd-4c2b-8f1c-0a8a2a0e6b7d' }

let here: BrokerNode
let pid: number
before(async () => {
  here = await openBrokerNode()
  pid = (await here.workload('/web')).pid
})
after(() => here.close())

/** Every method, each by one call that is over with its first answer. */
const METHODS: Readonly<Record<string, (client: GrpcClient, options?: CallOptions) => Promise<unknown>>> = {
  ...Object.fromEntries(
    Object.keys(STREAMS).map((name) => [
      name,
      (client: GrpcClient, options?: CallOptions) => first(client, name as keyof typeof STREAMS, pidReference(pid), options),
    ]),
  ),
  FetchJWTSVID: (client, options) => fetchJwt(client, pidReference(pid), ['db'], '', options),
  'another service': (client, options = HEADERS) => client.ask(`/${HEALTH}/Check`, HealthRequest, HealthResponse, {}, options),
  reflection: (client, options) => reflect(client, { listServices: '*' }, options),
}

const Listed = message({ list: list(1, message({ name: string(1) })) })
const FileName = message({ name: string(1) })
const Reply = message({ files: nested(4, message({ list: blobs(1) })), services: nested(6, Listed) })
const Question = message({ fileContainingSymbol: string(4), listServices: string(7) })

async function reflect(client: GrpcClient, question: Partial<Of<typeof Question>>, options: CallOptions = HEADERS, version = 'v1') {
  const talk = client.converse(`/grpc.reflection.${version}.ServerReflection/ServerReflectionInfo`, Question, Reply, options)
  talk.send(question)
  try {
    return await talk.next()
  } finally {
    talk.cancel()
  }
}

async function everyMethod(client: GrpcClient, code: number, options?: CallOptions): Promise<void> {
  for (const [name, call] of Object.entries(METHODS)) await assert.rejects(call(client, options), refused(code, /./), name)
}

const socketPath = () => here.node.parts.broker?.socket?.path ?? ''

/** A connection of TLS on which the broker's SVID is shown, to see what is shown by the server. */
function dial(t: TestContext, options: ConnectionOptions = {}): Promise<TLSSocket> {
  const { cert, key } = svidContext(here.svid())
  const socket = connectTls({ path: socketPath(), rejectUnauthorized: false, ALPNProtocols: ['h2'], cert, key, ...options })
  t.after(() => socket.destroy())
  return new Promise((resolve, reject) => {
    socket.once('secureConnect', () => resolve(socket))
    socket.once('error', reject)
  })
}

const closed = (socket: Socket) =>
  new Promise<void>((resolve) => {
    socket.on('error', () => {})
    socket.once('close', () => resolve())
    socket.resume()
  })

describe('SPIFFE_Broker_Endpoint.md §3: transport', () => {
  test('the endpoint MUST be served over gRPC, as a Unix domain socket or a TCP listen socket', async () => {
    const check = (client: GrpcClient) => client.ask(`/${HEALTH}/Check`, HealthRequest, HealthResponse, {}, HEADERS)
    for (const tcp of [false, true]) assert.equal((await check(here.broker({ tcp }))).status, SERVING)
  })

  test('requests without the metadata broker.spiffe.io of the value true MUST be rejected', async () => {
    const client = here.broker()
    const wrong = [undefined, '', 'True', 'TRUE', '1', 'true,true', 'false']
    for (const value of wrong) await everyMethod(client, STATUS.invalid, { metadata: value === undefined ? {} : { [wire.HEADER]: value } })
    await everyMethod(client, STATUS.invalid, { metadata: { 'workload.spiffe.io': 'true' } })
    for (const call of Object.values(METHODS)) assert.ok(await call(client, HEADERS))
  })

  test('§6: a request without the mandatory security header MUST be responded to with InvalidArgument, before anything else', async () => {
    await everyMethod(here.broker({ id: 'spiffe://example.org/somebody' }), STATUS.invalid, { metadata: {} })
    await assert.rejects(first(here.broker(), 'SubscribeToX509SVID', undefined, { metadata: {} }), refused(STATUS.invalid, /security header missing/))
  })
})

describe('SPIFFE_Broker_Endpoint.md §3.1, §5: mutual authentication', () => {
  test('the server must show an X509-SVID: its own', async (t) => {
    const bundle = here.node.domain.world.kernel.spiffe()?.authorities.bundle().x509Authorities ?? []
    const socket = await dial(t)
    const [leaf] = chainOf(socket).map((der) => new X509Certificate(der))
    assert.match(leaf?.subjectAltName ?? '', /^URI:spiffe:\/\/example\.org\/spire\/agent\/join_token\//)
    assert.ok(bundle.some((der) => leaf?.verify(new X509Certificate(der).publicKey)))
  })

  test('it shows the SVID of now, without a restart', async (t) => {
    const before = chainOf(await dial(t))[0]
    here.node.domain.clock.advance(7 * 3_600_000) // half its life
    await here.looking('it is renewed', () => !here.node.running.agent.identity()?.chain[0]?.equals(before as Buffer))
    const now = chainOf(await dial(t))[0]
    assert.ok(now?.equals(here.node.running.agent.identity()?.chain[0] as Buffer))
  })

  test('whoever shows no certificate is turned away before the gRPC layer', async (t) => {
    await closed(await dial(t, { cert: undefined, key: undefined }))
    await everyMethod(plainClient(t), STATUS.unavailable)
  })

  test('bytes in the clear, and versions of TLS before 1.2, get nowhere', async (t) => {
    const plain = connect(socketPath())
    t.after(() => plain.destroy())
    plain.write('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')
    await closed(plain)
    await assert.rejects(dial(t, { maxVersion: 'TLSv1.1', minVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' }))
    for (const version of ['TLSv1.2', 'TLSv1.3'] as const)
      assert.equal((await dial(t, { minVersion: version, maxVersion: version })).getProtocol(), version)
  })

  test('a session is never resumed: the certificate is checked on each connection', async (t) => {
    const socket = await dial(t, { maxVersion: 'TLSv1.2' })
    const again = await dial(t, { maxVersion: 'TLSv1.2', session: socket.getSession() as Buffer })
    assert.equal(again.isSessionReused(), false)
  })

  test('an SVID of a trust domain of which the agent has no bundle is turned away, and is believed once it has', async () => {
    const { domain, running } = here.node
    const other = await foreign('other.org')
    const client = () => here.broker({ id: 'spiffe://other.org/broker', spiffe: other.rooms })
    await everyMethod(client(), STATUS.unavailable)
    await domain.world.ok('write', 'spiffe/bundles/other.org', { bundle: formatBundle(other.rooms.authorities.bundle()) })
    await here.another(pid, '/abroad', { federates_with: 'other.org' })
    await here.looking('its bundle is there', () => running.agent.trusts.all().length > 1)
    for (const call of Object.values(METHODS)) assert.ok(await call(client()))
  })

  test('an SVID that another authority signed under the same name is turned away', async () => {
    const impostor = await foreign('example.org')
    await everyMethod(here.broker({ spiffe: impostor.rooms }), STATUS.unavailable)
  })

  test('an SVID that ran out is turned away', async () => {
    const client = here.broker({ ttl: 60 })
    here.node.domain.clock.advance(61_000)
    await everyMethod(client, STATUS.unavailable)
  })
})

describe('SPIFFE_Broker_Endpoint.md §4: locating the endpoint', () => {
  const local = () => `unix://${socketPath()}`
  const remote = () => `tcp://127.0.0.1:${here.node.running.brokerPort}`
  const run = (flags: string, env: Record<string, string>) =>
    runWith(`agent broker fetch x509 -uid=${POD.uid} ${flags}`.trim(), {
      env: { SPIFFE_ENDPOINT_SOCKET: `unix://${here.node.parts.socket.path}`, ...env },
    })
  before(async () => {
    here.pods.push(POD)
    await here.node.domain.entry('spiffe://example.org/node', '/pod', 'k8s:ns:shop')
    await here.another(process.pid, '/broker')
    await here.looking('it is known', () => here.node.running.agent.matching(new Set(['k8s:ns:shop'])).length > 0)
  })

  test('if not explicitly configured, clients MUST fall back to SPIFFE_BROKER_SOCKET', async () => {
    assert.match((await run('', { SPIFFE_BROKER_SOCKET: local() })).out, /spiffe:\/\/example\.org\/pod/)
    assert.match((await run(`-broker-socket=${local()}`, { SPIFFE_BROKER_SOCKET: 'unix:///none' })).out, /spiffe:\/\/example\.org\/pod/)
    assert.match((await run('', {})).err, /no agent serves brokers at unix:\/\/\/run\/signet-agent-broker/)
  })

  test('the scheme MUST be set to either unix or tcp', async () => {
    for (const endpoint of [local(), remote()]) assert.equal((await run('', { SPIFFE_BROKER_SOCKET: endpoint })).code, 0)
    for (const endpoint of [socketPath(), `http://127.0.0.1:1`, `unixs://${socketPath()}`, 'tcps://127.0.0.1:1']) {
      assert.match((await run('', { SPIFFE_BROKER_SOCKET: endpoint })).err, /has no scheme of unix or tcp/)
    }
  })

  test('unix: the authority MUST NOT be set, the path MUST be absolute, and there is nothing else', async () => {
    for (const endpoint of [`unix://localhost${socketPath()}`, 'unix:api.sock', 'unix://', `${local()}?a=b`, `${local()}#a`]) {
      const { code, err } = await run('', { SPIFFE_BROKER_SOCKET: endpoint })
      assert.equal(code, 1, endpoint)
      assert.match(err, /the broker endpoint ".*" (may have no|has no)/)
    }
  })

  test('tcp: host and port MUST be set, and there is nothing else', async () => {
    for (const endpoint of ['tcp://127.0.0.1', 'tcp://:8443', `${remote()}/foo`, `tcp://a@127.0.0.1:1`, 'tcp://127.0.0.1:0', `${remote()}?a=b`]) {
      assert.equal((await run('', { SPIFFE_BROKER_SOCKET: endpoint })).code, 1, endpoint)
    }
    assert.equal((await run('', { SPIFFE_BROKER_SOCKET: remote().replace('127.0.0.1', 'localhost') })).code, 0)
  })

  test('§5: the broker must validate the expected SPIFFE ID of who serves it', async (t) => {
    const agentId = here.node.running.agent.identity()?.id
    assert.equal((await run(`-broker-socket=${local()} -agent-id=${agentId}`, {})).code, 0)
    assert.equal((await run(`-broker-socket=${local()} -agent-id=${agentId}-not`, {})).code, 2)
    const impostor = createSecureServer(svidContext(here.svid({ id: 'spiffe://example.org/web' })))
    await new Promise<void>((resolve) => impostor.listen(0, '127.0.0.1', resolve))
    t.after(() => impostor.close())
    const { code, err } = await run(`-broker-socket=tcp://127.0.0.1:${(impostor.address() as AddressInfo).port}`, {})
    assert.equal(code, 2)
    assert.match(err, /spiffe:\/\/example\.org\/web, and not an agent/)
  })
})

describe('SPIFFE_Broker_Endpoint.md §6: codes', () => {
  test('Unavailable: an implementation that is running but still initializing', async (t) => {
    const young = await openBrokerNode()
    t.after(() => young.close())
    const { agent } = young.node.running
    const client = young.broker()
    const ready = agent.ready
    Object.assign(agent, { ready: () => false })
    await assert.rejects(first(client, 'SubscribeToX509SVID', pidReference(1)), refused(STATUS.unavailable, /heard nothing/))
    await assert.rejects(fetchJwt(client, pidReference(1)), refused(STATUS.unavailable, /heard nothing/))
    Object.assign(agent, { ready })
    await assert.rejects(fetchJwt(client, pidReference(1)), refused(STATUS.denied, /./))
  })

  test('Unauthenticated: a client that cannot be identified any more, on a stream too; its next connection may show another SVID', async () => {
    const client = here.broker({ ttl: 60 })
    const talks = Object.keys(STREAMS).map((method) => subscribe(client, method as keyof typeof STREAMS, pidReference(pid)))
    for (const talk of talks) await talk.next()
    const over = talks.map((talk) => assert.rejects(talk.next(), refused(STATUS.unauthenticated, /cannot be identified/)))
    here.node.domain.clock.advance(61_000)
    here.node.timers.fire(6_000)
    await Promise.all(over)
    here.node.timers.fire(6_000) // the connection is closed
    await until('it is not let in again', async () => {
      const code = await fetchJwt(client, pidReference(pid)).then(
        () => 0,
        (error: { code: number }) => error.code,
      )
      return code === STATUS.unavailable
    })
  })

  test('PermissionDenied: a client that is identified, and not authorized', async () => {
    await everyMethod(here.broker({ id: 'spiffe://example.org/somebody' }), STATUS.denied)
  })
})

describe('SPIFFE_Broker_Endpoint.md §7: services', () => {
  test('all implementations MUST expose the SPIFFE Broker API', async () => {
    for (const call of Object.values(METHODS)) assert.ok(await call(here.broker()))
  })

  test('implementers SHOULD include support for gRPC server reflection, by which clients learn what else is served', async () => {
    for (const version of ['v1', 'v1alpha']) {
      const reply = await reflect(here.broker(), { listServices: '*' }, HEADERS, version)
      assert.deepEqual(
        reply?.services?.list?.map(({ name }) => name),
        ['grpc.health.v1.Health', 'grpc.reflection.v1.ServerReflection', 'grpc.reflection.v1alpha.ServerReflection', 'spiffe.broker.API'],
      )
    }
    for (const symbol of ['spiffe.broker.API', 'spiffe.broker.WorkloadPIDReference', 'spiffe.broker.KubernetesObjectReference']) {
      const reply = await reflect(here.broker(), { fileContainingSymbol: symbol })
      assert.deepEqual(
        reply?.files?.list?.map((file) => FileName.decode(file).name),
        ['brokerapi.proto', 'google/protobuf/any.proto'],
      )
    }
  })
})

/** A trust domain of its own, in the same time. */
async function foreign(name: string): Promise<TrustDomainBench> {
  const bench = await openTrustDomain('')
  bench.clock.set(here.node.domain.clock.now())
  await bench.ask('write', 'config', { trust_domain: name })
  return bench
}

/** A client that checks nothing and shows nothing. */
function plainClient(t: TestContext): GrpcClient {
  const client = openGrpcClient(`unix:${socketPath()}`, grpc.credentials.createSsl(null, null, null, { rejectUnauthorized: false }), 'example.org')
  t.after(() => client.close())
  return client
}

// What SPIFFE_Workload_Endpoint.md demands, statement by statement, of the endpoint of an agent, and of the command line as its client.
import assert from 'node:assert/strict'
import { statSync } from 'node:fs'
import { connect as connectHttp2 } from 'node:http2'
import { connect } from 'node:net'
import { after, before, describe, test } from 'node:test'
import { HEALTH, HealthRequest, HealthResponse } from '../../src/agent/health.ts'
import * as wire from '../../src/agent/workload/messages.ts'
import { type WorkloadApiDeps, workloadServices } from '../../src/agent/workload/service.ts'
import { AGENT } from '../../src/app/config/agent.ts'
import { workloadEndpoint } from '../../src/app/workload-endpoint.ts'
import { Failure } from '../../src/cli/failure.ts'
import { runWith } from '../../src/testing/cli-ports.ts'
import { openServedNode, refused, type ServedNode } from '../../src/testing/served-node.ts'
import { STATUS } from '../../src/wire/grpc.ts'
import { list, message, nested, string } from '../../src/wire/protobuf.ts'

const HEADERS = { [wire.HEADER]: 'true' }
let node: ServedNode
before(async () => {
  node = await openServedNode()
  await node.begin('/me')
})
after(() => node.close())

/** Every method, each by one call that is over with its first answer. */
const METHODS: Readonly<Record<string, (metadata: Readonly<Record<string, string>>) => Promise<unknown>>> = {
  FetchX509SVID: (metadata) => first('FetchX509SVID', wire.X509SvidRequest, wire.X509SvidResponse, metadata),
  FetchX509Bundles: (metadata) => first('FetchX509Bundles', wire.X509BundlesRequest, wire.X509BundlesResponse, metadata),
  FetchJWTSVID: (metadata) => node.client.ask(at('FetchJWTSVID'), wire.JwtSvidRequest, wire.JwtSvidResponse, { audience: ['db'] }, { metadata }),
  FetchJWTBundles: (metadata) => first('FetchJWTBundles', wire.JwtBundlesRequest, wire.JwtBundlesResponse, metadata),
  async ValidateJWTSVID(metadata) {
    const { svids } = await node.client.ask(
      at('FetchJWTSVID'),
      wire.JwtSvidRequest,
      wire.JwtSvidResponse,
      { audience: ['db'] },
      { metadata: HEADERS },
    )
    const request = { audience: 'db', svid: svids[0]?.svid ?? '' }
    return node.client.ask(at('ValidateJWTSVID'), wire.ValidateRequest, wire.ValidateResponse, request, { metadata })
  },
}

const at = (method: string) => `/${wire.SERVICE}/${method}`

async function first(method: string, request: typeof wire.X509SvidRequest, response: object, metadata: Readonly<Record<string, string>>) {
  const talk = node.client.listen(at(method), request, response as typeof wire.X509SvidResponse, {}, { metadata })
  try {
    return await talk.next()
  } finally {
    talk.cancel()
  }
}

async function everyMethod(code: number, metadata: Readonly<Record<string, string>> = HEADERS): Promise<void> {
  for (const [name, call] of Object.entries(METHODS)) await assert.rejects(call(metadata), refused(code, /./), name)
}

describe('SPIFFE_Workload_Endpoint.md §3: transport', () => {
  test('the endpoint MUST be served over gRPC', async () => {
    const session = connectHttp2('http://localhost', { createConnection: () => connect(node.parts.socket.path) })
    const stream = session.request({ ':method': 'POST', ':path': `/${HEALTH}/Check`, 'content-type': 'application/grpc', te: 'trailers' })
    const found = new Promise<Record<string, unknown>>((resolve) => stream.once('response', resolve))
    const over = new Promise<Record<string, unknown>>((resolve) => stream.once('trailers', resolve))
    stream.resume().end(Buffer.alloc(5))
    assert.deepEqual([(await found)[':status'], (await found)['content-type'], (await over)['grpc-status']], [200, 'application/grpc+proto', '0'])
    session.close()
  })

  test('as a Unix domain socket; TCP, on which who calls could not be known by the kernel, is not offered', () => {
    assert.ok(statSync(node.parts.socket.path).isSocket())
    const addresses = Object.keys(AGENT.keys).filter((key) => /address|port|bind/.test(key))
    assert.deepEqual(addresses, ['server_addresses'])
  })

  test('requests without the metadata workload.spiffe.io of the value true (case sensitive) MUST be rejected', async () => {
    for (const value of ['True', 'TRUE', '1', '', 'false', 'true,true']) await everyMethod(STATUS.invalid, { [wire.HEADER]: value })
    await everyMethod(STATUS.invalid, {})
    await everyMethod(STATUS.invalid, { 'broker.spiffe.io': 'true' })
    for (const call of Object.values(METHODS)) assert.ok(await call(HEADERS))
  })

  test('§3.1: transport layer security MUST NOT be required', async () => {
    // The client of these tests speaks in the clear.
    for (const call of Object.values(METHODS)) assert.ok(await call(HEADERS))
  })
})

describe('SPIFFE_Workload_Endpoint.md §4: locating the endpoint', () => {
  const fetch = (args: string, env: Record<string, string> = {}) => runWith(`agent api fetch x509 ${args}`.trim(), { env })

  test('if not explicitly configured, clients MUST fall back to SPIFFE_ENDPOINT_SOCKET', async () => {
    const here = `unix://${node.parts.socket.path}`
    assert.match((await fetch('', { SPIFFE_ENDPOINT_SOCKET: here })).out, /Received 1 svid/)
    assert.match((await fetch(`-socket-path=${here}`, { SPIFFE_ENDPOINT_SOCKET: 'unix:///nowhere.sock' })).out, /Received 1 svid/)
    assert.match((await fetch('', { SPIFFE_ENDPOINT_SOCKET: 'unix:///nowhere.sock' })).err, /no agent at \/nowhere\.sock/)
  })

  const refusing = (...texts: string[]) => {
    for (const text of texts) assert.throws(() => workloadEndpoint(text), Failure, text)
  }

  test('the scheme MUST be set to either unix or tcp', () => refusing('http://127.0.0.1:80', 'npipe:spire', 'run/a.sock', '', 'unix'))

  test('unix: the authority component MUST NOT be set, and the path MUST be set to an absolute one; no other component may be', () => {
    for (const text of ['unix:///run/a.sock', 'unix:/run/a.sock'])
      assert.deepEqual(workloadEndpoint(text), { target: 'unix:/run/a.sock', path: '/run/a.sock' })
    assert.equal(workloadEndpoint('unix:///run/a%20b.sock').path, '/run/a b.sock')
    refusing('unix://run/a.sock', 'unix:run/a.sock', 'unix:', 'unix://', 'unix:///a?b=c', 'unix:///a#b', 'unix://u@/a', 'unix://:80/a', 'unix:///%zz')
  })

  test('tcp: the host MUST be set to an IP address and the port MUST be set; no other component may be', () => {
    assert.deepEqual(workloadEndpoint('tcp://127.0.0.1:8000'), { target: '127.0.0.1:8000', path: undefined })
    assert.deepEqual(workloadEndpoint('tcp://[::1]:8000'), { target: '[::1]:8000', path: undefined })
    refusing('tcp://127.0.0.1', 'tcp://:8000', 'tcp://localhost:8000', 'tcp://127.0.0.1:8000/', 'tcp://127.0.0.1:8000/foo')
    refusing('tcp://127.0.0.1:8000?a', 'tcp://u:p@127.0.0.1:8000', 'tcp://127.0.0.1:8000#a', 'tcp:127.0.0.1:8000', 'tcp://127.0.0.1:99999')
  })
})

describe('SPIFFE_Workload_Endpoint.md §5: authentication', () => {
  test('the endpoint MUST NOT require any direct authentication, nor that the workload takes part in finding out who it is', async () => {
    // Nothing was shown but the static header, and the identity is that of this very process.
    const answer = (await METHODS['FetchX509SVID']?.(HEADERS)) as { svids: { spiffeId: string }[] }
    assert.deepEqual(
      answer.svids.map(({ spiffeId }) => spiffeId),
      ['spiffe://example.org/me'],
    )
  })
})

describe('SPIFFE_Workload_Endpoint.md §6: error codes', () => {
  test('a request without the mandatory security header MUST be responded to with InvalidArgument, before anything else', async () => {
    const { agent } = node.running
    const ready = agent.ready
    Object.assign(agent, { ready: () => false })
    const calls = Object.entries(METHODS).filter(([name]) => name !== 'ValidateJWTSVID') // whose token could not be had
    for (const [name, call] of calls) await assert.rejects(call({}), refused(STATUS.invalid, 'security header missing from request'), name)
    Object.assign(agent, { ready })
  })

  test('Unavailable: an implementation that is running but still initializing', async () => {
    const { agent } = node.running
    const ready = agent.ready
    Object.assign(agent, { ready: () => false })
    await everyMethod(STATUS.unavailable)
    Object.assign(agent, { ready })
    for (const call of Object.values(METHODS)) assert.ok(await call(HEADERS))
  })

  test('PermissionDenied: there is no identity for the caller', async (t) => {
    const nobody = await openServedNode()
    t.after(() => nobody.close())
    const talk = nobody.client.listen(at('FetchX509SVID'), wire.X509SvidRequest, wire.X509SvidResponse, {}, { metadata: HEADERS })
    await assert.rejects(talk.next(), refused(STATUS.denied, 'no identity issued'))
  })

  test('Unimplemented: what nobody serves', async () => {
    await assert.rejects(node.client.ask('/SpiffeWorkloadAPI/FetchAll', HealthRequest, HealthResponse, {}), refused(STATUS.unimplemented, /./))
    await assert.rejects(node.client.ask('/other.Service/Fetch', HealthRequest, HealthResponse, {}), refused(STATUS.unimplemented, /./))
  })
})

describe('SPIFFE_Workload_Endpoint.md §7: extensibility', () => {
  const Reply = message({ services: nested(6, message({ list: list(1, message({ name: string(1) })) })) })
  const listed = async (version: string) => {
    const talk = node.client.converse(`/grpc.reflection.${version}.ServerReflection/ServerReflectionInfo`, message({ all: string(7) }), Reply)
    talk.send({ all: '*' })
    const answer = await talk.next()
    talk.cancel()
    return answer?.services?.list?.map(({ name }) => name)
  }

  test('existing services MUST NOT be extended: what is more here is services of their own', async () => {
    assert.deepEqual(Object.keys(workloadServices({} as WorkloadApiDeps)), [wire.SERVICE])
    assert.ok(!(await listed('v1'))?.some((name) => name?.startsWith('SpiffeWorkloadAPI.')))
  })

  test('all implementations MUST expose the SPIFFE Workload API', async () => {
    for (const call of Object.values(METHODS)) assert.ok(await call(HEADERS))
  })

  test('implementers SHOULD include support for server reflection', async () => {
    for (const version of ['v1', 'v1alpha']) assert.ok((await listed(version))?.includes(wire.SERVICE))
  })
})

import assert from 'node:assert/strict'
import { request } from 'node:http'
import { connect } from 'node:net'
import { after, before, describe, test } from 'node:test'
import * as wire from '../agent/workload/messages.ts'
import { unixAttestor } from '../agent/attestors/unix.ts'
import { AGENT_METRICS } from '../telemetry/agent-catalog.ts'
import { ME, NODE, openServedNode, refused, type ServedNode } from '../testing/served-node.ts'
import { until } from '../testing/until.ts'
import { STATUS } from '../wire/grpc.ts'
import { localAccounts } from './agent-processes.ts'

const HEADERS = { metadata: { [wire.HEADER]: 'true' } }
const at = (method: string) => `/${wire.SERVICE}/${method}`

describe('how an agent is doing', () => {
  /** What the second attestor does. */
  let look: () => readonly string[] = () => []
  let node: ServedNode
  let id: string
  before(async () => {
    const unix = unixAttestor(localAccounts(), { programs: false, mostBytes: 0 })
    node = await openServedNode({
      workloadAttestors: [unix, { type: 'docker', attest: async () => look() }],
      telemetryAddress: '127.0.0.1:0',
    })
    id = await node.begin('/me')
    await node.looking('its SVID is there', () => node.running.agent.x509.all().has(id))
  })
  after(() => node.close())

  function get(path: string, method = 'GET'): Promise<{ status: number; body: string; type: string }> {
    return new Promise((resolve, reject) => {
      const asked = request({ port: node.running.telemetryPort, host: '127.0.0.1', path, method, agent: false }, (answer) => {
        let body = ''
        answer.setEncoding('utf8').on('data', (text: string) => (body += text))
        answer.on('end', () => resolve({ status: answer.statusCode ?? 0, body, type: String(answer.headers['content-type']) }))
      })
      asked.once('error', reject).end()
    })
  }

  /** The value of a metric; undefined where it is not there. */
  async function metric(name: string): Promise<number | undefined> {
    const line = (await get('/metrics')).body.split('\n').find((one) => one.startsWith(`${name} `))
    return line === undefined ? undefined : Number(line.slice(name.length + 1))
  }

  const call = (labels: string) => `signet_agent_request{${labels}}`

  test('what it holds, and until when it is somebody itself', async () => {
    assert.equal(await metric('signet_agent_ready'), 1)
    assert.equal(await metric('signet_agent_entries'), 1)
    assert.equal(await metric('signet_agent_bundles'), 1)
    assert.equal(await metric('signet_agent_svids{kind="X509-SVID"}'), 1)
    assert.equal(await metric('signet_agent_svids{kind="JWT-SVID"}'), 0)
    assert.ok(((await metric('signet_agent_identity_seconds')) ?? 0) > 3_600)
    assert.ok(((await metric('signet_agent_open_files')) ?? 0) > 10)
  })

  test('SVIDs that came for the first time, those that replaced others, and those that did not come', async () => {
    const made = (kind: string, why: string) => metric(`signet_agent_svid_made{kind="${kind}",why="${why}"}`)
    assert.deepEqual([await made('agent', 'first'), await made('X509-SVID', 'first'), await made('X509-SVID', 'renewal')], [1, 1, undefined])
    await node.domain.world.ok('write', `spiffe/entries/${id}`, { dns_names: 'web.example.org' })
    await node.looking('it is renewed', () => [...(node.running.agent.x509.all().values() ?? [])].some(({ revision }) => revision > 0))
    assert.equal(await made('X509-SVID', 'renewal'), 1)
    await node.client.ask(at('FetchJWTSVID'), wire.JwtSvidRequest, wire.JwtSvidResponse, { audience: ['db'] }, HEADERS)
    assert.equal(await made('JWT-SVID', 'first'), 1)
    assert.equal(await metric('signet_agent_svids{kind="JWT-SVID"}'), 1)
  })

  test('calls by method and code, and those that go on', async () => {
    const stream = 'service="SpiffeWorkloadAPI",method="FetchX509SVID"'
    const talk = node.client.listen(at('FetchX509SVID'), wire.X509SvidRequest, wire.X509SvidResponse, {}, HEADERS)
    await talk.next()
    assert.equal(await metric(`signet_agent_in_flight{${stream}}`), 1)
    talk.cancel()
    await until('it is over', async () => (await metric(`signet_agent_in_flight{${stream}}`)) === 0)
    assert.equal(await metric(call(`${stream},code="CANCELLED"`)), 1)
    const asked = node.client.ask(at('FetchJWTSVID'), wire.JwtSvidRequest, wire.JwtSvidResponse, { audience: ['db'] })
    await assert.rejects(asked, refused(STATUS.invalid, /header/))
    assert.equal(await metric(call('service="SpiffeWorkloadAPI",method="FetchJWTSVID",code="INVALID_ARGUMENT"')), 1)
    assert.equal(await metric(call('service="SpiffeWorkloadAPI",method="FetchJWTSVID",code="OK"')), 1)
  })

  test('attestations, by attestor', async () => {
    const attested = (attestor: string, result: string) => metric(`signet_agent_attestation{attestor="${attestor}",result="${result}"}`)
    const before = (await attested('unix', 'ok')) ?? 0
    look = () => {
      throw new Error('no daemon')
    }
    await assert.rejects(
      node.client.ask(at('FetchJWTSVID'), wire.JwtSvidRequest, wire.JwtSvidResponse, { audience: ['db'] }, HEADERS),
      refused(STATUS.unavailable, 'workload attestation failed'),
    )
    look = () => []
    assert.deepEqual([await attested('unix', 'ok'), await attested('docker', 'failed')], [before + 1, 1])
  })

  test('connections', async () => {
    const before = (await metric('signet_agent_connections')) ?? 0
    const socket = connect(node.parts.socket.path)
    await until('it is connected', async () => (await metric('signet_agent_connections')) === before + 1)
    socket.destroy()
    await until('it is gone', async () => (await metric('signet_agent_connections')) === before)
  })

  test('how long ago it was in line with its server', async () => {
    await node.looking('it looked', () => node.running.agent.syncAge() === 0)
    const looks = (await metric('signet_agent_sync{result="ok"}')) ?? 0
    assert.ok(looks > 0)
    node.domain.clock.advance(90_000)
    assert.equal(await metric('signet_agent_sync_age_seconds'), 90)
    await node.looking('it looked again', () => node.running.agent.syncAge() === 0)
    assert.ok(((await metric('signet_agent_sync{result="ok"}')) ?? 0) > looks)
  })

  test('whether it lives and can serve, and nothing else', async () => {
    assert.deepEqual([(await get('/live')).status, (await get('/ready')).status, (await get('/ready?full=1', 'HEAD')).status], [200, 200, 200])
    const { agent } = node.running
    const ready = agent.ready
    Object.assign(agent, { ready: () => false })
    assert.deepEqual([(await get('/live')).status, (await get('/ready')).status, await metric('signet_agent_ready')], [200, 503, 0])
    Object.assign(agent, { ready })
    for (const path of ['/', '/metrics/', '/toString', '//live']) assert.equal((await get(path)).status, 404, path)
    for (const method of ['POST', 'PUT', 'DELETE']) assert.equal((await get('/metrics', method)).status, 405, method)
  })

  test('every metric is in the catalog, with its help, and none says who a workload is', async () => {
    await node.domain.entry(NODE, '/secret-name', ME)
    const { body, type } = await get('/metrics')
    assert.match(type, /^text\/plain; version=0\.0\.4/)
    const names = [...body.matchAll(/^# HELP (\S+) (.+)$/gm)].map(([, name]) => name ?? '')
    assert.deepEqual(
      names.toSorted((a, b) => (a < b ? -1 : 1)),
      Object.keys(AGENT_METRICS).toSorted((a, b) => (a < b ? -1 : 1)),
    )
    assert.doesNotMatch(body, /spiffe:|example\.org|uid/)
  })
})

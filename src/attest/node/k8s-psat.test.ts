import assert from 'node:assert/strict'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { after, before, beforeEach, describe, test } from 'node:test'
import { sendOutbound } from '../../app/outbound.ts'
import { Fault } from '../../base/fault.ts'
import type { JsonObject } from '../../base/json.ts'
import { toPem } from '../../crypto/certificate.ts'
import { attestBy } from '../../testing/attestation.ts'
import { testAuthority, testServerIdentity } from '../../testing/certificates.ts'
import { k8sPsat } from './k8s-psat.ts'

const root = testAuthority('cluster', { notBefore: 0, notAfter: Date.now() + 1e9 })
const POD = 'authentication.kubernetes.io/pod-'

/** What the cluster knows: one pod with one token, on one node. */
const knownStatus = (): any => ({
  authenticated: true,
  audiences: ['spire-server'],
  user: { username: 'system:serviceaccount:spire:spire-agent', extra: { [`${POD}name`]: ['agent-1'], [`${POD}uid`]: ['pod-uid-1'] } },
})
const knownPod = (): any => ({
  metadata: { uid: 'pod-uid-1', labels: { app: 'agent', secret: 'x' } },
  spec: { nodeName: 'node-1' },
  status: { hostIP: '10.0.0.1' },
})
const knownNode = (): any => ({ metadata: { uid: 'node-uid-1', labels: { zone: 'eu-1', other: 'y' } } })

describe('k8s_psat', () => {
  let api: Server
  let cluster: JsonObject
  let status: any
  let pod: any
  let node: any
  let asked: { url: string; authorization: string | undefined; body: any }[]
  before(async () => {
    api = createServer(testServerIdentity(root), async (request, response) => {
      const body = Buffer.concat(await request.toArray()).toString()
      asked.push({ url: request.url ?? '', authorization: request.headers.authorization, body: body && JSON.parse(body) })
      const answers: Record<string, unknown> = {
        '/apis/authentication.k8s.io/v1/tokenreviews': { status },
        '/api/v1/namespaces/spire/pods/agent-1': pod,
        '/api/v1/nodes/node-1': node,
      }
      const answer = answers[request.url ?? '']
      response.writeHead(answer ? 200 : 404).end(typeof answer === 'string' ? answer : JSON.stringify(answer ?? { message: 'a secret' }))
    })
    await new Promise<void>((resolve) => api.listen(0, resolve))
    const { port } = api.address() as AddressInfo
    cluster = {
      service_account_allow_list: ['spire:spire-agent'],
      api_server: `https://localhost:${port}`,
      ca_cert: toPem([root.der]),
      token: 'of-the-server',
      allowed_node_label_keys: ['zone'],
      allowed_pod_label_keys: ['app'],
    }
  })
  after(() => {
    api.closeAllConnections()
    api.close()
  })
  beforeEach(() => {
    asked = []
    status = knownStatus()
    pod = knownPod()
    node = knownNode()
  })

  const attest = (more: JsonObject = {}, payload: JsonObject = { cluster: 'prod', token: 'of-the-pod' }) =>
    attestBy(k8sPsat, { settings: { clusters: { prod: { ...cluster, ...more } } }, payload, ctx: { outbound: sendOutbound } })

  const refused = (attempt: Promise<unknown>, code: Fault['code'], why: RegExp) =>
    assert.rejects(attempt, (error) => error instanceof Fault && error.code === code && (assert.match(error.message, why), true))

  test('names the agent by its node, and tells of both what the cluster says', async () => {
    const { path, selectors, canReattest } = await attest()
    assert.deepEqual([path, canReattest], ['prod/node-uid-1', true])
    assert.deepEqual(selectors, [
      'cluster:prod',
      'agent_ns:spire',
      'agent_sa:spire-agent',
      'agent_pod_name:agent-1',
      'agent_pod_uid:pod-uid-1',
      'agent_node_ip:10.0.0.1',
      'agent_node_name:node-1',
      'agent_node_uid:node-uid-1',
      'agent_node_label:zone:eu-1',
      'agent_pod_label:app:agent',
    ])
    assert.ok(asked.every(({ authorization }) => authorization === 'Bearer of-the-server'))
    assert.deepEqual(asked[0]?.body.spec, { token: 'of-the-pod', audiences: ['spire-server'] })
  })

  test('may name it by its pod', async () => assert.equal((await attest({ use_pod_uid_for_agent_id: true })).path, 'prod/pod/pod-uid-1'))

  test('asks the cluster that the server runs in, where there is one', async () => {
    const { api_server: address, ca_cert: ca, token, ...inside } = cluster as Record<string, string>
    const own = { address: String(address), ca: String(ca), token: String(token) }
    const settings = { clusters: { prod: inside as JsonObject } }
    const payload = { cluster: 'prod', token: 'x' }
    const found = await attestBy(k8sPsat, { settings, payload, ctx: { outbound: sendOutbound, serviceAccount: () => own } })
    assert.equal(found.path, 'prod/node-uid-1')
    await refused(attestBy(k8sPsat, { settings, payload }), 'unavailable', /runs in no Kubernetes cluster/)
  })

  for (const [why, change, message] of [
    ['a token that is none', () => (status = { authenticated: false, error: 'a secret' }), /^token not authenticated according to TokenReview API$/],
    ['a token with an error', () => (status.error = 'expired'), /not authenticated/],
    ['a token that is almost good', () => (status.authenticated = 'true'), /not authenticated/],
    ['a token for somebody else', () => (status.audiences = ['vault']), /not for this server/],
    ['a token of a cluster without audiences', () => delete status.audiences, /not for this server/],
    ['a person', () => (status.user.username = 'spire:spire-agent'), /of no service account/],
    ['a name like that of a service account', () => (status.user.username = 'a:b:spire:spire-agent'), /of no service account/],
    ['another service account', () => (status.user.username = 'system:serviceaccount:spire:web'), /"spire:web" is not an allowed/],
    ['another namespace', () => (status.user.username = 'system:serviceaccount:evil:spire-agent'), /"evil:spire-agent" is not an allowed/],
    ['a token of no pod', () => delete status.user.extra[`${POD}uid`], /bound to no pod/],
    ['a token of two pods', () => status.user.extra[`${POD}name`].push('agent-2'), /bound to no pod/],
    ['a pod whose name leads elsewhere', () => (status.user.extra[`${POD}name`] = ['..']), /names what cannot be there/],
    ['a pod that was made anew', () => (pod.metadata.uid = 'pod-uid-2'), /the pod of the token is gone/],
    ['a pod without a node', () => delete pod.spec.nodeName, /runs on no node/],
    ['a node without a name of its own', () => delete node.metadata.uid, /no UID/],
  ] as const) {
    test(`refuses ${why}`, () => {
      change()
      return refused(attest(), 'denied', message)
    })
  }

  test('says that the cluster does not answer, and nothing of what it says instead', async () => {
    const down = /^the API of the Kubernetes cluster did not answer$/
    pod = 'no JSON'
    await refused(attest(), 'unavailable', down)
    await refused(attest({ ca_cert: toPem([testAuthority('cluster').der]) }), 'unavailable', down)
    await refused(attest({ api_server: 'https://localhost:1' }), 'unavailable', down)
  })

  for (const [why, payload, message] of [
    ['no cluster', { token: 'x' }, /missing cluster/],
    ['no token', { cluster: 'prod' }, /missing token/],
    ['an unknown cluster', { cluster: 'none', token: 'x' }, /not configured for cluster "none"/],
    ['a cluster that is part of every object', { cluster: '__proto__', token: 'x' }, /not configured/],
    ['a token of two lines', { cluster: 'prod', token: 'x\r\ny' }, /malformed/],
    ['a token without end', { cluster: 'prod', token: 'x'.repeat(20_000) }, /malformed/],
    ['a token that is a list', { cluster: 'prod', token: ['x'] }, /not a text/],
  ] as [string, JsonObject, RegExp][]) {
    test(`refuses ${why}`, async () => {
      await refused(attest({}, payload), 'invalid', message)
      assert.equal(asked.length, 0)
    })
  }

  test('shows its settings without the token', () => {
    const shown = k8sPsat.show({ clusters: { prod: cluster } })
    assert.ok(!JSON.stringify(shown).includes('of-the-server'))
    assert.ok(JSON.stringify(shown).includes('spire:spire-agent'))
  })

  const good = { service_account_allow_list: 'a:b' }
  for (const [why, clusters, message] of [
    ['no cluster', {}, /clusters is needed/],
    ['a cluster that is no object', { prod: 'x' }, /must be an object/],
    ['nobody allowed', { prod: { service_account_allow_list: [] } }, /at least one service account/],
    ['nobody named', { prod: {} }, /missing service_account_allow_list/],
    ['a setting that is unknown', { prod: { ...good, kube_config_file: '/x' } }, /unknown settings: kube_config_file/],
    ['a name that is no part of an ID', { 'a b': good }, /characters are limited/],
    ['a name that leads upwards', { '..': good }, /dot segments/],
    ['a name of two parts', { 'a/b': good }, /no slash/],
    ['an empty audience', { prod: { ...good, audience: [] } }, /audience cannot be empty/],
    ['a token that could be read on its way', { prod: { ...good, api_server: 'http://x', token: 'x' } }, /https URL/],
    ['an address without a token', { prod: { ...good, api_server: 'https://x' } }, /together/],
    ['a token without an address', { prod: { ...good, token: 'x' } }, /together/],
  ] as [string, JsonObject, RegExp][]) {
    test(`is not offered with ${why}`, () => assert.throws(() => k8sPsat.check({ clusters }), message))
  }
})

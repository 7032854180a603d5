// What SPIFFE_Broker_API.md demands, statement by statement: of an agent that serves brokers, and of the broker that the command line is.
import assert from 'node:assert/strict'
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { after, afterEach, before, describe, test } from 'node:test'
import * as wire from '../../src/agent/broker/messages.ts'
import { brokerServices, type BrokerDeps } from '../../src/agent/broker/service.ts'
import { formatBundle } from '../../src/crypto/bundle.ts'
import { DerReader } from '../../src/crypto/der.ts'
import {
  type BrokerNode,
  fetchJwt,
  first,
  HEADERS,
  infoOf,
  objectReference,
  openBrokerNode,
  pidReference,
  type Pod,
  podReference,
  STREAMS,
  subscribe,
} from '../../src/testing/broker-node.ts'
import { runWith } from '../../src/testing/cli-ports.ts'
import { NODE } from '../../src/testing/served-node.ts'
import { openTrustDomain, type TrustDomainBench } from '../../src/testing/trust-domain.ts'
import { until } from '../../src/testing/until.ts'
import { GrpcError, STATUS } from '../../src/wire/grpc.ts'
import type { GrpcClient } from '../../src/wire/grpc-client.ts'
import { message, string } from '../../src/wire/protobuf.ts'

const UID = '0f47cb8b-4bbd-4c2b-8f1c-0a8a2a0e6b7d'
const OTHER_UID = 'ffffffff-4bbd-4c2b-8f1c-0a8a2a0e6b7d'
const POD: Pod = { namespace: 'shop', name: 'web-1', uid: UID, labels: { app: 'web' } }
const ABSENT = 2 ** 30
/** A process without an identity. */
const NOBODY = process.ppid
const OWN = 'spiffe://example.org'
const OTHER = 'spiffe://other.org'

type Reference = Parameters<typeof first>[2]

let here: BrokerNode
let broker: GrpcClient
let other: TrustDomainBench
before(async () => {
  here = await openBrokerNode()
  broker = here.broker()
  const { domain } = here.node
  other = await openTrustDomain('other.org')
  other.clock.set(domain.clock.now())
  await domain.world.ok('write', 'spiffe/bundles/other.org', { bundle: formatBundle(other.rooms.authorities.bundle()) })
  await domain.entry(NODE, '/pod', 'k8s:ns:shop')
  await known('k8s:ns:shop')
  await here.another(process.pid, '/broker')
})
after(() => here.close())
afterEach(() => void here.pods.splice(0))

const known = (...selectors: string[]) =>
  here.looking(`${selectors.join()} is known`, () => here.node.running.agent.matching(new Set(selectors)).length > 0)

/** Every method, each by one call that is over with its first answer. */
const METHODS: Readonly<Record<string, (reference: Reference, client?: GrpcClient) => Promise<unknown>>> = {
  ...Object.fromEntries(
    Object.keys(STREAMS).map((name) => [name, (reference: Reference, client = broker) => first(client, name as keyof typeof STREAMS, reference)]),
  ),
  FetchJWTSVID: (reference, client = broker) => fetchJwt(client, reference),
}

const answers = (code: number, reason?: string) => (error: unknown) => {
  assert.ok(error instanceof GrpcError)
  assert.deepEqual([error.code, infoOf(error)?.reason, infoOf(error)?.domain], [code, reason, reason && 'spiffe.io'], error.message)
  return true
}
const invalid = answers(STATUS.invalid, 'WORKLOAD_REFERENCE_INVALID')
const notFound = answers(STATUS.notFound, 'WORKLOAD_NOT_FOUND')
const notEntitled = answers(STATUS.denied, 'WORKLOAD_NOT_ENTITLED')

async function everyMethod(reference: Reference, refusal: (error: unknown) => boolean, client?: GrpcClient): Promise<void> {
  for (const [name, call] of Object.entries(METHODS)) await assert.rejects(call(reference, client), refusal, name)
}

const ids = ({ svids }: { svids: { spiffeId?: string }[] }) => svids.map(({ spiffeId = '' }) => spiffeId).sort((a, b) => (a < b ? -1 : 1))
const x509 = (reference: Reference) => first(broker, 'SubscribeToX509SVID', reference)

describe('SPIFFE_Broker_API.md §1–3: the service and its references', () => {
  test('§1: both profiles are mandatory and MUST be supported', async () => {
    const { pid } = await here.workload('/both')
    for (const call of Object.values(METHODS)) assert.ok(await call(pidReference(pid)))
  })

  test('§2: implementations MUST NOT add or modify RPCs outside of this standard', async () => {
    assert.deepEqual(Object.keys(brokerServices({} as BrokerDeps)[wire.SERVICE] ?? {}).sort(), Object.keys(METHODS).sort())
    const unknown = broker.ask(`/${wire.SERVICE}/SubscribeToWITSVID`, wire.X509SvidRequest, wire.X509SvidResponse, {}, HEADERS)
    await assert.rejects(unknown, answers(STATUS.unimplemented))
  })

  test('§2: any other extensions MUST be introduced as new gRPC services', () => {
    assert.deepEqual(Object.keys(brokerServices({} as BrokerDeps)), ['spiffe.broker.API'])
  })

  test('§3.1: each reference MUST uniquely identify a single entity', async () => {
    here.pods.push(POD, { ...POD, uid: OTHER_UID })
    await assert.rejects(x509(podReference(POD)), answers(STATUS.unavailable))
    assert.deepEqual(ids(await x509(podReference(POD, UID))), [`${OWN}/pod`])
  })

  test('§3.1: local references MUST NOT be used across network boundaries', async () => {
    const { pid } = await here.workload('/local')
    await everyMethod(pidReference(pid), answers(STATUS.denied), here.broker({ tcp: true }))
  })

  test('§3.1: the server MUST be able to verify that the referenced entity exists', async () => {
    await everyMethod(pidReference(ABSENT), notFound)
    await everyMethod(podReference(POD), notFound)
  })

  test('§3.1.1: servers MUST reject requests that lack a reference', async () => {
    await everyMethod(undefined, invalid)
    await everyMethod({}, invalid)
    await everyMethod({ reference: { value: wire.PidReference.encode({ pid: process.pid }) } }, invalid)
  })

  test('§3.1.1: servers MUST reject requests whose reference type is not understood', async () => {
    await everyMethod({ reference: { typeUrl: 'type.googleapis.com/example.Other', value: Buffer.alloc(0) } }, invalid)
    await everyMethod(objectReference({ type: { plural: 'secrets', group: 'core' }, uid: UID }), invalid)
  })

  test('§3.1.1: references MUST be resolved on the server', async () => {
    here.pods.push(POD)
    const text = Buffer.from('shop/web-1')
    await everyMethod({ reference: { typeUrl: wire.TYPES.kubernetes, value: text } }, invalid)
    assert.deepEqual(ids(await x509(podReference(undefined, UID))), [`${OWN}/pod`])
  })

  test('§3.1.1: the server MUST verify the existence of the referenced workload', async () => {
    const { pid, end } = await here.workload('/existing')
    assert.deepEqual(ids(await x509(pidReference(pid))), [`${OWN}/existing`])
    await end()
    await everyMethod(pidReference(pid), notFound)
  })

  test('§3.1.1: servers MUST NOT trust reference data without independent verification', async () => {
    here.pods.push({ ...POD, namespace: 'elsewhere' })
    await assert.rejects(x509(podReference(POD, UID)), notFound)
    const claiming = message({ pid: string(2), selectors: string(3) }).encode({ pid: `k8s:ns:shop`, selectors: 'k8s:ns:shop' })
    const { pid } = await here.workload('/claiming')
    const value = Buffer.concat([wire.PidReference.encode({ pid }), claiming])
    assert.deepEqual(ids(await x509({ reference: { typeUrl: wire.TYPES.pid, value } })), [`${OWN}/claiming`])
  })

  test('§3.1.2: servers must not answer references of processes to requests from outside the node', async () => {
    const tcp = here.broker({ tcp: true })
    await everyMethod(pidReference(process.pid), answers(STATUS.denied), tcp)
    here.pods.push(POD)
    assert.deepEqual(ids(await first(tcp, 'SubscribeToX509SVID', podReference(POD))), [`${OWN}/pod`])
  })

  test('§3.1.3: the PID MUST be a positive integer', async () => {
    for (const pid of [0, -1, -(2 ** 31)]) await everyMethod(pidReference(pid), invalid)
  })

  test('§3.1.3: for core resources the group MUST be set to the literal string core', async () => {
    here.pods.push(POD)
    for (const group of ['', 'v1', 'Core', 'core/v1']) await everyMethod(objectReference({ type: { plural: 'pods', group }, uid: UID }), invalid)
    await everyMethod(objectReference({ type: { plural: '', group: 'core' }, uid: UID }), invalid)
    await everyMethod(objectReference({ uid: UID }), invalid)
  })

  test('§3.1.3: for non-core resources the group MUST be set to the API group name', async () => {
    here.api.put('deployments.apps', { name: 'checkout', namespace: 'shop', uid: UID, labels: { app: 'checkout' } })
    await here.node.domain.entry(NODE, '/deployment', 'k8s:key:shop/checkout')
    await known('k8s:key:shop/checkout')
    const named = (group: string) => objectReference({ type: { plural: 'deployments', group }, key: { namespace: 'shop', name: 'checkout' } })
    assert.deepEqual(ids(await x509(named('apps'))), [`${OWN}/deployment`])
    for (const group of ['', 'core', 'apps/v1', 'app']) await everyMethod(named(group), invalid)
  })

  test('§3.1.3: key.namespace MUST be set for namespaced resources', async () => {
    here.pods.push(POD)
    await everyMethod(podReference({ name: 'web-1' }), invalid)
    await everyMethod(objectReference({ type: { plural: 'deployments', group: 'apps' }, key: { name: 'checkout' } }), invalid)
  })

  test('§3.1.3: key.namespace MUST be empty for cluster-scoped resources', async () => {
    here.api.put('nodes.core', { name: 'node-1', uid: OTHER_UID })
    await here.node.domain.entry(NODE, '/node-1', 'k8s:kind:Node')
    await known('k8s:kind:Node')
    const type = { plural: 'nodes', group: 'core' }
    assert.deepEqual(ids(await x509(objectReference({ type, key: { name: 'node-1' } }))), [`${OWN}/node-1`])
    await everyMethod(objectReference({ type, key: { namespace: 'shop', name: 'node-1' } }), invalid)
  })

  test('§3.1.3: key.name is required when key is set', async () => {
    here.pods.push(POD)
    await everyMethod(podReference({ namespace: 'shop' }), invalid)
    await everyMethod(podReference({ namespace: 'shop' }, UID), invalid)
    await everyMethod(podReference({}, UID), invalid)
  })

  test('§3.1.3: at least one of key or uid MUST be specified', async () => {
    await everyMethod(podReference(undefined), invalid)
  })

  test('brokerapi.proto: uid MUST be a valid UUID string as assigned by Kubernetes', async () => {
    for (const uid of ['web', UID.toUpperCase(), `${UID}0`, `{${UID}}`, ` ${UID}`]) await everyMethod(podReference(undefined, uid), invalid)
  })

  test('§3.1.3: the server MUST verify that the object resolved by key has the specified UID at the time of issuing, and MUST return an error otherwise', async () => {
    here.pods.push(POD)
    assert.deepEqual(ids(await x509(podReference(POD, UID))), [`${OWN}/pod`])
    await everyMethod(podReference(POD, OTHER_UID), notFound)
    await everyMethod(podReference({ namespace: 'shop', name: 'web-2' }, UID), notFound)
  })

  test('§3.1.4: servers that receive a reference type they do not recognize MUST reject the request with InvalidArgument', async () => {
    for (const typeUrl of ['spiffe.broker.WorkloadPIDReference', 'type.googleapis.com/spiffe.broker.workloadpidreference', 'toString']) {
      await everyMethod({ reference: { typeUrl, value: wire.PidReference.encode({ pid: process.pid }) } }, invalid)
    }
  })
})

describe('SPIFFE_Broker_API.md §4: behaviour', () => {
  test('§4.1: implementations MUST maintain a strict allow-only policy', async () => {
    here.pods.push(POD)
    const { pid } = await here.workload('/wanted')
    await everyMethod(pidReference(pid), answers(STATUS.denied), here.broker({ id: `${OWN}/somebody` }))
    await everyMethod(pidReference(pid), answers(STATUS.denied), here.broker({ id: `${OWN}/broker/below` }))
    const podsOnly = here.broker({ id: `${OWN}/pods-only` })
    await everyMethod(pidReference(pid), answers(STATUS.denied), podsOnly)
    assert.deepEqual(ids(await first(podsOnly, 'SubscribeToX509SVID', podReference(POD))), [`${OWN}/pod`])
    await everyMethod(podReference(POD), answers(STATUS.denied), here.broker({ id: `${OWN}/pods-only`, tcp: true }))
  })

  test('§4.2: what a response says MUST NOT be visible to other workloads, nor impact them', async () => {
    const federated = await here.workload('/federated', { federates_with: 'other.org' })
    await here.looking('the foreign bundle is there', () => here.node.running.agent.trusts.all().length > 1)
    const alone = await here.workload('/alone')
    assert.deepEqual(Object.keys((await x509(pidReference(federated.pid))).federatedBundles), [OTHER])
    assert.deepEqual((await x509(pidReference(alone.pid))).federatedBundles, {})
    for (const method of ['SubscribeToX509Bundles', 'SubscribeToJWTBundles'] as const) {
      assert.deepEqual(Object.keys((await first(broker, method, pidReference(federated.pid))).bundles).sort(), [OWN, OTHER])
      assert.deepEqual(Object.keys((await first(broker, method, pidReference(alone.pid))).bundles), [OWN])
    }
    assert.deepEqual(ids(await fetchJwt(broker, pidReference(alone.pid))), [`${OWN}/alone`])
  })

  test('§4.4: every stream response MUST include the full set of information, of the workload referenced and of no other', async () => {
    const { pid } = await here.workload('/first')
    await here.workload('/not-this-one')
    const talk = subscribe(broker, 'SubscribeToX509SVID', pidReference(pid))
    assert.deepEqual(ids((await talk.next()) as never), [`${OWN}/first`])
    const next = talk.next()
    await here.another(pid, '/second')
    assert.deepEqual(ids((await next) as never), [`${OWN}/first`, `${OWN}/second`])
    talk.cancel()
  })

  test('§4.4: receiving a request MUST be considered a response-generating event: the first response MUST be sent without delay', async () => {
    const { pid } = await here.workload('/prompt')
    // Time stands still: nothing but the request can have brought the answers about.
    for (const method of Object.keys(STREAMS)) assert.ok(await first(broker, method as keyof typeof STREAMS, pidReference(pid)))
  })

  test('§4.5: values that are default or empty MUST be what counts now: a message says nothing of what was redacted', async () => {
    const { pid, entry } = await here.workload('/redacted', { federates_with: 'other.org', hint: 'outside' })
    await here.looking('the foreign bundle is there', () => here.node.running.agent.trusts.all().length > 1)
    const talk = subscribe(broker, 'SubscribeToX509SVID', pidReference(pid))
    const before = await talk.next()
    assert.deepEqual([Object.keys(before?.federatedBundles ?? {}), before?.svids[0]?.hint], [[OTHER], 'outside'])
    const next = talk.next()
    await here.node.domain.world.ok('write', `spiffe/entries/${entry}`, { federates_with: [], hint: '' })
    await here.looking('it is known', () => here.entriesOf(pid).every(({ hint }) => hint === ''))
    const after = await next
    assert.deepEqual([after?.federatedBundles, after?.svids[0]?.hint], [{}, ''])
    talk.cancel()
  })

  test('§4.7: federated bundles MUST be used as in the Workload API: one of each foreign trust domain, by its SPIFFE ID', async () => {
    const { pid } = await here.workload('/abroad', { federates_with: 'other.org' })
    await here.looking('the foreign bundle is there', () => here.node.running.agent.trusts.all().length > 1)
    const expected = Buffer.concat([...other.rooms.authorities.bundle().x509Authorities])
    assert.deepEqual((await x509(pidReference(pid))).federatedBundles, { [OTHER]: expected })
  })

  test('§4.8: implementations MUST validate that the reference points to an existing workload before processing any identity request', async () => {
    await assert.rejects(fetchJwt(broker, pidReference(ABSENT), ['db'], `${OWN}/web`), notFound)
    await assert.rejects(fetchJwt(broker, podReference(POD), ['db'], `${OWN}/web`), notFound)
  })

  test('§4.8: the server MUST return InvalidArgument for a reference that is missing, malformed or invalid', async () => {
    await everyMethod(undefined, invalid)
    await everyMethod(pidReference(-1), invalid)
    await everyMethod({ reference: { typeUrl: wire.TYPES.pid, value: Buffer.from([0xff]) } }, invalid)
  })

  test('§4.8: the server MUST return NotFound for a workload that cannot be found', async () => {
    await everyMethod(pidReference(ABSENT), (error) => {
      assert.deepEqual(infoOf(error)?.metadata, { pid: String(ABSENT) })
      return notFound(error)
    })
    await everyMethod(podReference(POD, UID), (error) => {
      assert.deepEqual(infoOf(error)?.metadata, { plural: 'pods', group: 'core', namespace: 'shop', name: 'web-1', uid: UID })
      return notFound(error)
    })
  })

  test('§4.8: the server MUST return PermissionDenied for a workload that is not entitled', async () => {
    await everyMethod(pidReference(NOBODY), notEntitled)
    here.pods.push({ ...POD, namespace: 'unknown' })
    await everyMethod(podReference(undefined, UID), notEntitled)
  })

  test('§4.9: once the workload has stopped, the server MUST stop sending responses for it', async () => {
    const { pid, end } = await here.workload('/stopping')
    const talks = Object.keys(STREAMS).map((method) => subscribe(broker, method as keyof typeof STREAMS, pidReference(pid)))
    for (const talk of talks) await talk.next()
    const next = talks.map((talk) => assert.rejects(talk.next(), notFound))
    await end()
    here.node.timers.fire(6_000)
    await Promise.all(next)
  })

  test('§4.9: an object is stopped when it no longer exists, or when its name no longer leads to the pinned UID', async (t) => {
    const clock = { monotonic: () => (now += 5_000) }
    let now = 0
    const moving = await openBrokerNode({}, clock)
    t.after(() => moving.close())
    await moving.node.domain.entry(NODE, '/pod', 'k8s:ns:shop')
    await moving.looking('the entry is known', () => moving.node.running.agent.matching(new Set(['k8s:ns:shop'])).length > 0)
    const client = moving.broker()
    const stopped = async (change: () => void) => {
      moving.pods.splice(0, moving.pods.length, POD)
      const talk = subscribe(client, 'SubscribeToX509SVID', podReference(POD, UID))
      await talk.next()
      const next = assert.rejects(talk.next(), notFound)
      change()
      moving.node.timers.fire(6_000)
      await next
    }
    await stopped(() => void moving.pods.splice(0))
    await stopped(() => void moving.pods.splice(0, 1, { ...POD, uid: OTHER_UID }))
  })
})

describe('SPIFFE_Broker_API.md: what it demands of brokers', () => {
  /** The command line, as a broker. */
  const run = (line: string, written?: (path: string) => void) => {
    const { parts } = here.node
    return runWith(`agent broker ${line}`, {
      ...(written ? { written } : {}),
      env: { SPIFFE_ENDPOINT_SOCKET: `unix://${parts.socket.path}`, SPIFFE_BROKER_SOCKET: `unix://${parts.broker?.socket?.path}` },
    })
  }

  test('§3.1.1: clients MUST provide a reference', async () => {
    assert.deepEqual(await run('fetch x509').then(({ code, err }) => [code, err]), [1, 'give either -pid, or -name or -uid of an object\n'])
  })

  test('§3.1.2: clients MUST ensure that local references are not sent to remote servers', async () => {
    const { code, err } = await run(`fetch x509 -pid=${process.pid} -broker-socket=tcp://agent.example.com:8443`)
    assert.equal(code, 1)
    assert.match(err, /-pid means a process of this machine/)
  })

  test('§4.5: clients MUST take default and empty values for what counts now', async () => {
    const { pid, entry } = await here.workload('/shrinking', { federates_with: 'other.org' })
    await here.looking('the foreign bundle is there', () => here.node.running.agent.trusts.all().length > 1)
    const { watching, has } = await writing(pid)
    await has('/certs/federated_bundle.0.0.pem')
    await here.node.domain.world.ok('write', `spiffe/entries/${entry}`, { federates_with: [] })
    await here.looking('it is known', () => here.entriesOf(pid).every(({ federatesWith }) => federatesWith.length === 0))
    await gone(pid, entry)
    const { out, files } = await watching
    assert.match(out, /Received 1 svid/)
    assert.deepEqual([...files.keys()], [])
  })

  test('§4.8: clients MUST handle cases where only the status code is available', async () => {
    const { code, err } = await run(`fetch x509 -pid=${process.pid} -broker-socket=tcp://127.0.0.1:${here.node.running.brokerPort}`)
    assert.equal(code, 2)
    assert.match(err, /^the agent says: .*over TCP\nhint: /)
  })

  test('§4.9: once the workload has stopped, the client MUST drop all data, removing it from file systems', async () => {
    const { pid, end } = await here.workload('/leaving')
    const { watching, has } = await writing(pid)
    await has('/certs/bundle.0.pem')
    await end()
    here.node.timers.fire(6_000)
    const { code, out, files } = await watching
    assert.match(out, /leaving/)
    assert.deepEqual([code, [...files.keys()]], [2, []])
  })

  test('§5.3: identities MUST be identified with their hint, as it was delivered', async () => {
    const { pid } = await here.workload('/inside', { hint: 'internal' })
    await here.another(pid, '/outside', { hint: 'external' })
    const { svids } = JSON.parse((await run(`fetch x509 -format=json -pid=${pid}`)).out)
    assert.deepEqual(Object.fromEntries(svids.map((one: { spiffe_id: string; hint: string }) => [one.hint, one.spiffe_id])), {
      internal: `${OWN}/inside`,
      external: `${OWN}/outside`,
    })
  })

  /** Watches a workload, and writes what it is given. */
  async function writing(pid: number) {
    const names = new Set<string>()
    const watching = run(`watch -pid=${pid} -write=/certs`, (path) => void names.add(path))
    return { watching, has: (path: string) => until(`${path} is written`, () => names.has(path)) }
  }
})

describe('SPIFFE_Broker_API.md §5: the X.509-SVID profile', () => {
  test('§5.1: in x509_svid the leaf certificate MUST come first', async () => {
    const { pid } = await here.workload('/leaf')
    const [svid] = (await x509(pidReference(pid))).svids
    const leaf = new X509Certificate(new DerReader(svid?.x509Svid as Buffer).next().whole)
    assert.equal(leaf.subjectAltName, `URI:${OWN}/leaf`)
    assert.equal(svid?.spiffeId, `${OWN}/leaf`)
  })

  test('§5.1: the PKCS#8 private key MUST be unencrypted', async () => {
    const { pid } = await here.workload('/key')
    const [svid] = (await x509(pidReference(pid))).svids
    const key = createPrivateKey({ key: svid?.x509SvidKey as Buffer, format: 'der', type: 'pkcs8' })
    assert.ok(new X509Certificate(new DerReader(svid?.x509Svid as Buffer).next().whole).checkPrivateKey(key))
  })

  test('§5.2.1: svids MUST contain one or more messages, one for each identity', async () => {
    const { pid } = await here.workload('/one')
    await here.another(pid, '/two')
    assert.deepEqual(ids(await x509(pidReference(pid))), [`${OWN}/one`, `${OWN}/two`])
  })

  test('§5.2.1: servers MUST ensure that a hint is unique amongst the SVIDs', async () => {
    const { pid } = await here.workload('/hinted', { hint: 'main' })
    await here.another(pid, '/again', { hint: 'main' })
    assert.equal((await x509(pidReference(pid))).svids.length, 1)
  })

  test('§5.2.1: without a workload, or without X509-SVIDs for it, the server MUST respond with the code of §4.8', async () => {
    await assert.rejects(x509(pidReference(ABSENT)), notFound)
    await assert.rejects(x509(pidReference(NOBODY)), notEntitled)
    await losing('SubscribeToX509SVID')
  })

  test('§5.2.2: bundles MUST contain at least the bundle of the trust domain of the server', async () => {
    const { pid } = await here.workload('/verifier')
    const own = here.node.domain.world.kernel.spiffe()?.authorities.bundle().x509Authorities ?? []
    assert.deepEqual((await first(broker, 'SubscribeToX509Bundles', pidReference(pid))).bundles, { [OWN]: Buffer.concat([...own]) })
  })

  test('§5.2.2: without a workload, or without X.509 bundles for it, the server MUST respond with the code of §4.8', async () => {
    await assert.rejects(first(broker, 'SubscribeToX509Bundles', pidReference(ABSENT)), notFound)
    await assert.rejects(first(broker, 'SubscribeToX509Bundles', pidReference(NOBODY)), notEntitled)
    await losing('SubscribeToX509Bundles')
  })

  test('§5.2.2: what is held of other workloads MUST NOT be affected', async () => {
    await sparing('SubscribeToX509Bundles')
    await sparing('SubscribeToX509SVID')
  })
})

describe('SPIFFE_Broker_API.md §6: the JWT-SVID profile', () => {
  const claimsOf = (token = '') => JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString())

  test('§6.2.1: audience MUST contain the values to embed in the audience claim', async () => {
    const { pid } = await here.workload('/audience')
    const { svids } = await fetchJwt(broker, pidReference(pid), ['db', 'cache'])
    assert.deepEqual(claimsOf(svids[0]?.svid).aud.sort(), ['cache', 'db'])
    await assert.rejects(fetchJwt(broker, pidReference(pid), []), answers(STATUS.invalid))
    await assert.rejects(fetchJwt(broker, pidReference(pid), ['db', '']), answers(STATUS.invalid))
  })

  test('§6.2.1: if spiffe_id is unspecified, the server MUST return JWT-SVIDs for all identities of the workload', async () => {
    const { pid } = await here.workload('/a')
    await here.another(pid, '/b')
    assert.deepEqual(ids(await fetchJwt(broker, pidReference(pid))), [`${OWN}/a`, `${OWN}/b`])
    assert.deepEqual(ids(await fetchJwt(broker, pidReference(pid), ['db'], `${OWN}/b`)), [`${OWN}/b`])
    await assert.rejects(fetchJwt(broker, pidReference(pid), ['db'], 'b'), answers(STATUS.invalid))
  })

  test('§6.2.1: svids MUST contain one or more messages', async () => {
    const { pid } = await here.workload('/some')
    const { svids } = await fetchJwt(broker, pidReference(pid))
    assert.equal(claimsOf(svids[0]?.svid).sub, `${OWN}/some`)
    await assert.rejects(fetchJwt(broker, pidReference(pid), ['db'], `${OWN}/nobody`), notEntitled)
  })

  test('§6.2.1: servers MUST ensure that a hint is unique amongst the SVIDs', async () => {
    const { pid } = await here.workload('/spoken', { hint: 'main' })
    await here.another(pid, '/echo', { hint: 'main' })
    assert.equal((await fetchJwt(broker, pidReference(pid))).svids.length, 1)
  })

  test('§6.2.1: without a workload, or without JWT-SVIDs for it, the server MUST respond with the code of §4.8', async () => {
    await assert.rejects(fetchJwt(broker, pidReference(ABSENT)), notFound)
    await assert.rejects(fetchJwt(broker, pidReference(NOBODY)), notEntitled)
  })

  test('§6.2.2: bundles MUST contain at least the JWT bundle of the trust domain of the server', async () => {
    const { pid } = await here.workload('/reader')
    const { bundles } = await first(broker, 'SubscribeToJWTBundles', pidReference(pid))
    const own = here.node.domain.world.kernel.spiffe()?.authorities.bundle().jwtAuthorities ?? []
    assert.deepEqual(
      JSON.parse(String(bundles[OWN])).keys.map(({ kid }: { kid: string }) => kid),
      own.map(({ keyId }) => keyId),
    )
  })

  test('§6.2.2: the server MUST NOT include keys with other uses', async () => {
    const { pid } = await here.workload('/uses')
    const { bundles } = await first(broker, 'SubscribeToJWTBundles', pidReference(pid))
    for (const key of JSON.parse(String(bundles[OWN])).keys) {
      assert.ok(key.kid)
      assert.ok(key.use === undefined || key.use === 'jwt-svid')
      assert.equal(key.x5c, undefined)
    }
  })

  test('§6.2.2: without a workload, or without JWT bundles for it, the server MUST respond with the code of §4.8', async () => {
    await assert.rejects(first(broker, 'SubscribeToJWTBundles', pidReference(ABSENT)), notFound)
    await assert.rejects(first(broker, 'SubscribeToJWTBundles', pidReference(NOBODY)), notEntitled)
    await losing('SubscribeToJWTBundles')
  })

  test('§6.2.2: what is held of other workloads MUST NOT be affected', () => sparing('SubscribeToJWTBundles'))
})

/** A stream to a workload whose last entry goes ends with the code of one that never had any. */
async function losing(method: keyof typeof STREAMS): Promise<void> {
  const { pid, entry } = await here.workload('/losing')
  const talk = subscribe(broker, method, pidReference(pid))
  await talk.next()
  const next = assert.rejects(talk.next(), notEntitled)
  await gone(pid, entry)
  await next
}

/** … and that of another goes on. */
async function sparing(method: keyof typeof STREAMS): Promise<void> {
  const spared = await here.workload('/spared')
  const talk = subscribe(broker, method, pidReference(spared.pid))
  await talk.next()
  let over = false
  const next = talk.next().then(
    () => {},
    () => (over = true),
  )
  await losing(method)
  assert.equal(over, false)
  talk.cancel()
  await next
}

async function gone(pid: number, entry: string): Promise<void> {
  await here.node.domain.world.ok('delete', `spiffe/entries/${entry}`)
  await here.looking('it is gone', () => here.entriesOf(pid).length === 0)
}

// What SPIFFE_Broker_API.md demands of a server (§1–4), statement by statement, of an agent that serves brokers.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import * as wire from '../../src/agent/broker/messages.ts'
import { brokerServices, type BrokerDeps } from '../../src/agent/broker/service.ts'
import {
  fetchJwt,
  first,
  HEADERS,
  infoOf,
  objectReference,
  openBrokerNode,
  pidReference,
  podReference,
  STREAMS,
  subscribe,
} from '../../src/testing/broker-node.ts'
import { NODE } from '../../src/testing/served-node.ts'
import { STATUS } from '../../src/wire/grpc.ts'
import { message, string } from '../../src/wire/protobuf.ts'
import {
  ABSENT,
  answers,
  broker,
  everyMethod,
  here,
  ids,
  invalid,
  known,
  METHODS,
  NOBODY,
  notEntitled,
  notFound,
  OTHER,
  other,
  OTHER_UID,
  OWN,
  POD,
  UID,
  x509,
} from './broker-rig.ts'

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

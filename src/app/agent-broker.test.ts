import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { silent } from '../base/log.ts'
import { toPem } from '../crypto/certificate.ts'
import { readCrl } from '../crypto/crl.ts'
import { DerReader } from '../crypto/der.ts'
import { NOTHING_REVOKED, verifyX509Svid } from '../crypto/x509-svid.ts'
import { type BrokerNode, fetchJwt, first, infoOf, openBrokerNode, pidReference, podReference, subscribe } from '../testing/broker-node.ts'
import { memoryDrawer } from '../testing/agent-domain.ts'
import { NODE, refused } from '../testing/served-node.ts'
import { type GrpcError, STATUS } from '../wire/grpc.ts'
import { runAgent } from './agent.ts'
import type { BrokerConfig } from './config/agent-broker.ts'
import { ports } from './ports.ts'

const POD = { namespace: 'shop', name: 'web-1', uid: '0f47cb8b-4bbd-4c2b-8f1c-0a8a2a0e6b7d' }

describe('the Broker API', () => {
  let here: BrokerNode
  before(async () => {
    here = await openBrokerNode()
  })
  after(() => here.close())

  test('what a process is entitled to, for a broker that refers to it', async () => {
    const { pid } = await here.workload('/web', { hint: 'main' })
    const client = here.broker()
    const { svids, federatedBundles } = await first(client, 'SubscribeToX509SVID', pidReference(pid))
    assert.deepEqual(
      svids.map(({ spiffeId, hint }) => [spiffeId, hint]),
      [['spiffe://example.org/web', 'main']],
    )
    assert.deepEqual(federatedBundles, {})
    const leaf = new DerReader(svids[0]?.x509Svid as Buffer).next().whole
    assert.equal(
      verifyX509Svid([leaf], here.node.domain.clock.now(), () => [svids[0]?.bundle as Buffer], NOTHING_REVOKED).id,
      'spiffe://example.org/web',
    )
    assert.deepEqual(Object.keys((await first(client, 'SubscribeToX509Bundles', pidReference(pid))).bundles), ['spiffe://example.org'])
    assert.deepEqual(Object.keys((await first(client, 'SubscribeToJWTBundles', pidReference(pid))).bundles), ['spiffe://example.org'])
    const jwt = await fetchJwt(client, pidReference(pid))
    assert.deepEqual(
      jwt.svids.map(({ spiffeId, hint }) => [spiffeId, hint]),
      [['spiffe://example.org/web', 'main']],
    )
  })

  test('the same for a pod, by TCP', async () => {
    here.pods.push(POD)
    await here.node.domain.entry(NODE, '/pod', 'k8s:ns:shop')
    const client = here.broker({ tcp: true })
    await here.looking('the agent knows', () => here.node.running.agent.matching(new Set(['k8s:ns:shop'])).length > 0)
    for (const reference of [podReference({ namespace: 'shop', name: 'web-1' }), podReference(undefined, POD.uid), podReference(POD, POD.uid)]) {
      const { svids } = await first(client, 'SubscribeToX509SVID', reference)
      assert.deepEqual(
        svids.map(({ spiffeId }) => spiffeId),
        ['spiffe://example.org/pod'],
      )
    }
  })

  test('a stream ends with the workload', async () => {
    const { pid, end } = await here.workload('/short')
    const talk = subscribe(here.broker(), 'SubscribeToX509SVID', pidReference(pid))
    await talk.next()
    await end()
    const over = talk.next()
    here.node.timers.fire(6_000)
    await assert.rejects(
      over,
      (error) => infoOf(error)?.reason === 'WORKLOAD_NOT_FOUND' && refused(STATUS.notFound, 'there is no such process')(error),
    )
  })

  test('identities that administer a server, or sign for others, are handed to no broker', async () => {
    const { pid } = await here.workload('/admin', { admin: true })
    const client = here.broker()
    const denied = refused(STATUS.denied, 'no identity issued')
    await assert.rejects(first(client, 'SubscribeToX509SVID', pidReference(pid)), denied)
    await assert.rejects(first(client, 'SubscribeToX509Bundles', pidReference(pid)), denied)
    await assert.rejects(fetchJwt(client, pidReference(pid)), denied)
    await here.another(pid, '/below', { downstream: true })
    await here.another(pid, '/plain')
    const ids = ({ svids }: { svids: { spiffeId?: string }[] }) => svids.map(({ spiffeId }) => spiffeId)
    assert.deepEqual(ids(await first(client, 'SubscribeToX509SVID', pidReference(pid))), ['spiffe://example.org/plain'])
    assert.deepEqual(ids(await fetchJwt(client, pidReference(pid))), ['spiffe://example.org/plain'])
  })

  test('a broker whose SVID is revoked is none any more, on a connection that is open too', async () => {
    const { pid } = await here.workload('/kept')
    const own = here.svid()
    const client = here.broker({ own })
    await first(client, 'SubscribeToX509SVID', pidReference(pid))
    const talk = subscribe(client, 'SubscribeToX509SVID', pidReference(pid))
    await talk.next()
    await here.node.domain.world.ok('write', 'spiffe/svid/revoke', { certificate: toPem(own.chain) })
    const toTheEnd = async () => {
      while (await talk.next());
    }
    const isOver = ({ code }: GrpcError) => code === STATUS.unauthenticated || code === STATUS.unavailable // what it hears before the agent hangs up
    const over = assert.rejects(toTheEnd, isOver)
    const lists = () => here.node.running.agent.trusts.own()?.lists.crls ?? []
    await here.node.looking('the list has come', () => lists().some((crl) => readCrl(crl).serials.size > 0))
    here.node.timers.fire(6_000)
    await over
    await assert.rejects(first(here.broker({ own }), 'SubscribeToX509SVID', pidReference(pid)), isOver)
    await first(here.broker(), 'SubscribeToX509SVID', pidReference(pid))
  })

  test('a token comes too late for a workload that has ended', async (t) => {
    const { pid, end } = await here.workload('/late')
    const { jwt } = here.node.running.agent
    const { get } = jwt
    t.after(() => Object.assign(jwt, { get }))
    Object.assign(jwt, {
      async get(...asked: Parameters<typeof get>) {
        const given = await get.apply(jwt, asked)
        await end()
        return given
      },
    })
    await assert.rejects(fetchJwt(here.broker(), pidReference(pid)), refused(STATUS.notFound, 'there is no such process'))
  })

  test('workloads without an identity get the bundle where verifiers may be anybody', async (t) => {
    const open = await openBrokerNode({ allowUnauthenticatedVerifiers: true })
    t.after(() => open.close())
    const client = open.broker()
    for (const method of ['SubscribeToX509Bundles', 'SubscribeToJWTBundles'] as const) {
      assert.deepEqual(Object.keys((await first(client, method, pidReference(process.pid))).bundles), ['spiffe://example.org'])
    }
    await assert.rejects(first(client, 'SubscribeToX509SVID', pidReference(process.pid)), refused(STATUS.denied, 'no identity issued'))
  })

  /** A second agent, whose server is away, with its doors as given. */
  const second = (doors: Partial<BrokerConfig>) => {
    const { parts, domain, timers } = here.node
    const settings = { ...parts.settings, addresses: ['127.0.0.1:1'] }
    const socket = { path: join(domain.folder, 'second/api.sock'), mode: 0o700 }
    const broker = parts.broker && { ...parts.broker, ...doors }
    const whole = { ...parts, settings, socket, broker, adminSocket: undefined, drawer: memoryDrawer() }
    return runAgent(whole, { ...ports, clock: domain.clock, timers }, silent)
  }

  test('an agent that has no identity yet lets nobody in', async (t) => {
    const path = join(here.node.domain.folder, 'second-broker/api.sock')
    const running = await second({ socket: { path, mode: 0o700 }, address: undefined })
    t.after(() => running.close())
    await once(connect(path).resume(), 'close')
  })

  test('a socket or port that is taken keeps the agent from starting', async () => {
    await assert.rejects(second({}), /is in use/)
    await assert.rejects(second({ socket: undefined, address: `127.0.0.1:${here.node.running.brokerPort}` }), /is in use/)
  })
})

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { NOTHING_REVOKED, verifyX509Svid } from '../crypto/x509-svid.ts'
import { DerReader } from '../crypto/der.ts'
import { type BrokerNode, fetchJwt, first, infoOf, openBrokerNode, pidReference, podReference, subscribe } from '../testing/broker-node.ts'
import { NODE, refused } from '../testing/served-node.ts'
import { STATUS } from '../wire/grpc.ts'

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
})

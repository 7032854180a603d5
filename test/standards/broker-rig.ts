// An agent that serves brokers, and a broker of it, for whoever imports this: opened before the tests of that file, closed after them.
import assert from 'node:assert/strict'
import { after, afterEach, before } from 'node:test'
import { formatBundle } from '../../src/crypto/bundle.ts'
import { type BrokerNode, fetchJwt, first, infoOf, openBrokerNode, type Pod, STREAMS } from '../../src/testing/broker-node.ts'
import { NODE } from '../../src/testing/served-node.ts'
import { openTrustDomain, type TrustDomainBench } from '../../src/testing/trust-domain.ts'
import { GrpcError, STATUS } from '../../src/wire/grpc.ts'
import type { GrpcClient } from '../../src/wire/grpc-client.ts'

export const UID = '0f47cb8b-4bbd-4c2b-8f1c-0a8a2a0e6b7d'
export const OTHER_UID = 'ffffffff-4bbd-4c2b-8f1c-0a8a2a0e6b7d'
export const POD: Pod = { namespace: 'shop', name: 'web-1', uid: UID, labels: { app: 'web' } }
export const ABSENT = 2 ** 30
/** A process without an identity. */
export const NOBODY = process.ppid
export const OWN = 'spiffe://example.org'
export const OTHER = 'spiffe://other.org'

export type Reference = Parameters<typeof first>[2]

export let here: BrokerNode
export let broker: GrpcClient
export let other: TrustDomainBench
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

export const known = (...selectors: string[]) =>
  here.looking(`${selectors.join()} is known`, () => here.node.running.agent.matching(new Set(selectors)).length > 0)

/** Every method, each by one call that is over with its first answer. */
export const METHODS: Readonly<Record<string, (reference: Reference, client?: GrpcClient) => Promise<unknown>>> = {
  ...Object.fromEntries(
    Object.keys(STREAMS).map((name) => [name, (reference: Reference, client = broker) => first(client, name as keyof typeof STREAMS, reference)]),
  ),
  FetchJWTSVID: (reference, client = broker) => fetchJwt(client, reference),
}

export const answers = (code: number, reason?: string) => (error: unknown) => {
  assert.ok(error instanceof GrpcError)
  assert.deepEqual([error.code, infoOf(error)?.reason, infoOf(error)?.domain], [code, reason, reason && 'spiffe.io'], error.message)
  return true
}
export const invalid = answers(STATUS.invalid, 'WORKLOAD_REFERENCE_INVALID')
export const notFound = answers(STATUS.notFound, 'WORKLOAD_NOT_FOUND')
export const notEntitled = answers(STATUS.denied, 'WORKLOAD_NOT_ENTITLED')

export async function everyMethod(reference: Reference, refusal: (error: unknown) => boolean, client?: GrpcClient): Promise<void> {
  for (const [name, call] of Object.entries(METHODS)) await assert.rejects(call(reference, client), refusal, name)
}

export const ids = ({ svids }: { svids: { spiffeId?: string }[] }) => svids.map(({ spiffeId = '' }) => spiffeId).sort((a, b) => (a < b ? -1 : 1))
export const x509 = (reference: Reference) => first(broker, 'SubscribeToX509SVID', reference)

export async function gone(pid: number, entry: string): Promise<void> {
  await here.node.domain.world.ok('delete', `spiffe/entries/${entry}`)
  await here.looking('it is gone', () => here.entriesOf(pid).length === 0)
}

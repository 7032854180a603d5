// A node whose agent serves brokers: brokers with SVIDs of a test's making, processes and pods that they refer to.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import type { AgentEntry } from '../agent/entry.ts'
import { k8sAttestor } from '../agent/attestors/k8s.ts'
import * as wire from '../agent/broker/messages.ts'
import { ports } from '../app/ports.ts'
import { svidCredentials } from '../app/svid-credentials.ts'
import type { Clock } from '../base/ports.ts'
import { newSigningKey, type SigningKey } from '../crypto/signing-key.ts'
import { parseSpiffeId, parseTrustDomain } from '../crypto/spiffe-id.ts'
import { NOTHING_REVOKED } from '../crypto/x509-svid.ts'
import type { Spiffe } from '../spiffe/rooms.ts'
import { GrpcError } from '../wire/grpc.ts'
import { type Answers, type CallOptions, type GrpcClient, openGrpcClient } from '../wire/grpc-client.ts'
import type { Message, Of } from '../wire/protobuf.ts'
import { ErrorInfo, RpcStatus } from '../wire/rpc-status.ts'
import { type ApiServer, apiServer } from './kubernetes.ts'
import { NODE, type NodeParts, openServedNode, type ServedNode } from './served-node.ts'

const selectorOf = (pid: number): string => `systemd:id:${pid}.service`

export const BROKER = 'spiffe://example.org/broker'
export const HEADERS = { metadata: { [wire.HEADER]: 'true' } }

export interface Pod {
  readonly namespace: string
  readonly name: string
  readonly uid: string
  readonly labels?: Readonly<Record<string, string>>
}

export interface TestSvid {
  readonly key: SigningKey
  readonly chain: readonly Buffer[]
}

export interface SvidOptions {
  readonly id?: string
  /** Seconds. */
  readonly ttl?: number
  readonly spiffe?: Spiffe
}

export interface BrokerNode {
  readonly node: ServedNode
  /** What the kubelet reports; a test changes it. */
  readonly pods: Pod[]
  /** What is known of other objects. */
  readonly api: ApiServer
  /** An SVID of this identity, of the trust domain of the agent unless another's rooms are given. */
  svid(options?: SvidOptions): TestSvid
  /** A broker that shows such an SVID, or the one that is given; by the local socket unless it is to be by TCP. */
  broker(options?: SvidOptions & { readonly tcp?: boolean; readonly own?: TestSvid }): GrpcClient
  /** A process with an identity of its own, until it is killed. */
  workload(path: string, more?: object): Promise<{ readonly pid: number; readonly entry: string; end(): Promise<void> }>
  /** Gives the process one more identity. */
  another(pid: number, path: string, more?: object): Promise<void>
  /** The agent's entries for a process. */
  entriesOf(pid: number): AgentEntry[]
  /** Lets the agent and its streams look again, until this holds. */
  looking(what: string, holds: () => boolean): Promise<void>
  close(): Promise<void>
}

export async function openBrokerNode(more: NodeParts = {}, clock: Pick<Clock, 'monotonic'> = ports.clock): Promise<BrokerNode> {
  const pods: Pod[] = []
  const api = apiServer()
  const kubelet = async () => ({
    status: 200,
    body: Buffer.from(JSON.stringify({ items: pods.map((metadata) => ({ metadata, spec: { serviceAccountName: 'default', nodeName: 'n' } })) })),
  })
  const both = ['pid', 'kubernetes'] as const
  const node = await openServedNode({
    workloadAttestors: [
      k8sAttestor(kubelet, { tries: 1, pause: 1, containers: true, clusterPods: false }, { timers: ports.timers, clock }, api.get),
      { type: 'systemd', attest: async ({ pid }) => [`id:${pid}.service`] },
    ],
    broker: (folder) => ({
      socket: { path: join(folder, 'broker/api.sock'), mode: 0o700 },
      address: '127.0.0.1:0',
      brokers: new Map([
        [parseSpiffeId(BROKER), { local: both, remote: ['kubernetes'] }],
        [parseSpiffeId('spiffe://example.org/pods-only'), { local: ['kubernetes'], remote: [] }],
        [parseSpiffeId('spiffe://other.org/broker'), { local: both, remote: [] }],
      ]),
    }),
    ...more,
  })
  const { domain, running, parts } = node
  const entriesOf = (pid: number) => running.agent.matching(new Set([selectorOf(pid)]))
  const give = async (pid: number, path: string, given: object) => {
    const before = entriesOf(pid).length
    const entry = await domain.entry(NODE, path, selectorOf(pid), given)
    await node.looking('the agent knows', () => entriesOf(pid).length > before)
    return entry
  }
  const svid = ({ id = BROKER, ttl = 3_600, spiffe = domain.world.kernel.spiffe() }: SvidOptions = {}) => {
    assert.ok(spiffe)
    const key = newSigningKey('ec-p256')
    return { key, chain: spiffe.svids.x509({ id: parseSpiffeId(id), publicKey: key.publicKey, ttl, dnsNames: [], subject: [['O', 'Test']] }).chain }
  }
  const opened: { close(): void }[] = []
  const children = new Set<() => Promise<void>>()
  return {
    node,
    pods,
    api,
    svid,
    broker({ tcp = false, own: given, ...options } = {}) {
      const target = tcp ? `127.0.0.1:${running.brokerPort}` : `unix:${parts.broker?.socket?.path}`
      const own = given ?? svid(options)
      const roots = domain.world.kernel.spiffe()?.authorities.bundle().x509Authorities ?? []
      const trustDomain = parseTrustDomain('example.org')
      const client = openGrpcClient(
        target,
        svidCredentials({ own, roots, trustDomain, check() {}, isRevoked: NOTHING_REVOKED, clock: domain.clock }),
        trustDomain,
      )
      opened.push(client)
      return client
    },
    async workload(path, given = {}) {
      const child = spawn('sleep', ['600'], { stdio: 'ignore' })
      const ended = new Promise((resolve) => child.once('exit', resolve))
      const end = async () => {
        child.kill('SIGKILL')
        await ended
        children.delete(end)
      }
      children.add(end)
      const pid = child.pid as number
      return { pid, entry: await give(pid, path, given), end }
    },
    async another(pid, path, given = {}) {
      await give(pid, path, given)
    },
    entriesOf,
    looking: node.looking,
    async close() {
      for (const client of opened) client.close()
      for (const end of children) await end()
      await node.close()
    },
  }
}

export const pidReference = (pid: number) => ({ reference: { typeUrl: wire.TYPES.pid, value: wire.PidReference.encode({ pid }) } })
export const objectReference = (value: Partial<Of<typeof wire.KubernetesReference>>) => ({
  reference: { typeUrl: wire.TYPES.kubernetes, value: wire.KubernetesReference.encode(value) },
})
export const podReference = (key: { namespace?: string; name?: string } | undefined, uid = '') =>
  objectReference({ type: { plural: 'pods', group: 'core' }, key, uid })

type Reference = NonNullable<Of<typeof wire.X509SvidRequest>['reference']>

export const STREAMS = {
  SubscribeToX509SVID: wire.X509SvidResponse,
  SubscribeToX509Bundles: wire.X509BundlesResponse,
  SubscribeToJWTBundles: wire.JwtBundlesResponse,
} as const

/** Begins one of the streams. */
export function subscribe<M extends keyof typeof STREAMS>(
  client: GrpcClient,
  method: M,
  reference: Reference | undefined,
  options: CallOptions = HEADERS,
): Answers<Of<(typeof STREAMS)[M]>> {
  const response = STREAMS[method] as Message<Of<(typeof STREAMS)[M]>>
  return client.listen(`/${wire.SERVICE}/${method}`, wire.X509SvidRequest, response, { reference }, options)
}

/** What the first answer of a stream says; hangs up. */
export async function first<M extends keyof typeof STREAMS>(client: GrpcClient, method: M, reference: Reference | undefined, options?: CallOptions) {
  const talk = subscribe(client, method, reference, options)
  try {
    return (await talk.next()) as Of<(typeof STREAMS)[M]>
  } finally {
    talk.cancel()
  }
}

export function fetchJwt(
  client: GrpcClient,
  reference: Reference | undefined,
  audience: readonly string[] = ['db'],
  spiffeId = '',
  options: CallOptions = HEADERS,
) {
  const request = { reference, audience: [...audience], spiffeId }
  return client.ask(`/${wire.SERVICE}/FetchJWTSVID`, wire.JwtSvidRequest, wire.JwtSvidResponse, request, options)
}

/** What the error of a call says in its details. */
export function infoOf(error: unknown): Partial<Of<typeof ErrorInfo>> | undefined {
  if (!(error instanceof GrpcError) || !error.details) return undefined
  const [detail] = RpcStatus.decode(error.details).details
  return detail?.value && ErrorInfo.decode(detail.value)
}

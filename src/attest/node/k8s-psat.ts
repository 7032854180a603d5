// k8s_psat: the agent's pod has a token that Kubernetes made for this pod and this server (a projected service account token).
import { bool, list, object, or, parseShape, secret, text, type Values } from '../../base/fields.ts'
import { Fault } from '../../base/fault.ts'
import { isObject, type JsonObject } from '../../base/json.ts'
import { type AttestCtx, type Attested, nodeAttestor } from '../../contract/attestor.ts'
import { checkPath } from '../../crypto/spiffe-id.ts'
import { objectOf, parseMessage, textOf } from '../go-json.ts'
import { type Kubernetes, openKubernetes } from '../kubernetes.ts'

const TYPE = 'k8s_psat'

const settings = { clusters: object('Clusters by name, each with the settings of one.') }

/** Of one cluster. */
const clusterShape = {
  service_account_allow_list: list('Service accounts of agents, as `namespace:name`.'),
  audience: or(list('Who tokens must be for: one of these.'), ['spire-server']),
  api_server: or(text("URL of the cluster's API; the cluster that this server runs in otherwise."), ''),
  ca_cert: or(text("PEM of the authorities of the API's certificate; the system's otherwise."), ''),
  token: or(secret(text('Token to ask the API with.')), ''),
  allowed_node_label_keys: or(list('Labels of nodes that become selectors.'), []),
  allowed_pod_label_keys: or(list('Labels of pods that become selectors.'), []),
  use_pod_uid_for_agent_id: or(bool('Name the agent by its pod instead of its node.'), false),
}

type Cluster = Values<typeof clusterShape>

interface Claim {
  readonly cluster: string
  readonly token: string
}

export const k8sPsat = nodeAttestor({
  type: TYPE,
  doc: 'A token that Kubernetes made for the pod of the agent.',
  settings,
  configure,
  show: ({ clusters }) => ({ clusters: Object.fromEntries(Object.entries(objectOf(clusters)).map(([name, one]) => [name, withoutToken(one)])) }),
  parse,
  async verify(ctx, clusters, { cluster: name, token }) {
    const cluster = clusters.get(name)
    if (!cluster) throw new Fault('invalid', `not configured for cluster "${name.slice(0, 100)}"`)
    const api = openKubernetes(ctx.outbound, accountOf(ctx, cluster))
    return describe(name, cluster, await locate(api, await review(api, cluster, token)))
  },
})

function withoutToken(cluster: unknown): JsonObject {
  const { token: _, ...shown } = objectOf(cluster as JsonObject)
  return shown
}

function configure({ clusters }: Values<typeof settings>): ReadonlyMap<string, Cluster> {
  const found = Object.entries(clusters)
  if (found.length === 0) throw new Fault('invalid', 'clusters is needed: an object with a member for each')
  return new Map(found.map(([name, given]) => [name, parseCluster(name, isObject(given) ? given : undefined)]))
}

function parseCluster(name: string, given: JsonObject | undefined): Cluster {
  const at = `cluster "${name}"`
  checkPath(`/${name}`)
  if (name.includes('/')) throw new Fault('invalid', `${at}: a name has no slash`)
  if (!given) throw new Fault('invalid', `${at} must be an object`)
  const unknown = Object.keys(given).filter((key) => !Object.hasOwn(clusterShape, key))
  if (unknown.length > 0)
    throw new Fault('invalid', `${at}: unknown settings: ${unknown.join(', ')} (known: ${Object.keys(clusterShape).join(', ')})`)
  const cluster = parseShape(clusterShape, given)
  if (cluster.service_account_allow_list.length === 0) throw new Fault('invalid', `${at} must have at least one service account allowed`)
  if (cluster.audience.length === 0) throw new Fault('invalid', `${at}: audience cannot be empty`)
  const protocol = URL.parse(cluster.api_server)?.protocol
  if (cluster.api_server === '' ? cluster.token !== '' : cluster.token === '')
    throw new Fault('invalid', `${at}: api_server and token are needed together, or neither`)
  if (cluster.api_server !== '' && protocol !== 'https:') throw new Fault('invalid', `${at}: api_server must be an https URL`)
  return cluster
}

const MAX_TOKEN = 16_384

function parse(payload: Buffer): Claim {
  const message = parseMessage(payload, 'data payload')
  const claim = { cluster: textOf(message['cluster'], 'cluster'), token: textOf(message['token'], 'token') }
  if (claim.cluster === '') throw new Fault('invalid', 'missing cluster in attestation data')
  if (claim.token === '') throw new Fault('invalid', 'missing token in attestation data')
  if (claim.token.length > MAX_TOKEN || !/^[\w.-]+$/.test(claim.token)) throw new Fault('invalid', 'the token in attestation data is malformed')
  return claim
}

function accountOf({ serviceAccount }: AttestCtx, { api_server: address, ca_cert: ca, token }: Cluster) {
  const found = address === '' ? serviceAccount() : { address, ca, token }
  if (!found) throw new Fault('unavailable', 'this server runs in no Kubernetes cluster: the cluster needs an api_server and a token')
  return found
}

/** What the cluster says the token is of. */
interface Reviewed {
  readonly namespace: string
  readonly account: string
  readonly podName: string
  readonly podUid: string
}

const ACCOUNT = /^system:serviceaccount:([^:]+):([^:]+)$/

async function review(api: Kubernetes, cluster: Cluster, token: string): Promise<Reviewed> {
  const { authenticated, audiences, error, user } = await api.review(token, cluster.audience)
  if (authenticated !== true || (typeof error === 'string' && error !== '')) throw refused('token not authenticated according to TokenReview API')
  // An API that does not know of audiences names none: a token for somebody else would pass.
  if (!Array.isArray(audiences) || !cluster.audience.some((one) => audiences.includes(one))) throw refused('the token is not for this server')
  const { username, extra } = objectOf(user)
  const [, namespace, account] = ACCOUNT.exec(typeof username === 'string' ? username : '') ?? []
  if (namespace === undefined || account === undefined) throw refused('the token is of no service account')
  if (!cluster.service_account_allow_list.includes(`${namespace}:${account}`))
    throw refused(`"${namespace}:${account}" is not an allowed service account`)
  const only = (name: string) => onlyText(objectOf(extra)[`authentication.kubernetes.io/${name}`], name)
  return { namespace, account, podName: only('pod-name'), podUid: only('pod-uid') }
}

function onlyText(values: unknown, name: string): string {
  const [value, ...more] = Array.isArray(values) ? values : []
  if (typeof value !== 'string' || value === '' || more.length > 0) throw refused(`the token is bound to no pod (${name})`)
  return value
}

interface Located extends Reviewed {
  readonly nodeName: string
  readonly nodeUid: string
  readonly nodeIp: string
  readonly nodeLabels: JsonObject
  readonly podLabels: JsonObject
}

/** The pod that the token is bound to, and no other of its name, with the node that it runs on. */
async function locate(api: Kubernetes, reviewed: Reviewed): Promise<Located> {
  const pod = await api.pod(reviewed.namespace, reviewed.podName)
  const meta = objectOf(pod['metadata'])
  if (meta['uid'] !== reviewed.podUid) throw refused('the pod of the token is gone')
  const nodeName = textOf(objectOf(pod['spec'])['nodeName'], 'nodeName')
  if (nodeName === '') throw refused('the pod of the token runs on no node')
  const node = objectOf((await api.node(nodeName))['metadata'])
  const nodeUid = textOf(node['uid'], 'uid')
  if (nodeUid === '') throw refused('the node has no UID')
  const nodeIp = textOf(objectOf(pod['status'])['hostIP'], 'hostIP')
  return { ...reviewed, nodeName, nodeUid, nodeIp, nodeLabels: objectOf(node['labels']), podLabels: objectOf(meta['labels']) }
}

function describe(name: string, cluster: Cluster, found: Located): Attested {
  const labels = (kind: string, all: JsonObject, allowed: readonly string[]) =>
    Object.entries(all).flatMap(([key, value]) => (allowed.includes(key) && typeof value === 'string' ? [`${kind}:${key}:${value}`] : []))
  return {
    path: cluster.use_pod_uid_for_agent_id ? `${name}/pod/${found.podUid}` : `${name}/${found.nodeUid}`,
    selectors: [
      `cluster:${name}`,
      `agent_ns:${found.namespace}`,
      `agent_sa:${found.account}`,
      `agent_pod_name:${found.podName}`,
      `agent_pod_uid:${found.podUid}`,
      ...(found.nodeIp === '' ? [] : [`agent_node_ip:${found.nodeIp}`]),
      `agent_node_name:${found.nodeName}`,
      `agent_node_uid:${found.nodeUid}`,
      ...labels('agent_node_label', found.nodeLabels, cluster.allowed_node_label_keys),
      ...labels('agent_pod_label', found.podLabels, cluster.allowed_pod_label_keys),
    ],
    canReattest: true,
  }
}

function refused(why: string): Fault {
  return new Fault('denied', why)
}

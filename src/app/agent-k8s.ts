// workload_attestor "k8s": where the kubelet is, and how each side knows the other.
import { readFileSync } from 'node:fs'
import type { WorkloadAttestor } from '../agent/attestors/attestor.ts'
import { k8sAttestor } from '../agent/attestors/k8s.ts'
import { toMilliseconds } from '../base/duration.ts'
import { Fault } from '../base/fault.ts'
import { bool, int, or, text, type Values } from '../base/fields.ts'
import { readText } from './agent-files.ts'
import { getFromKubernetes } from './agent-http.ts'
import { isAddress } from './config/listener.ts'
import { type Block, refuse } from './config/stanza.ts'
import { ports } from './ports.ts'

const SERVICE_ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount'

export const K8S = {
  node_name: or(text('Name of this node, which the kubelet’s certificate has to be for; any name of its authorities otherwise.'), ''),
  node_name_env: or(text('Environment variable with that name.'), ''),
  kubelet_secure_port: or(int('Port of the kubelet, with TLS.'), 10_250),
  kubelet_read_only_port: or(int('Port of the kubelet in the clear, which is asked in place of the other; 0 for none.'), 0),
  kubelet_ca_path: or(text('File with the authorities that the kubelet’s certificate comes from.'), `${SERVICE_ACCOUNT}/ca.crt`),
  skip_kubelet_verification: or(bool('Believe any kubelet.'), false),
  token_path: or(text('File with the token that is shown to the kubelet.'), `${SERVICE_ACCOUNT}/token`),
  certificate_path: or(text('File with a client certificate to show in place of the token.'), ''),
  private_key_path: or(text('File with its private key.'), ''),
  max_poll_attempts: or(int('How often the kubelet is asked for a container that it does not report yet.'), 60),
  poll_retry_interval: or(text('Pause between, such as 500ms.'), '500ms'),
  api_server_address: or(
    text('host:port of the API server, which is asked for what brokers refer to besides pods; in a pod, that of its cluster.'),
    '',
  ),
  api_server_ca_path: or(text('File with the authorities that its certificate comes from.'), `${SERVICE_ACCOUNT}/ca.crt`),
  cluster_pods: or(bool('Let brokers refer to pods of other nodes, too, as the API server says.'), false),
  disable_container_selectors: or(bool('Look at the pod alone, which is known before its containers are.'), false),
}

export function openK8s(values: Values<typeof K8S>, block: Block): WorkloadAttestor {
  const { certificate_path: certPath, private_key_path: keyPath, max_poll_attempts: tries } = values
  if ((certPath === '') !== (keyPath === '')) throw refuse(block, 'certificate_path and private_key_path belong together')
  if (tries < 1) throw refuse(block, 'max_poll_attempts must be at least 1')
  const nodeName = values.node_name || (process.env[values.node_name_env] ?? '')
  const secure = values.kubelet_read_only_port === 0
  const tls = {
    authorities: () => (values.skip_kubelet_verification ? undefined : readFileSync(values.kubelet_ca_path)),
    verified: !values.skip_kubelet_verification,
    named: nodeName !== '',
    token: () => (certPath === '' ? readText(values.token_path).trim() : undefined),
    certificate: () => (certPath === '' ? undefined : { cert: readFileSync(certPath), key: readFileSync(keyPath) }),
  }
  const get = getFromKubernetes({
    host: secure && nodeName !== '' ? nodeName : '127.0.0.1',
    port: secure ? values.kubelet_secure_port : values.kubelet_read_only_port,
    tls: secure ? tls : undefined,
  })
  const pause = pauseIn(block, values.poll_retry_interval)
  const apiServer = apiServerOf(values, block)
  if (values.cluster_pods && !apiServer) throw refuse(block, 'cluster_pods needs an API server: api_server_address, or a pod to run in')
  const settings = { tries, pause, containers: !values.disable_container_selectors, clusterPods: values.cluster_pods }
  return k8sAttestor(get, settings, ports, apiServer)
}

/** Undefined where there is none. It is known by its name, and knows the agent by the token of its service account. */
function apiServerOf({ api_server_address: given, api_server_ca_path: caPath, token_path: tokenPath }: Values<typeof K8S>, block: Block) {
  const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port } = process.env
  if (given === '' && (!host || !port)) return undefined
  if (given !== '' && !isAddress(given)) throw refuse(block, `api_server_address "${given}" is not host:port`)
  const at = given === '' ? { host: host ?? '', port: Number(port) } : addressOf(given)
  const tls = {
    authorities: () => readFileSync(caPath),
    verified: true,
    named: true,
    token: () => readText(tokenPath).trim(),
    certificate: () => undefined,
  }
  return getFromKubernetes({ ...at, tls })
}

function addressOf(text: string): { readonly host: string; readonly port: number } {
  const at = text.lastIndexOf(':')
  return { host: text.slice(0, at).replace(/^\[|\]$/g, ''), port: Number(text.slice(at + 1)) }
}

function pauseIn(block: Block, given: string): number {
  try {
    const pause = toMilliseconds(given)
    if (pause > 0) return pause
  } catch (error) {
    if (!(error instanceof Fault)) throw error
  }
  throw refuse(block, `poll_retry_interval "${given}" is no duration, such as 500ms`)
}

// k8s_psat, aws_iid, gcp_iit, azure_imds, the node's side: what somebody who is trusted tells this node of itself.
import { formatMessage, parseMessage, textOf } from '../../attest/go-json.ts'
import { Fault } from '../../base/fault.ts'
import type { OutboundRequest } from '../../base/outbound.ts'
import type { NodeAttestation } from '../attestation.ts'
import type { NodePorts } from './ports.ts'

const TIMEOUT_MS = 5_000
const MAX_BYTES = 65_536

type Ask = (request: Pick<OutboundRequest, 'url'> & Partial<OutboundRequest>) => Promise<string>

/** Throws `unavailable` where the metadata service does not answer. */
function asking({ outbound }: Pick<NodePorts, 'outbound'>): Ask {
  return async (request) => {
    const answer = await outbound({ method: 'GET', timeoutMs: TIMEOUT_MS, maxBytes: MAX_BYTES, ...request }).catch((error: Error) => error)
    if (answer instanceof Error) throw new Fault('unavailable', `the metadata service does not answer: ${answer.message}`)
    if (answer.status !== 200) throw new Fault('unavailable', `the metadata service answered ${answer.status}`)
    return answer.body.toString()
  }
}

const noChallenge = (type: string) => () => Promise.reject(new Fault('invalid', `the server gave a challenge, which ${type} does not answer`))

/** The token is read anew at each attempt, since Kubernetes renews it. */
export function k8sPsat({ readText }: Pick<NodePorts, 'readText'>, cluster: string, tokenPath: string): NodeAttestation {
  return {
    type: 'k8s_psat',
    payload: async () => formatMessage({ cluster, token: readText(tokenPath).trim() }),
    answer: noChallenge('k8s_psat'),
  }
}

/** By the second version of the metadata service, which no proxy passes on. */
export function awsIid(ports: Pick<NodePorts, 'outbound'>, endpoint: string): NodeAttestation {
  const ask = asking(ports)
  return {
    type: 'aws_iid',
    async payload() {
      const short = { 'X-aws-ec2-metadata-token-ttl-seconds': '60' }
      const token = await ask({ method: 'PUT', url: `${endpoint}/latest/api/token`, headers: short })
      const read = (name: string) =>
        ask({ url: `${endpoint}/latest/dynamic/instance-identity/${name}`, headers: { 'X-aws-ec2-metadata-token': token } })
      const [document, signature, rsa2048] = await Promise.all([read('document'), read('signature'), read('rsa2048')])
      return formatMessage({ document, signature, rsa2048 })
    },
    answer: noChallenge('aws_iid'),
  }
}

export function gcpIit(ports: Pick<NodePorts, 'outbound'>, endpoint: string, serviceAccount: string): NodeAttestation {
  const ask = asking(ports)
  const query = 'audience=spire-gcp-node-attestor&format=full'
  const url = `${endpoint}/computeMetadata/v1/instance/service-accounts/${encodeURIComponent(serviceAccount)}/identity?${query}`
  return {
    type: 'gcp_iit',
    payload: async () => Buffer.from((await ask({ url, headers: { 'Metadata-Flavor': 'Google' } })).trim()),
    answer: noChallenge('gcp_iit'),
  }
}

/** The version of Azure's metadata service that has been there for years. */
const AZURE_VERSION = '2021-02-01'

export function azureImds(ports: Pick<NodePorts, 'outbound'>, endpoint: string, tenantDomain: string): NodeAttestation {
  const ask = asking(ports)
  return {
    type: 'azure_imds',
    payload: async () => Buffer.from('non_empty_payload'), // something has to be said
    async answer(challenge) {
      const query = `api-version=${AZURE_VERSION}&nonce=${encodeURIComponent(challenge.toString())}`
      const said = await ask({ url: `${endpoint}/metadata/attested/document?${query}`, headers: { Metadata: 'true' } })
      const document = parseMessage(Buffer.from(said), 'attested document')
      const [encoding, signature] = [textOf(document['encoding'], 'encoding'), textOf(document['signature'], 'signature')]
      return formatMessage({ document: { encoding, signature }, metadata: { agentDomain: tenantDomain, vmssName: null } })
    },
  }
}

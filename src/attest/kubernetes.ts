// The three questions that Kubernetes' API is asked about an agent: whose a token is, and which pod and node those are.
import { Fault } from '../base/fault.ts'
import { type JsonObject, parseJson } from '../base/json.ts'
import type { Outbound } from '../base/outbound.ts'
import type { ServiceAccount } from '../contract/attestor.ts'
import { objectOf } from './go-json.ts'

export interface Kubernetes {
  /** The `status` of a TokenReview (authentication.k8s.io/v1). */
  review(token: string, audiences: readonly string[]): Promise<JsonObject>
  pod(namespace: string, name: string): Promise<JsonObject>
  node(name: string): Promise<JsonObject>
}

const TIMEOUT_MS = 10_000
const MAX_BYTES = 1 << 20

/** Its functions throw `unavailable` where the API doesn't answer as it should; what it says instead is told to nobody. */
export function openKubernetes(outbound: Outbound, { address, token, ca }: ServiceAccount): Kubernetes {
  async function ask(path: string, body?: JsonObject): Promise<JsonObject> {
    const headers = { Authorization: `Bearer ${token}`, Accept: 'application/json', 'Content-Type': 'application/json' }
    const request = { url: address.replace(/\/$/, '') + path, headers, timeoutMs: TIMEOUT_MS, maxBytes: MAX_BYTES, ...(ca === '' ? {} : { ca }) }
    const answer = await outbound(body ? { ...request, method: 'POST', body: JSON.stringify(body) } : { ...request, method: 'GET' }).catch(
      (): undefined => undefined,
    )
    const said = answer && answer.status >= 200 && answer.status <= 299 ? parsed(answer.body) : undefined
    if (!said) throw new Fault('unavailable', 'the API of the Kubernetes cluster did not answer')
    return said
  }
  return {
    async review(reviewed, audiences) {
      const spec = { token: reviewed, audiences: [...audiences] }
      const { status } = await ask('/apis/authentication.k8s.io/v1/tokenreviews', {
        apiVersion: 'authentication.k8s.io/v1',
        kind: 'TokenReview',
        spec,
      })
      return objectOf(status)
    },
    pod: async (namespace, name) => ask(`/api/v1/namespaces/${segment(namespace)}/pods/${segment(name)}`),
    node: async (name) => ask(`/api/v1/nodes/${segment(name)}`),
  }
}

/** A name as objects have them (RFC 1123), which leads nowhere else. */
function segment(name: string): string {
  if (!/^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/.test(name)) throw new Fault('denied', 'the Kubernetes cluster names what cannot be there')
  return name
}

function parsed(body: Buffer): JsonObject | undefined {
  try {
    return objectOf(parseJson(body))
  } catch (error) {
    if (error instanceof Fault) return undefined
    throw error
  }
}

// Requests to daemons of this node: over a local socket, or over TLS with what the daemon is to be known by.
import { type ClientRequest, request as requestPlain } from 'node:http'
import { request as requestTls } from 'node:https'
import type { HttpAnswer, HttpGet } from '../agent/attestors/http.ts'

const TIMEOUT = 5_000
const MOST_BYTES = 64 << 20

export const getLocally =
  (socketPath: string): HttpGet =>
  (path, headers = {}) =>
    answerTo(requestPlain({ socketPath, path, headers: { ...headers, host: 'localhost' }, timeout: TIMEOUT }))

/** A daemon of Kubernetes: a kubelet, or the API server. */
export interface KubernetesAt {
  readonly host: string
  readonly port: number
  /** Undefined for its port in the clear. */
  readonly tls: KubernetesTls | undefined
}

/** What may have changed on disk since the last request is read for each. */
export interface KubernetesTls {
  readonly authorities: () => Buffer | undefined
  /** Whether the certificate has to come from them. */
  readonly verified: boolean
  /** Whether it has to be for `host`, too. */
  readonly named: boolean
  readonly token: () => string | undefined
  readonly certificate: () => { readonly cert: Buffer; readonly key: Buffer } | undefined
}

export const getFromKubernetes =
  ({ host, port, tls }: KubernetesAt): HttpGet =>
  (path, headers = {}) => {
    if (!tls) return answerTo(requestPlain({ host, port, path, headers, timeout: TIMEOUT }))
    const token = tls.token()
    const ca = tls.authorities()
    const options = {
      host,
      port,
      path,
      ...(ca ? { ca } : {}),
      ...tls.certificate(),
      rejectUnauthorized: tls.verified,
      ...(tls.named ? {} : { checkServerIdentity: () => undefined }),
      headers: token === undefined ? headers : { ...headers, authorization: `Bearer ${token}` },
      agent: false,
      timeout: TIMEOUT,
    }
    return answerTo(requestTls(options))
  }

function answerTo(sent: ClientRequest): Promise<HttpAnswer> {
  return new Promise((resolve, reject) => {
    sent.on('response', (response) => {
      const chunks: Buffer[] = []
      let size = 0
      response.on('data', (chunk: Buffer) => {
        size += chunk.length
        if (size > MOST_BYTES) sent.destroy(new Error('the answer is too large'))
        chunks.push(chunk)
      })
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks) }))
      response.on('error', reject)
    })
    sent.on('timeout', () => sent.destroy(new Error('no answer in time')))
    sent.on('error', reject)
    sent.end()
  })
}

// How a request can fail: the server refused it, or no answer came.
import { isObject } from '../base/json.ts'
import type { HttpRequest, HttpResponse } from './request.ts'
import { parseBody, parseSecret, type Secret } from './secret.ts'

/** The server answered with an error status. The message is the text that Vault's tools print. */
export class ApiError extends Error {
  readonly method: string
  readonly url: string
  readonly status: number
  /** What the server said; the whole body where it was no JSON. */
  readonly errors: readonly string[]
  /** By what `sys/policies/explain` knows the request, where it was refused. */
  readonly explainId: string | undefined
  /** What some answers carry beside their status: warnings, or the metadata of a deleted version. */
  readonly secret: Secret | undefined

  constructor(request: HttpRequest, response: HttpResponse) {
    const { errors, raw } = readErrors(response.body)
    super(describe(request, response, errors, raw))
    this.name = 'ApiError'
    this.method = request.method
    this.url = request.url
    this.status = response.status
    this.errors = errors
    this.explainId = response.headers['x-signet-explain-id']
    this.secret = raw ? undefined : secretBeside(response.body)
  }
}

/** No answer came: the connection was refused, not trusted, or took too long. */
export class Unreachable extends Error {
  /** The system's or TLS library's code (`ECONNREFUSED`, `CERT_HAS_EXPIRED`), or ''. */
  readonly code: string

  constructor(request: HttpRequest, cause: unknown) {
    super(`${request.method} ${request.url}: ${reason(cause)}`, { cause })
    this.name = 'Unreachable'
    this.code = codeOf(cause)
  }
}

function describe(request: HttpRequest, response: HttpResponse, errors: readonly string[], raw: boolean): string {
  const sent = request.headers['X-Vault-Namespace']
  const namespace = sent && sent !== 'root/' ? `Namespace: ${sent}\n` : ''
  const list = raw ? errors[0] : errors.map((error) => `* ${error}`).join('\n')
  const title = raw ? 'Raw Message' : 'Errors'
  return `Error making API request.\n\n${namespace}URL: ${request.method} ${request.url}\nCode: ${response.status}. ${title}:\n\n${list}`
}

function readErrors(body: Uint8Array): { errors: readonly string[]; raw: boolean } {
  try {
    const parsed = parseBody(body)
    if (!isObject(parsed)) return { errors: [Buffer.from(body).toString()], raw: true }
    const errors = parsed['errors']
    return { errors: Array.isArray(errors) ? errors.map(String) : [], raw: false }
  } catch {
    return { errors: [Buffer.from(body).toString()], raw: true }
  }
}

function secretBeside(body: Uint8Array): Secret | undefined {
  const secret = parseSecret(body)
  if (!secret) return undefined
  const told = (secret.warnings?.length ?? 0) > 0 || Object.keys(secret.data ?? {}).some((key) => key !== 'errors')
  return told ? secret : undefined
}

function codeOf(cause: unknown): string {
  const code = (cause as { code?: unknown } | undefined)?.code
  return typeof code === 'string' ? code : ''
}

const REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'connection reset by peer',
  ENOTFOUND: 'no such host',
  EAI_AGAIN: 'no such host',
  ETIMEDOUT: 'timeout',
  ENOENT: 'no such socket',
  EPROTO: 'the TLS handshake failed',
  CERT_HAS_EXPIRED: "the server's certificate has expired",
  DEPTH_ZERO_SELF_SIGNED_CERT: 'the certificate is signed by an unknown authority',
  SELF_SIGNED_CERT_IN_CHAIN: 'the certificate is signed by an unknown authority',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'the certificate is signed by an unknown authority',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'the certificate is signed by an unknown authority',
}

function reason(cause: unknown): string {
  return REASONS[codeOf(cause)] ?? (cause instanceof Error && cause.message ? cause.message : 'no answer')
}

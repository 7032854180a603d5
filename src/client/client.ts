// A client of the Vault HTTP API: paths and data in, secrets out.
import type { Json, JsonObject } from '../base/json.ts'
import { type Address, encodePath, encodeQuery, parseAddress, type Query, trimSlashes } from './address.ts'
import { ApiError, Unreachable } from './failure.ts'
import type { HttpRequest, HttpResponse, ListenTo, SendRequest, TlsOptions } from './request.ts'
import { type Retries, retrying } from './retry.ts'
import { parseSecret, type Secret } from './secret.ts'

export interface ClientOptions {
  /** `https://host:8200`, or `unix:///path` for a socket. */
  readonly address: string
  readonly request: SendRequest
  /** For streams. */
  readonly listen?: ListenTo
  readonly token?: string
  readonly namespace?: string
  /** Asks for answers wrapped for so long: `60s`. */
  readonly wrapTtl?: string
  /** Values of `X-Vault-MFA`. */
  readonly mfa?: readonly string[]
  readonly headers?: Readonly<Record<string, string>>
  readonly tls?: TlsOptions
  /** Default 60 s. */
  readonly timeoutMs?: number
  /** Default: never again. */
  readonly retries?: Retries
  /** Follow one redirect, as a standby answers with. Default true. */
  readonly followRedirect?: boolean
}

/** What one call may carry. */
export interface Call {
  readonly query?: Query
  readonly body?: Json
  readonly contentType?: string
  readonly upload?: HttpRequest['upload']
  readonly into?: HttpRequest['into']
}

/**
 * Paths are relative to `/v1/`. Reads, lists and scans resolve to undefined where there is nothing (404 without data).
 * All reject with ApiError or Unreachable, and with an `invalid` Fault for a path that can't be sent.
 * @example const client = openClient({ address: 'https://127.0.0.1:8200', token, request }); await client.read('secret/data/app')
 */
export interface Client {
  readonly options: ClientOptions
  /** The same client but for these options. */
  with(changes: Partial<ClientOptions>): Client
  read(path: string, query?: Query): Promise<Secret | undefined>
  list(path: string, query?: Query): Promise<Secret | undefined>
  scan(path: string, query?: Query): Promise<Secret | undefined>
  /** By PUT. Undefined where the server had nothing to say (204). */
  write(path: string, data?: JsonObject): Promise<Secret | undefined>
  /** The same by POST, which some tools use for some paths. */
  post(path: string, data?: JsonObject): Promise<Secret | undefined>
  /** A JSON merge patch (RFC 7396). */
  patch(path: string, data: JsonObject): Promise<Secret | undefined>
  delete(path: string, query?: Query): Promise<Secret | undefined>
  /** Hears a stream until the server closes it; resolves to why it did. Rejects as `call` does. */
  hear(path: string, query: Query, hear: (text: string) => void): Promise<string>
  /** Any method; the answer as it came. Rejects with ApiError for an error status. */
  call(method: string, path: string, call?: Call): Promise<HttpResponse>
}

const REDIRECTS: readonly number[] = [301, 302, 307, 308]
const DEFAULT_TIMEOUT_MS = 60_000

export function openClient(options: ClientOptions): Client {
  const address = parseAddress(options.address)
  const call = async (method: string, path: string, what: Call = {}) => exchange(options, prepare(options, address, method, path, what))
  return {
    options,
    call,
    hear: (path, query, hear) => listen(options, prepare(options, address, 'GET', path, { query }), hear),
    with: (changes) => openClient({ ...options, ...changes }),
    read: (path, query = {}) => found(call('GET', path, { query })),
    list: (path, query = {}) => found(call('GET', path, { query: { ...query, list: 'true' } })),
    scan: (path, query = {}) => found(call('GET', path, { query: { ...query, scan: 'true' } })),
    delete: (path, query = {}) => found(call('DELETE', path, { query })),
    write: async (path, data) => parseSecret((await call('PUT', path, carrying(data))).body),
    post: async (path, data) => parseSecret((await call('POST', path, carrying(data))).body),
    patch: async (path, data) => parseSecret((await call('PATCH', path, { body: data, contentType: 'application/merge-patch+json' })).body),
  }
}

function carrying(data: JsonObject | undefined): Call {
  return data === undefined ? {} : { body: data }
}

/** A 404 is not a failure where something is looked up: there is nothing, or there are only warnings or metadata. */
async function found(answer: Promise<HttpResponse>): Promise<Secret | undefined> {
  try {
    return parseSecret((await answer).body)
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return error.secret
    throw error
  }
}

function prepare(options: ClientOptions, address: Address, method: string, path: string, call: Call): HttpRequest {
  const body = call.body === undefined ? {} : { body: Buffer.from(JSON.stringify(call.body)) }
  return {
    method,
    url: `${address.base}/v1/${encodePath(path)}${encodeQuery(call.query ?? {})}`,
    headers: headersOf(options, method, path, call),
    ...body,
    ...(call.upload ? { upload: call.upload } : {}),
    ...(call.into ? { into: call.into } : {}),
    ...(address.socketPath === undefined ? {} : { socketPath: address.socketPath }),
    ...(options.tls === undefined ? {} : { tls: options.tls }),
    timeoutMs: options.timeoutMs ?? DEFAULT_TIMEOUT_MS,
  }
}

function headersOf(options: ClientOptions, method: string, path: string, call: Call): HttpRequest['headers'] {
  const namespace = trimSlashes(options.namespace ?? '')
  // Wrapping is what sys/wrapping/wrap is for, so it has a default there.
  const wrapTtl = options.wrapTtl || ((method === 'PUT' || method === 'POST') && path === 'sys/wrapping/wrap' ? '5m' : '')
  return {
    ...options.headers,
    ...(call.contentType === undefined ? {} : { 'Content-Type': call.contentType }),
    ...(options.mfa && options.mfa.length > 0 ? { 'X-Vault-MFA': options.mfa } : {}),
    ...(namespace === '' ? {} : { 'X-Vault-Namespace': `${namespace}/` }),
    'X-Vault-Request': 'true',
    ...(options.token ? { 'X-Vault-Token': options.token } : {}),
    ...(wrapTtl === '' ? {} : { 'X-Vault-Wrap-TTL': wrapTtl }),
  }
}

async function exchange(options: ClientOptions, request: HttpRequest): Promise<HttpResponse> {
  const send = async (one: HttpRequest): Promise<HttpResponse> => {
    try {
      return await options.request(one)
    } catch (error) {
      throw new Unreachable(one, error)
    }
  }
  const once = async (): Promise<HttpResponse> => {
    const response = await send(request)
    const target = (options.followRedirect ?? true) ? redirected(request, response) : undefined
    return target ? send(target) : response
  }
  const response = options.retries ? await retrying(options.retries, once) : await once()
  if (response.status >= 400 && !isHealth(request, response)) throw new ApiError(request, response)
  return response
}

async function listen({ listen: to }: ClientOptions, request: HttpRequest, hear: (text: string) => void): Promise<string> {
  if (!to) throw new Error('this client can not hear streams')
  const ended = await to(request, hear).catch((error: unknown) => {
    throw new Unreachable(request, error)
  })
  if (typeof ended !== 'string') throw new ApiError(request, ended)
  return ended
}

/** Never from TLS to plain text, which would show the token. */
function redirected(request: HttpRequest, response: HttpResponse): HttpRequest | undefined {
  const location = response.headers['location']
  if (!REDIRECTS.includes(response.status) || location === undefined) return undefined
  const target = URL.parse(location, request.url)
  if (!target || (request.url.startsWith('https:') && target.protocol !== 'https:')) return undefined
  const { socketPath: _, ...rest } = request
  return { ...rest, url: target.href }
}

/** A standby answers 429 to a health check: an answer, not a failure. */
function isHealth(request: HttpRequest, response: HttpResponse): boolean {
  return response.status === 429 && /\/v1\/sys\/health(\?|$)/.test(request.url)
}

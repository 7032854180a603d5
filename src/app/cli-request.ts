// HTTP requests of the command line by Node's client: one connection for each, closed when it is done.
import { Agent as HttpAgent, type ClientRequest, type IncomingMessage, type RequestOptions, request as overHttp } from 'node:http'
import { Agent as HttpsAgent, request as overHttps } from 'node:https'
import { pipeline } from 'node:stream/promises'
import { getCACertificates } from 'node:tls'
import type { HttpRequest, HttpResponse, TlsOptions } from '../client/request.ts'

export function sendRequest(request: HttpRequest): Promise<HttpResponse> {
  return new Promise((resolve, reject) => {
    const sent = start(request, (answer) => collect(answer, request.into).then(resolve, reject))
    const timer = request.timeoutMs > 0 ? setTimeout(() => sent.destroy(timeout()), request.timeoutMs) : undefined
    sent.on('error', reject)
    sent.on('close', () => clearTimeout(timer))
    // A server that refuses an upload answers before its end.
    if (request.upload) void pipeline(request.upload, sent).catch(reject)
    else sent.end(request.body)
  })
}

function timeout(): Error {
  return Object.assign(new Error('timeout'), { code: 'ETIMEDOUT' })
}

function start(request: HttpRequest, answered: (answer: IncomingMessage) => void): ClientRequest {
  const url = new URL(request.url)
  const options: RequestOptions = {
    method: request.method,
    headers: { ...request.headers, ...(request.body ? { 'Content-Length': request.body.length } : {}) } as Record<string, string>,
    ...(request.socketPath === undefined ? {} : { socketPath: request.socketPath }),
  }
  if (url.protocol === 'https:')
    return overHttps(url, { ...options, ...tlsOptions(request.tls), agent: new HttpsAgent({ maxCachedSessions: 0 }) }, answered)
  return overHttp(url, { ...options, agent: new HttpAgent() }, answered)
}

export function tlsOptions(tls: TlsOptions = {}): Record<string, unknown> {
  return {
    minVersion: 'TLSv1.2',
    // Companies put their own authority into the system's store, which Node does not read by itself.
    ca: tls.ca ?? [...getCACertificates('default'), ...getCACertificates('system')],
    ...(tls.cert && tls.key ? { cert: tls.cert, key: tls.key } : {}),
    ...(tls.skipVerify ? { rejectUnauthorized: false } : {}),
    ...(tls.serverName ? { servername: tls.serverName } : {}),
  }
}

export async function collect(answer: IncomingMessage, into?: HttpRequest['into']): Promise<HttpResponse> {
  const chunks: Buffer[] = []
  if (into && answer.statusCode === 200) await into(answer)
  else for await (const chunk of answer) chunks.push(chunk as Buffer)
  const headers = Object.entries(answer.headers).map(([name, value]) => [name, [value].flat().join(', ')])
  return { status: answer.statusCode ?? 0, headers: Object.fromEntries(headers), body: Buffer.concat(chunks) }
}

// The bundle endpoint (SPIFFE_Federation.md §5.2): the trust bundle at /, over TLS by the server's own SVID or by a certificate of the web.
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer as createHttps, type Server } from 'node:https'
import { createServer, type Socket } from 'node:net'
import { uuid } from '../base/ids.ts'
import { isObject, parseJson } from '../base/json.ts'
import { parsePath } from '../base/path.ts'
import type { Ports } from '../base/ports.ts'
import type { Answer } from '../contract/answer.ts'
import type { BundleEndpointConfig } from './config/spiffe.ts'
import type { Kernel } from './kernel.ts'
import { bind } from './listen.ts'
import { openServerIdentity } from './server-identity.ts'
import { checkTls, readTls } from './tls.ts'

export interface BundleEndpoint {
  readonly host: string
  readonly port: number
  /** Reads the certificate of the web anew. Throws a Failure where it can't be used; the old one stays then. */
  reload(): void
  close(): Promise<void>
}

const OPTIONS = {
  maxHeaderSize: 8_192,
  headersTimeout: 10_000,
  requestTimeout: 10_000,
  keepAliveTimeout: 5_000,
  connectionsCheckingInterval: 1_000,
  handshakeTimeout: 10_000,
  ALPNProtocols: ['http/1.1'],
}
const MOST_CONNECTIONS = 1_024

export async function listenBundle(
  { address, tls, refreshHint }: BundleEndpointConfig,
  kernel: Kernel,
  ports: Pick<Ports, 'clock' | 'random'>,
): Promise<BundleEndpoint> {
  const identify = openServerIdentity(ports)
  if (tls) checkTls(tls)
  const secure = createHttps({ ...OPTIONS, ...(tls ? readTls(tls) : {}) }, (req, res) => {
    respond(req, res).catch(() => res.destroy())
  })
  secure.on('tlsClientError', (_, socket) => socket.destroy())
  const front = createServer(accept)
  front.maxConnections = MOST_CONNECTIONS

  function accept(raw: Socket): void {
    raw.on('error', () => {}) // a close follows
    const spiffe = kernel.spiffe()
    if (!spiffe?.settings.get()) return void raw.destroy() // sealed, or no trust domain yet: others try again
    if (!tls) identify(spiffe, secure)
    secure.emit('connection', raw)
  }

  async function respond(req: IncomingMessage, res: ServerResponse): Promise<void> {
    if (req.method !== 'GET') return end(res, 405, 'method not allowed', { allow: 'GET' })
    if (!/^\/(?:\?|$)/.test(req.url ?? '')) return end(res, 404, 'not found')
    const { status, body } = await ask(kernel, ports, req)
    if (status !== 200) return end(res, status === 429 ? 429 : 503, 'the bundle cannot be given now')
    const bundle = parseJson(body)
    if (refreshHint > 0 && isObject(bundle)) bundle['spiffe_refresh_hint'] = refreshHint
    res.writeHead(200, { 'content-type': 'application/json', 'cache-control': 'no-store' }).end(JSON.stringify(bundle))
  }

  const bound = await bind(front, address)
  return {
    host: bound.address,
    port: bound.port,
    reload() {
      if (!tls) return
      checkTls(tls)
      secure.setSecureContext(readTls(tls))
    },
    async close() {
      const closed = new Promise((resolve) => front.close(resolve))
      closeAll(secure)
      await closed
    },
  }
}

/** By the line, like everything else. */
function ask(kernel: Kernel, { clock, random }: Pick<Ports, 'clock' | 'random'>, { socket }: IncomingMessage): Promise<Answer> {
  const { remoteAddress = '', remotePort = 0 } = socket
  return kernel.handle({
    id: uuid(random),
    at: clock.now(),
    verb: 'read',
    path: parsePath('spiffe/bundle'),
    namespace: '',
    query: {},
    body: Buffer.alloc(0),
    contentType: undefined,
    token: undefined,
    peer: { address: remoteAddress, port: remotePort },
    wrapTtl: undefined,
  })
}

function end(res: ServerResponse, status: number, text: string, headers: Record<string, string> = {}): void {
  res.writeHead(status, { 'content-type': 'text/plain; charset=utf-8', ...headers }).end(`${status} ${text}\n`)
}

/** An endpoint answers one short question: nothing is lost that the client does not ask again. */
function closeAll(server: Server): void {
  server.closeAllConnections()
  server.close()
}

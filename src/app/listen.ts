// Real HTTP servers for the edge: HTTP/1.1 in the clear, or HTTP/1.1 and HTTP/2 over TLS.
import { createServer, type Server } from 'node:http'
import { createSecureServer, type Http2SecureServer, type ServerHttp2Session } from 'node:http2'
import { type AddressInfo, Server as NetServer, type Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { Failure } from '../cli/failure.ts'
import type { Edge } from '../edge/edge.ts'
import { isUpgrade } from '../edge/upgrade.ts'
import type { EdgeLimits } from '../edge/limits.ts'
import { introducing, type ProxyProtocol } from './introductions.ts'
import { checkTls, isTrusted, readTls, type TlsFiles } from './tls.ts'

export interface ListenerConfig {
  /** `host:port`; IPv6 in brackets; port 0 for any that is free. */
  readonly address: string
  readonly tls?: TlsFiles
  /** Where load balancers tell whom they speak for before the first byte. */
  readonly proxyProtocol?: ProxyProtocol | undefined
}

export interface Listener {
  readonly host: string
  readonly port: number
  /** Reads TLS files for connections to come, from where they are now. Throws a Failure where they can't be used; the old ones stay then. */
  reload(files?: TlsFiles): void
  /** Takes no more connections, lets requests finish, and cuts what is left after the grace. */
  close(graceMs: number): Promise<void>
}

type AnyServer = Server | Http2SecureServer

/** Throws where the address is taken, malformed, or the TLS files can't be used. */
export async function listen(config: ListenerConfig, edge: Edge): Promise<Listener> {
  const { tls } = config
  const server = tls ? createTlsServer(tls, edge) : createPlainServer(edge)
  const front = config.proxyProtocol ? introducing(server as Server, config.proxyProtocol, edge, tls === undefined) : (server as NetServer)
  const sockets = watchSockets(front)
  const sessions = watchSessions(server)
  attach(server, edge)
  front.maxConnections = edge.limits.connections
  front.on('drop', edge.onDrop)
  const { address, port } = await bind(front, config.address)
  return {
    host: address,
    port,
    reload(files = tls) {
      if (!tls || !files) return
      checkTls(files)
      ;(server as Http2SecureServer).setSecureContext(readTls(files))
    },
    close: (graceMs) => close({ server, front, edge, sockets, sessions }, graceMs),
  }
}

function createPlainServer(edge: Edge): Server {
  const server = createServer(httpOptions(edge.limits))
  server.on('connection', (socket) => edge.onConnection(socket, edge.welcome(socket)))
  return server
}

function createTlsServer(files: TlsFiles, edge: Edge): Http2SecureServer {
  const { limits } = edge
  const server = createSecureServer({
    ...httpOptions(limits),
    ...readTls(files),
    allowHTTP1: true,
    handshakeTimeout: limits.headMs,
    maxSessionInvalidFrames: 100,
    maxSessionRejectedStreams: 100,
    settings: { maxConcurrentStreams: 128, maxHeaderListSize: limits.headBytes },
  })
  ;(server as unknown as NetServer).on('connection', (socket: Socket) => {
    if (edge.welcome(socket)) socket.destroy() // a handshake costs more than its client is worth
  })
  server.on('secureConnection', (socket: TLSSocket) => (isTrusted(socket, files) ? edge.onConnection(socket) : socket.destroy()))
  return server
}

function httpOptions(limits: EdgeLimits) {
  return {
    maxHeaderSize: limits.headBytes,
    headersTimeout: limits.headMs,
    requestTimeout: 0, // the edge times bodies itself, but for those of any size
    keepAliveTimeout: limits.idleMs,
    connectionsCheckingInterval: Math.min(1_000, limits.headMs),
    requireHostHeader: false, // the edge refuses it in the API's own words
    optimizeEmptyRequests: true,
    noDelay: true,
    shouldUpgradeCallback: isUpgrade,
  }
}

function attach(server: AnyServer, edge: Edge): void {
  const http = server as Server
  http.maxHeadersCount = 0 // no silent cut: the edge counts
  Object.assign(http, { httpAllowHalfOpen: true }) // a client may close its side and still wait for the answer
  http.setTimeout(edge.limits.idleMs)
  http.on('request', edge.onRequest)
  http.on('upgrade', (req, socket, head) => edge.onUpgrade(req, socket as Socket, head))
  http.on('checkContinue', edge.onRequest)
  http.on('checkExpectation', edge.onRequest)
  http.on('clientError', edge.onClientError as (error: Error, socket: unknown) => void)
}

function watchSockets(front: NetServer): Set<Socket> {
  const sockets = new Set<Socket>()
  front.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  return sockets
}

function watchSessions(server: AnyServer): Set<ServerHttp2Session> {
  const sessions = new Set<ServerHttp2Session>()
  ;(server as Http2SecureServer).on('session', (session: ServerHttp2Session) => {
    sessions.add(session)
    session.once('close', () => sessions.delete(session))
  })
  return sessions
}

export async function bind(server: NetServer, address: string): Promise<AddressInfo> {
  const [, ipv6, name, port] = /^(?:\[([0-9A-Fa-f:.]+)\]|([^:[\]]*)):(\d{1,5})$/.exec(address) ?? []
  if (port === undefined) throw new Failure(1, `the listener address ${address} is not host:port`)
  const host = ipv6 ?? name
  await new Promise<void>((resolve, reject) => {
    const refuse = (error: Error) => reject(bindFailure(error, address))
    server.once('error', refuse)
    server.listen({ port: Number(port), ...(host ? { host } : {}), backlog: 4_096 }, () => {
      server.removeListener('error', refuse)
      resolve()
    })
  })
  return server.address() as AddressInfo
}

const BIND_PROBLEMS: Readonly<Record<string, readonly [string, string]>> = {
  EADDRINUSE: ['is in use', 'stop what listens there, or choose another address'],
  EADDRNOTAVAIL: ['is no address of this machine', 'choose one that it has, or 0.0.0.0 for all'],
  EACCES: ['may not be used', 'ports below 1024 need the capability CAP_NET_BIND_SERVICE'],
  ENOTFOUND: ['has no known host', 'choose an address that this machine has, or 0.0.0.0 for all'],
}

function bindFailure(error: NodeJS.ErrnoException, address: string): Failure {
  const [problem, hint] = BIND_PROBLEMS[error.code ?? ''] ?? [`can't be listened on: ${error.message}`, 'choose another address']
  return new Failure(1, `the listener address ${address} ${problem}`, { hints: [hint] })
}

interface Open {
  readonly server: AnyServer
  /** What listens: the server itself, or what stands before it. */
  readonly front: NetServer
  readonly edge: Edge
  readonly sockets: ReadonlySet<Socket>
  readonly sessions: ReadonlySet<ServerHttp2Session>
}

async function close({ server, front, edge, sockets, sessions }: Open, graceMs: number): Promise<void> {
  // The plain `close` of node:http would destroy connections whose last answer is still on its way out.
  const closed = new Promise<void>((resolve) => NetServer.prototype.close.call(front, () => resolve()))
  edge.drain()
  for (const session of sessions) session.close()
  ;(server as Http2SecureServer).on('session', (late: ServerHttp2Session) => late.close()) // its handshake was under way
  const cut = setTimeout(() => {
    for (const socket of sockets) socket.destroy()
  }, graceMs)
  await closed
  clearTimeout(cut)
  server.close() // ends the watch over slow requests, which only this does
}

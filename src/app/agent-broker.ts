// The door for brokers: gRPC over TLS in which both sides show their SVIDs, on a local socket, a TCP port, or both.
import { createServer, type Socket } from 'node:net'
import { createServer as createTlsServer, type TLSSocket } from 'node:tls'
import type { Agent } from '../agent/agent.ts'
import { type AccessDeps, type BrokerConnection, identify } from '../agent/broker/access.ts'
import type { Identity } from '../agent/identity.ts'
import { Fault } from '../base/fault.ts'
import type { Log } from '../base/log.ts'
import type { Timers } from '../base/ports.ts'
import { chainOf } from '../edge/peer-chain.ts'
import type { GrpcServer } from '../wire/grpc.ts'
import { bindLocal, crowd, type LocalListener, type LocalSocket, MOST_CONNECTIONS } from './agent-sockets.ts'
import { bind } from './listen.ts'
import { openSockets } from './open-sockets.ts'
import { svidContext } from './svid-context.ts'

/** Brokers that are connected, by the name under which their connection was injected. */
export type Connections = Map<string, BrokerConnection>

export interface BrokerDoor {
  /** Undefined for no local socket. */
  readonly socket: LocalSocket | undefined
  /** host:port; undefined for no port. */
  readonly address: string | undefined
}

export interface BrokerListener extends LocalListener {
  /** Of the TCP port, where there is one. */
  readonly port: number | undefined
}

export interface BrokerListenerDeps extends Pick<AccessDeps, 'brokers' | 'clock'> {
  readonly agent: Agent
  readonly grpc: GrpcServer
  readonly connections: Connections
  readonly timers: Timers
  readonly log: Log
}

/** One broker cannot keep the others out. */
const MOST_PER_BROKER = 1_000
/** Milliseconds in which a broker has to have shown its certificate. */
const HANDSHAKE = 10_000
/** Milliseconds in which the last answer gets through before a connection is cut. */
const FAREWELL = 1_000

/** Throws a Failure where one of them can't be listened on. */
export async function listenBrokers({ socket, address }: BrokerDoor, deps: BrokerListenerDeps): Promise<BrokerListener> {
  const doors: ReturnType<typeof openDoor>[] = []
  const close = async () => void (await Promise.all(doors.map((door) => door.close())))
  const counted = crowd<string>(MOST_PER_BROKER)
  const open = (remote: boolean) => {
    const door = openDoor(remote, counted, deps)
    doors.push(door)
    return door.server
  }
  try {
    if (socket) await bindLocal(open(false), socket)
    const port = address === undefined ? undefined : (await bind(open(true), address)).port
    return { port, close }
  } catch (error) {
    await close()
    throw error
  }
}

function openDoor(remote: boolean, counted: ReturnType<typeof crowd<string>>, deps: BrokerListenerDeps) {
  const { agent, grpc, connections, timers, log } = deps
  const sockets = openSockets()
  const refresh = refresher(agent)
  let count = 0

  function accept(raw: Socket): void {
    raw.on('error', () => {}) // a close follows
    if (!refresh(secure)) return void raw.destroy() // brokers try again
    sockets.add(raw)
    secure.emit('connection', raw)
  }

  function admit(socket: TLSSocket): void {
    const chain = chainOf(socket)
    try {
      const id = identify(deps, chain)
      if (!counted.enter(id)) throw new Fault('invalid', `${id} has ${MOST_PER_BROKER} connections`)
      if (!deps.brokers.has(id)) log.warn('a workload that is no broker connected', { spiffe_id: id })
      const name = `broker-${remote ? 'tcp' : 'unix'}-${++count}`
      connections.set(name, { chain, remote, end: () => void timers.after(FAREWELL, () => socket.destroy()) })
      socket.once('close', () => {
        connections.delete(name)
        counted.leave(id)
      })
      grpc.inject(socket, name)
    } catch (error) {
      if (!(error instanceof Fault)) throw error
      log.warn('a broker was turned away', { reason: error.message, ...(remote ? { address: socket.remoteAddress ?? '' } : {}) })
      socket.destroy()
    }
  }

  const secure = createTlsServer({ requestCert: true, rejectUnauthorized: false, ALPNProtocols: ['h2'], handshakeTimeout: HANDSHAKE }, admit)
  secure.on('tlsClientError', (_, socket) => socket.destroy())
  const server = createServer(accept)
  server.maxConnections = MOST_CONNECTIONS
  return {
    server,
    async close() {
      const closed = new Promise((resolve) => server.close(resolve))
      sockets.destroy()
      await closed
    },
  }
}

/** Lets a server show the agent's identity of now; false where it has none. */
function refresher(agent: Agent): (server: { setSecureContext(context: ReturnType<typeof svidContext>): void }) => boolean {
  let shown: Identity | undefined
  return (server) => {
    const identity = agent.identity()
    if (identity && identity !== shown) server.setSecureContext(svidContext(identity))
    shown = identity
    return identity !== undefined
  }
}

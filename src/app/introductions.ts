// A listener behind a load balancer that speaks the PROXY protocol: learns who each client is, then hands the connection on.
import { createServer, type Server, type Socket } from 'node:net'
import { cidrContains } from '../base/cidr.ts'
import { toPeer } from '../edge/connection.ts'
import type { Edge } from '../edge/edge.ts'
import { readIntroduction } from '../edge/proxy-protocol.ts'
import { timers } from './ports.ts'

/** Vault's `proxy_protocol_behavior`. A connection without an introduction is its own client's in each of them. */
export interface ProxyProtocol {
  /** Whom to believe: everybody; the authorised, the others are their connection's; the authorised, the others are cut off. */
  readonly behavior: 'use_always' | 'allow_authorized' | 'deny_unauthorized'
  /** Address blocks of load balancers. */
  readonly authorized: readonly string[]
}

/** A server that listens in place of `server` and gives it the connections. */
export function introducing(server: Server, { behavior, authorized }: ProxyProtocol, edge: Edge, allowHalfOpen: boolean): Server {
  const front = createServer({ allowHalfOpen, noDelay: true }, (socket) => {
    const isBelieved = behavior === 'use_always' || cidrContains(authorized, toPeer(socket).address)
    if (!isBelieved && behavior === 'deny_unauthorized') socket.destroy()
    else read(socket, edge, isBelieved, () => server.emit('connection', socket))
  })
  front.once('listening', () => server.emit('listening')) // it watches over slow requests from then on
  return front
}

function read(socket: Socket, edge: Edge, isBelieved: boolean, next: () => void): void {
  let held: Buffer = Buffer.alloc(0)
  const giveUp = (): void => void socket.destroy()
  const stopTimer = timers.after(edge.limits.headMs, giveUp)
  const settle = (): void => {
    stopTimer()
    socket.removeListener('readable', onReadable).removeListener('end', giveUp).removeListener('error', giveUp)
  }

  function onReadable(): void {
    const chunk = socket.read() as Buffer | null
    if (chunk === null) return
    held = held.length === 0 ? chunk : Buffer.concat([held, chunk])
    const found = readIntroduction(held)
    if (found.kind === 'more') return
    settle()
    if (found.kind === 'malformed') return giveUp()
    if (found.kind === 'named' && found.peer && isBelieved) edge.introduce(socket, found.peer)
    const rest = found.kind === 'named' ? held.subarray(found.size) : held
    if (rest.length > 0) socket.unshift(rest)
    next()
  }

  socket.on('readable', onReadable).once('end', giveUp).once('error', giveUp).once('close', stopTimer)
}

// The front door: turns bytes from a client into a Received, has it handled, and turns the answer into bytes.
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Http2ServerResponse } from 'node:http2'
import type { Socket } from 'node:net'
import { networkOf } from '../base/cidr.ts'
import { Fault } from '../base/fault.ts'
import type { Log } from '../base/log.ts'
import type { Clock, Random, Timers } from '../base/ports.ts'
import type { Answer } from '../contract/answer.ts'
import type { Peer, Received } from '../contract/call.ts'
import { breakOff, toClientFault } from './client-error.ts'
import { openConnection, shown, toPeer } from './connection.ts'
import type { CorsRules } from './cors.ts'
import { Crowd, type Refusal } from './crowd.ts'
import type { ParsedSocket } from './shim.ts'
import { type Forwarding, isProxy } from './forwarded.ts'
import { type Incoming, type Outgoing, toOutgoing } from './exchange.ts'
import { openIds } from './ids.ts'
import { EDGE_LIMITS, type EdgeLimits } from './limits.ts'
import { type CustomHeaders, openResponseHeaders } from './response-headers.ts'
import { type Door, serve } from './serve.ts'
import { openStreams } from './upgrade.ts'

export interface EdgeParts {
  readonly handle: (received: Received) => Promise<Answer>
  readonly clock: Clock
  readonly random: Random
  readonly timers: Timers
  readonly log: Log
  /** Whether clients arrive over TLS. */
  readonly secure: boolean
  readonly limits?: Partial<EdgeLimits>
  readonly headers?: CustomHeaders
  readonly forwarding?: Forwarding | undefined
  readonly cors?: () => CorsRules | undefined
  readonly hooks?: EdgeHooks
}

export interface EdgeHooks {
  /** A client was not let in, or was cut off for being slow. */
  refused?(why: Refusal | 'connections' | 'slow'): void
  /** After each answer; the time is from the request's head to here. */
  answered?(status: number, milliseconds: number): void
}

/** Listeners for the events of a Node HTTP server. */
export interface Edge {
  readonly limits: EdgeLimits
  /** Requests being answered. */
  readonly running: number
  onRequest(req: Incoming, res: ServerResponse | Http2ServerResponse): void
  /** Counts a connection, before anything is spent on it. What it returns is why its client has too many: it must be sent away. */
  welcome(socket: Socket): Fault | undefined
  /** Somebody spoke for the client of a socket: from now on it is `peer`. */
  introduce(socket: Socket, peer: Peer): void
  /** A socket that speaks HTTP, after its TLS handshake, once the server has put its parser on it. Tells why it isn't welcome. */
  onConnection(socket: Socket, refusal?: Fault): void
  /** A connection past the limit of all was closed unseen. */
  onDrop(): void
  /** A request that asks for a WebSocket. */
  onUpgrade(req: IncomingMessage, socket: Socket, head: Buffer): void
  onClientError(error: Error & { code?: string }, socket: Socket): void
  /** For answers from now on; throws as openEdge does, and then the old ones stay. */
  setHeaders(custom: CustomHeaders): void
  /** From now on every answer closes its connection, and idle connections close at once. */
  drain(): void
}

/** Throws an Error where the operator's headers can't be sent. */
export function openEdge(parts: EdgeParts): Edge {
  const { clock, timers, log, handle, hooks = {} } = parts
  const limits = { ...EDGE_LIMITS, ...parts.limits }
  const refused = (why: Parameters<NonNullable<EdgeHooks['refused']>>[0]): void => hooks.refused?.(why)
  const introduced = new Map<string, Peer>()
  let fixed = openResponseHeaders(parts.secure, parts.headers ?? {})
  const door: Door = {
    handle,
    clock,
    timers,
    log,
    limits,
    crowd: new Crowd(limits, refused),
    forwarding: parts.forwarding,
    cors: parts.cors ?? (() => undefined),
    peerOf(socket) {
      const peer = introduced.size > 0 ? introduced.get(wireOf(socket)) : undefined
      return peer ? { ...peer, ...shown(socket) } : toPeer(socket)
    },
    tooSlow: () => refused('slow'),
    nextId: openIds(parts.random),
    fixed: (status) => fixed(status),
    answered: (status, milliseconds) => hooks.answered?.(status, milliseconds),
    connections: new Map(),
    running: 0,
    draining: false,
  }
  const streams = openStreams(timers)
  return {
    limits: door.limits,
    get running() {
      return door.running
    },
    onRequest: (req, res) => serve(door, req, toOutgoing(res)),
    welcome: (socket) => welcome(door, socket),
    introduce(socket, peer) {
      const wire = wireOf(socket)
      introduced.set(wire, peer)
      socket.once('close', () => introduced.delete(wire))
    },
    onConnection: (socket, refusal) => watch(door, socket, refusal),
    onDrop: () => refused('connections'),
    onUpgrade: (req, socket, head) => upgrade(door, req, streams.outgoing(req, socket, head)),
    onClientError: (error, socket) => giveUp(door, error, socket),
    setHeaders(custom) {
      fixed = openResponseHeaders(parts.secure, custom)
    },
    drain() {
      streams.close()
      drain(door)
    },
  }
}

/** The other end as the system knows it: no two connections share it, and one that is wrapped in TLS has it too. */
function wireOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress} ${remotePort}`
}

/** Proxies bring many clients, who are counted by their requests. */
function welcome({ crowd, forwarding, peerOf }: Door, socket: Socket): Fault | undefined {
  const { address } = peerOf(socket)
  if (forwarding && isProxy(forwarding, address)) return undefined
  const client = networkOf(address)
  try {
    crowd.connect(client)
  } catch (error) {
    if (error instanceof Fault) return error
    throw error
  }
  socket.once('close', () => crowd.disconnect(client))
  return undefined
}

function watch(door: Door, socket: ParsedSocket, refusal: Fault | undefined): void {
  if (!socket.parser) return // HTTP/2 needs no watching: it frames its messages itself
  if (door.draining) return socket.destroySoon()
  const connection = openConnection(socket, door.peerOf(socket))
  if (refusal) return breakOff(door, connection, refusal)
  door.connections.set(socket, connection)
  socket.once('close', () => door.connections.delete(socket))
}

/** Without a body, which is known once its end was seen. */
function upgrade(door: Door, req: IncomingMessage, res: Outgoing): void {
  req.once('end', () => serve(door, req, res))
  req.resume()
}

function giveUp(door: Door, error: Error & { code?: string }, socket: Socket): void {
  const connection = door.connections.get(socket)
  const fault = toClientFault(error.code)
  if (fault?.code === 'timeout') door.tooSlow()
  if (!connection || !fault) socket.destroy()
  else if (connection.state === 'open') breakOff(door, connection, fault)
}

function drain(door: Door): void {
  door.draining = true
  for (const { socket, pending, shim } of door.connections.values()) if (pending === 0 && shim.idle) socket.destroySoon()
}

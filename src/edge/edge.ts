// The front door: turns bytes from a client into a Received, has it handled, and turns the answer into bytes.
import type { ServerResponse } from 'node:http'
import type { Http2ServerResponse } from 'node:http2'
import type { Socket } from 'node:net'
import type { Log } from '../base/log.ts'
import type { Clock, Random, Timers } from '../base/ports.ts'
import type { Answer } from '../contract/answer.ts'
import type { Received } from '../contract/call.ts'
import { breakOff, toClientFault } from './client-error.ts'
import { openConnection } from './connection.ts'
import type { ParsedSocket } from './shim.ts'
import { type Incoming, toOutgoing } from './exchange.ts'
import { openIds } from './ids.ts'
import { EDGE_LIMITS, type EdgeLimits } from './limits.ts'
import { type CustomHeaders, openResponseHeaders } from './response-headers.ts'
import { type Door, serve } from './serve.ts'

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
  readonly hooks?: EdgeHooks
}

export interface EdgeHooks {
  /** After each answer; the time is from the request's head to here. */
  answered?(status: number, milliseconds: number): void
}

/** Listeners for the events of a Node HTTP server. */
export interface Edge {
  readonly limits: EdgeLimits
  /** Requests being answered. */
  readonly running: number
  onRequest(req: Incoming, res: ServerResponse | Http2ServerResponse): void
  /** A socket that speaks HTTP, after its TLS handshake, once the server has put its parser on it. */
  onConnection(socket: Socket): void
  onClientError(error: Error & { code?: string }, socket: Socket): void
  /** From now on every answer closes its connection, and idle connections close at once. */
  drain(): void
}

/** Throws an Error where the operator's headers can't be sent. */
export function openEdge(parts: EdgeParts): Edge {
  const { clock, timers, log, handle, hooks = {} } = parts
  const door: Door = {
    handle,
    clock,
    timers,
    log,
    limits: { ...EDGE_LIMITS, ...parts.limits },
    nextId: openIds(parts.random),
    fixed: openResponseHeaders(parts.secure, parts.headers ?? {}),
    answered: (status, milliseconds) => hooks.answered?.(status, milliseconds),
    connections: new Map(),
    running: 0,
    draining: false,
  }
  return {
    limits: door.limits,
    get running() {
      return door.running
    },
    onRequest: (req, res) => serve(door, req, toOutgoing(res)),
    onConnection: (socket) => watch(door, socket),
    onClientError: (error, socket) => giveUp(door, error, socket),
    drain: () => drain(door),
  }
}

function watch(door: Door, socket: ParsedSocket): void {
  if (!socket.parser) return // HTTP/2 needs no watching: it frames its messages itself
  if (door.draining) return socket.destroySoon()
  door.connections.set(socket, openConnection(socket))
  socket.once('close', () => door.connections.delete(socket))
}

function giveUp(door: Door, error: Error & { code?: string }, socket: Socket): void {
  const connection = door.connections.get(socket)
  const fault = toClientFault(error.code)
  if (!connection || !fault) socket.destroy()
  else if (connection.state === 'open') breakOff(door, connection, fault)
}

function drain(door: Door): void {
  door.draining = true
  for (const { socket, pending, shim } of door.connections.values()) if (pending === 0 && shim.idle) socket.destroySoon()
}

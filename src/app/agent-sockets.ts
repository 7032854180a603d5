// The agent's local sockets: who connects is known by the system's word before the first byte is read.
import { chmodSync, mkdirSync } from 'node:fs'
import { createServer, type Server, type Socket } from 'node:net'
import { dirname } from 'node:path'
import type { Process } from '../agent/processes.ts'
import type { Log } from '../base/log.ts'
import type { Clock } from '../base/ports.ts'
import { Failure } from '../cli/failure.ts'
import type { AgentMeter } from '../telemetry/agent-metrics.ts'
import type { GrpcServer } from '../wire/grpc.ts'
import { clearSocket } from './admin-socket.ts'
import { processBehind } from './agent-processes.ts'
import { openSockets } from './open-sockets.ts'

export interface LocalSocket {
  readonly path: string
  /** Permission bits: who of this machine may connect. */
  readonly mode: number
}

export interface LocalListener {
  close(): Promise<void>
}

/** Connected processes, by the name under which their connection was injected. */
export type Peers = Map<string, Process>

/** Bytes of a path in `sockaddr_un`, its end included. */
const PATH_BYTES = 108
export const MOST_CONNECTIONS = 10_000
/** A Unix socket refuses at once who finds no place in its queue, as when all workloads of a machine start together. */
const BACKLOG = 4_096
/** One user cannot keep the others out. */
const MOST_PER_USER = 4_000

interface LocalDeps {
  readonly clock: Pick<Clock, 'monotonic'>
  readonly log: Log
  readonly meter: Pick<AgentMeter, 'connectionRefused'>
}

/** Throws a Failure where the path is taken or can't be used. */
export async function listenLocal(at: LocalSocket, grpc: GrpcServer, peers: Peers, deps: LocalDeps): Promise<LocalListener> {
  const { path } = at
  const refused = refusals(path, deps)
  const sockets = openSockets()
  const users = crowd(MOST_PER_USER)
  let connections = 0

  function accept(socket: Socket): void {
    socket.on('error', () => {}) // a close follows
    try {
      const process = processBehind(socket)
      if (!users.enter(process.uid)) {
        process.close()
        throw new Error(`user ${process.uid} has ${MOST_PER_USER} connections`)
      }
      const name = `${path} ${++connections}`
      peers.set(name, process)
      sockets.add(socket)
      socket.once('close', () => {
        users.leave(process.uid)
        peers.delete(name)
        process.close()
      })
      grpc.inject(socket, name)
    } catch (error) {
      refused((error as Error).message)
      socket.destroy()
    }
  }

  const server = createServer(accept)
  server.maxConnections = MOST_CONNECTIONS
  server.on('drop', () => refused(`there are ${MOST_CONNECTIONS} connections`))
  server.on('error', ({ message }) => refused(message))
  await bindLocal(server, at)
  return {
    async close() {
      const closed = new Promise((resolve) => server.close(resolve))
      sockets.destroy()
      await closed
    },
  }
}

/** Milliseconds between two lines of the log: whoever connects again and again does not fill it. */
const QUIET = 1_000

function refusals(socket: string, { clock, log, meter }: LocalDeps): (reason: string) => void {
  let toldAt = Number.NEGATIVE_INFINITY
  let untold = 0
  return (reason) => {
    meter.connectionRefused()
    untold++
    if (clock.monotonic() - toldAt < QUIET) return
    log.warn('a connection was refused', { socket, reason, ...(untold > 1 ? { times: untold } : {}) })
    toldAt = clock.monotonic()
    untold = 0
  }
}

/** Counts those who are in; no more than `most` of each. */
export function crowd<T>(most: number): { enter(who: T): boolean; leave(who: T): void } {
  const counts = new Map<T, number>()
  return {
    enter(who) {
      const others = counts.get(who) ?? 0
      if (others >= most) return false
      counts.set(who, others + 1)
      return true
    },
    leave(who) {
      const others = (counts.get(who) ?? 1) - 1
      if (others > 0) counts.set(who, others)
      else counts.delete(who)
    },
  }
}

/** Nobody but this user may connect until the mode is set. Throws a Failure where the path is taken or can't be used. */
export async function bindLocal(server: Server, { path, mode }: LocalSocket): Promise<void> {
  if (Buffer.byteLength(path) >= PATH_BYTES) throw new Failure(1, `the socket path ${path} is longer than ${PATH_BYTES - 1} bytes`)
  await clearSocket(path)
  const umask = process.umask(0o022)
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o755 })
    process.umask(0o177)
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen({ path, backlog: BACKLOG }, resolve)
    })
    chmodSync(path, mode)
  } catch (error) {
    throw new Failure(1, `the socket ${path} can't be listened on: ${(error as Error).message}`)
  } finally {
    process.umask(umask)
  }
}

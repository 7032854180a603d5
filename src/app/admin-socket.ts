// The operator's door: the SPIRE server API on a Unix socket, where the kernel says who is at the other end.
import { chmodSync, lstatSync, rmSync } from 'node:fs'
import { connect, createServer, type Socket } from 'node:net'
import type { Log } from '../base/log.ts'
import type { Ports } from '../base/ports.ts'
import type { Peer } from '../contract/call.ts'
import { Failure, fileProblem } from '../cli/failure.ts'
import { peerCredentials } from '../wire/peer-credentials.ts'
import type { AdminSocketConfig } from './config/spiffe.ts'
import type { Kernel } from './kernel.ts'
import { openSpireGrpc } from './spire-grpc.ts'

export interface AdminSocket {
  close(): Promise<void>
}

/** Only its owner can connect, unless others are named. */
const SHARED_MODE = 0o666
const MOST_CONNECTIONS = 256

/** Throws a Failure where the path can't be listened on. */
export async function listenAdmin(
  { path, uids }: AdminSocketConfig,
  kernel: Kernel,
  ports: Pick<Ports, 'clock' | 'random' | 'timers'>,
  log: Log,
): Promise<AdminSocket> {
  const own = process.getuid?.() ?? -1
  const operators = uids.length > 0 ? uids : [own]
  const peers = new Map<string, Peer>()
  const grpc = openSpireGrpc(kernel, (name) => peers.get(name), ports, log)
  let connections = 0

  const server = createServer((socket) => {
    socket.on('error', () => {}) // a close follows
    const user = userOf(socket, operators)
    if (!user) return void socket.destroy()
    if (!user.operator) log.warn('a user who is no operator connected to the administrative socket', { uid: user.uid, pid: user.pid })
    const name = `operator-${++connections}`
    peers.set(name, { address: '', port: 0, user })
    socket.once('close', () => peers.delete(name))
    grpc.inject(socket, name)
  })
  server.maxConnections = MOST_CONNECTIONS
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => reject(failure(path, error)))
    server.listen(path, resolve)
  })
  if (operators.some((uid) => uid !== own)) chmodSync(path, SHARED_MODE)
  return {
    async close() {
      const closed = new Promise((resolve) => server.close(resolve))
      grpc.close()
      await closed
    },
  }
}

/** Undefined for one that is gone already. */
function userOf(socket: Socket, operators: readonly number[]): Peer['user'] {
  try {
    const { uid, pid } = peerCredentials(socket)
    return { uid, pid, operator: operators.includes(uid) }
  } catch {
    return undefined
  }
}

function failure(path: string, error: Error): Failure {
  const hints = ['its folder must be there, and the server’s user must be able to write in it']
  return new Failure(1, `the administrative socket ${path} can't be listened on: ${fileProblem(error)}`, { hints })
}

/** Removes the socket that a server or agent left behind which did not end by itself. Throws a Failure where something else is there, or in use. */
export async function clearSocket(path: string): Promise<void> {
  const found = lstatSync(path, { throwIfNoEntry: false })
  if (!found) return
  if (!found.isSocket()) throw new Failure(1, `${path} is there and is no socket`, { hints: ['choose another path'] })
  const inUse = await new Promise<boolean>((resolve) => {
    const socket = connect(path)
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
    socket.once('connect', () => socket.destroy())
  })
  if (inUse) throw new Failure(1, `the socket ${path} is in use`, { hints: ['stop what listens there, or choose another path'] })
  rmSync(path)
}

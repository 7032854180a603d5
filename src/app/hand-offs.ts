// Connections on their way from the supervisor, which accepts them, to a worker: those that a worker takes with it when it is killed
// are ended, where Node would keep them open for ever and leave their clients waiting (docs/decisions/processes.md).
import type { ChildProcess } from 'node:child_process'

/** How Node hands a connection to a worker, and how the worker says that it has it (lib/internal/cluster). */
interface ClusterMessage {
  readonly cmd?: string
  readonly act?: string
  readonly seq?: number
  readonly ack?: number
}

type Closable = { close(): void }
type Send = (message: ClusterMessage, handle?: Closable, ...rest: unknown[]) => boolean

/** What it needs of a worker's process. */
export type WorkerProcess = Pick<ChildProcess, 'on' | 'once' | 'connected' | 'disconnect'> & { send: unknown }

/** To be called as soon as the worker is forked. */
export function watchHandOffs(worker: WorkerProcess): void {
  const underWay = new Map<number, Closable>()
  const send = worker.send as Send
  worker.send = function handOff(this: unknown, message: ClusterMessage, handle?: Closable, ...rest: unknown[]): boolean {
    if (handle && message.act === 'newconn' && message.seq !== undefined) underWay.set(message.seq, handle)
    return send.call(this, message, handle, ...rest)
  } satisfies Send
  worker.on('internalMessage', ({ cmd, ack }: ClusterMessage) => {
    if (cmd === 'NODE_CLUSTER' && ack !== undefined) underWay.delete(ack)
  })
  worker.once('exit', () => {
    for (const connection of underWay.values()) connection.close()
    underWay.clear()
    // With a connection under way Node doesn't notice that the channel is gone, and would count on this worker still.
    if (worker.connected) worker.disconnect()
  })
}

// The workers of a supervisor: started, replaced when they die, spoken to all at once, one of them leading.
import cluster, { type Worker } from 'node:cluster'
import type { Log } from '../base/log.ts'
import { type Channel, type Handlers, openChannel } from './channel.ts'
import { ports } from './ports.ts'

export interface Members {
  start(): void
  /** Resolves when every living worker has done it. */
  tell(name: string, argument?: unknown): Promise<void>
  /** What the living workers answered. */
  ask<T>(name: string, argument?: unknown): Promise<T[]>
  /** Lets every worker finish and end. */
  stop(): Promise<void>
}

interface Member {
  readonly worker: Worker
  readonly channel: Channel
  readonly since: number
  leads: boolean
}

/** A worker that ends sooner after its start than this is started again only this much later. */
const RESTART_MS = 1_000

export function openMembers(log: Log, handlersOf: (members: Members) => Handlers): Members {
  const living = new Set<Member>()
  let stopping = false

  async function ask<T>(name: string, argument?: unknown): Promise<T[]> {
    const answers = await Promise.allSettled([...living].map(({ channel }) => channel.call<T>(name, argument)))
    // A worker that died meanwhile has nothing left to be told.
    return answers.flatMap((answer) => (answer.status === 'fulfilled' ? [answer.value] : []))
  }

  const members: Members = {
    start() {
      const worker = cluster.fork()
      const member: Member = { worker, channel: openChannel(wireOf(worker), handlers, log), since: ports.clock.monotonic(), leads: false }
      living.add(member)
      worker.once('exit', (code, signal) => ended(member, code, signal))
      elect()
    },
    tell: async (name, argument) => void (await ask(name, argument)),
    ask,
    async stop() {
      stopping = true
      await ask('stop')
      const exits = [...living].map(({ worker }) => new Promise<void>((resolve) => worker.once('exit', () => resolve())))
      for (const { worker } of living) worker.disconnect() // it has closed all it had, and ends
      await Promise.all(exits)
    },
  }
  const handlers = handlersOf(members)

  function ended(member: Member, code: number, signal: string): void {
    living.delete(member)
    member.channel.abandon()
    if (stopping) return
    log.error('a worker ended; another is started', { pid: member.worker.process.pid, code, signal })
    elect()
    const lived = ports.clock.monotonic() - member.since
    if (lived < RESTART_MS) setTimeout(members.start, RESTART_MS)
    else members.start()
  }

  /** One worker does the due work: the first that lives. It is dead before another leads. */
  function elect(): void {
    const [first] = living
    if (!first || first.leads || [...living].some((member) => member.leads)) return
    first.leads = true
    void first.channel.call('lead').catch(() => {})
  }

  return members
}

function wireOf(worker: Worker) {
  return {
    send: (message: unknown) => void worker.send(message as object, () => {}),
    receive: (listener: (message: unknown) => void) => void worker.on('message', listener),
  }
}

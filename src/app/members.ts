// The workers of a supervisor: started, replaced when they die, spoken to all at once, one of them leading.
import cluster, { type Worker } from 'node:cluster'
import type { Log } from '../base/log.ts'
import { Failure } from '../cli/failure.ts'
import { type Channel, type Handlers, openChannel } from './channel.ts'
import { watchHandOffs } from './hand-offs.ts'
import { ports } from './ports.ts'

export interface Members {
  start(): void
  /** How many live. */
  readonly count: number
  /** Resolves when the first worker serves; rejects with a Failure where none can, and all are gone then. */
  readonly started: Promise<void>
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

/** Why a worker can't serve, as it says so itself. */
export interface StartProblem {
  readonly message: string
  readonly hints: readonly string[]
}

/** A worker that ends sooner after its start than this is started again only this much later. */
const RESTART_MS = 1_000

const SEE_LOG = 'what it wrote to standard error says more'

/** `replaced` is told of every worker that ended while the server serves. */
export function openMembers(log: Log, replaced: () => void, handlersOf: (members: Members) => Handlers, fork = () => cluster.fork()): Members {
  const living = new Set<Member>()
  const start = openStart(living, log)
  let stopping = false

  const members: Members = {
    started: start.settled,
    get count() {
      return living.size
    },
    start() {
      if (stopping || start.failed) return
      const worker = fork()
      watchHandOffs(worker.process)
      const member: Member = { worker, channel: openChannel(wireOf(worker), handlers, log), since: ports.clock.monotonic(), leads: false }
      living.add(member)
      worker.once('exit', (code, signal) => ended(member, signal ?? `exit code ${code}`))
      worker.on('error', (error) => unreachable(member, error))
      elect(living)
    },
    tell: async (name, argument) => void (await ask(living, name, argument)),
    ask: (name, argument) => ask(living, name, argument),
    async stop() {
      stopping = true
      await ask(living, 'stop')
      const gone = exits(living)
      for (const { worker } of living) worker.disconnect() // it has closed all it had, and ends
      await gone
    },
  }
  const handlers = { ...handlersOf(members), ...start.handlers }

  function ended(member: Member, how: string): void {
    living.delete(member)
    member.channel.abandon()
    if (stopping || start.failed) return
    if (!start.serving) return start.lost(how)
    replaced()
    log.error('a worker ended; another is started', { pid: member.worker.process.pid, how })
    elect(living)
    const lived = ports.clock.monotonic() - member.since
    if (lived < RESTART_MS) setTimeout(members.start, RESTART_MS)
    else members.start()
  }

  /**
   * No process could be made for it, or its channel broke. Of one that was killed, Node may tell this too, before and after its end:
   * a write to it failed, or its channel was found closed twice.
   */
  function unreachable(member: Member, error: Error): void {
    if (!living.has(member)) return
    const { process } = member.worker
    if (process.pid === undefined) return ended(member, error.message)
    log.error('a worker can not be reached and is ended', { pid: process.pid, reason: error.message })
    process.kill('SIGKILL')
  }

  return members
}

/** One worker does the due work: the first that lives. It is dead before another leads. */
function elect(living: ReadonlySet<Member>): void {
  const [first] = living
  if (!first || first.leads || [...living].some((member) => member.leads)) return
  first.leads = true
  void first.channel.call('lead').catch(() => {})
}

/** Until the first worker serves, what keeps one from it ends the server; later another is tried, since the rest still serve. */
function openStart(living: ReadonlySet<Member>, log: Log) {
  const { promise: settled, resolve, reject } = Promise.withResolvers<void>()
  const state = { serving: false, failed: false }

  function fail(failure: Failure): void {
    if (state.failed) return
    state.failed = true
    const gone = exits(living)
    for (const { worker } of living) worker.process.kill('SIGKILL')
    void gone.then(() => reject(failure))
  }

  const handlers = {
    started() {
      state.serving = true
      resolve()
    },
    failed({ message, hints }: StartProblem) {
      if (state.serving) log.error('a worker could not start', { reason: message })
      else fail(new Failure(1, message, { hints }))
    },
  }
  const lost = (how: string) => fail(new Failure(1, `a worker ended before it could serve (${how})`, { hints: [SEE_LOG] }))
  return Object.assign(state, { settled, handlers, lost })
}

async function ask<T>(living: ReadonlySet<Member>, name: string, argument?: unknown): Promise<T[]> {
  const answers = await Promise.allSettled([...living].map(({ channel }) => channel.call<T>(name, argument)))
  // A worker that died meanwhile has nothing left to be told.
  return answers.flatMap((answer) => (answer.status === 'fulfilled' ? [answer.value] : []))
}

async function exits(living: ReadonlySet<Member>): Promise<void> {
  await Promise.all([...living].map(({ worker }) => new Promise<void>((resolve) => worker.once('exit', () => resolve()))))
}

function wireOf(worker: Worker) {
  return {
    send: (message: unknown) => void worker.send(message as object, () => {}),
    receive: (listener: (message: unknown) => void) => void worker.on('message', listener),
  }
}

// Group commit: what was asked for while the disk was busy goes to disk as one transaction, with one fsync.
import { Fault } from '../base/fault.ts'
import type { Timers } from '../base/ports.ts'
import { type Decision, decide } from './group.ts'
import type { Commit } from './limits.ts'
import type { Gate } from './lmdb-gate.ts'
import { encodeChanges, type LmdbEnv, newestRevision, putRevision, refresh, revisionOf } from './lmdb-env.ts'
import { causeOf, isLmdbError, wroteNothing } from './lmdb-errors.ts'
import type { Revision } from './store.ts'

/** Bounds of one group, for the time it holds the event loop. */
const GROUP_COMMITS = 512
const GROUP_BYTES = 16 << 20

export interface CommitOptions {
  readonly timers: Timers
  readonly gate: Pick<Gate, 'pass'>
  readonly logLimit: number
  readonly commitTimeoutMs: number
  readonly onUnknown: (reason: string) => void
  /** Called when a group is on disk and visible, before its callers hear of it. */
  readonly committed: () => void
}

export interface Commits {
  add(commit: Commit): Promise<Revision>
  /** Resolves when nothing is under way; never after an unknown result. */
  close(): Promise<void>
}

interface Waiting {
  readonly commit: Commit
  resolve(revision: Revision): void
  reject(error: Error): void
}

type Verdicts = Decision['verdicts']

export function openCommits(env: LmdbEnv, options: CommitOptions): Commits {
  const queue: Waiting[] = []
  let running: Promise<void> | undefined
  let refusal: string | undefined

  async function run(): Promise<void> {
    while (queue.length > 0) await options.gate.pass(runGroup)
    running = undefined
  }

  async function runGroup(): Promise<void> {
    let taken: Waiting[] = []
    const attempted = attempt(env, () => {
      taken = takeGroup(queue)
      return writeGroup(env, taken, options.logLimit)
    })
    const verdicts = await certain(attempted, options, stop)
    if (verdicts instanceof Fault) {
      for (const { reject } of taken) reject(verdicts)
      return
    }
    options.committed()
    settle(taken, verdicts)
  }

  function stop(reason: string): void {
    refusal = 'the store has failed'
    options.onUnknown(reason)
  }

  return {
    add(commit) {
      if (refusal) return Promise.reject(new Fault('unavailable', refusal))
      return new Promise((resolve, reject) => {
        queue.push({ commit, resolve, reject })
        running ??= run()
      })
    },
    async close() {
      refusal ??= 'the store is closed'
      await running
    },
  }
}

/** Resolves as `attempted` does. Where that fails or takes too long it says so once and never settles: nothing may follow. */
function certain<T>(attempted: Promise<T>, { timers, commitTimeoutMs }: CommitOptions, stop: (reason: string) => void): Promise<T> {
  return new Promise((resolve) => {
    let late = false
    const cancel = timers.after(commitTimeoutMs, () => {
      late = true
      stop(`no result of a commit within ${commitTimeoutMs} ms`)
    })
    attempted.then(
      (result) => {
        cancel()
        if (!late) resolve(result)
      },
      (cause) => {
        cancel()
        if (!late) stop(`a commit failed: ${cause}`)
      },
    )
  })
}

/** The verdicts, or a Fault where nothing was written. Throws what leaves that open. */
async function attempt(env: LmdbEnv, body: () => Verdicts): Promise<Verdicts | Fault> {
  try {
    return await env.root.transaction(body)
  } catch (error) {
    const cause = await causeOf(error)
    if (wroteNothing(cause) && isSound(env)) return new Fault('unavailable', 'the storage is full or does not take writes')
    throw cause
  }
}

function takeGroup(queue: Waiting[]): Waiting[] {
  let count = 0
  for (let bytes = 0; count < queue.length && count < GROUP_COMMITS && bytes < GROUP_BYTES; count++) {
    for (const value of (queue[count] as Waiting).commit.writes.values()) bytes += value?.length ?? 0
  }
  return queue.splice(0, count)
}

/** Within a transaction. */
function writeGroup(env: LmdbEnv, group: readonly Waiting[], logLimit: number): Verdicts {
  const decision = decide(
    group.map(({ commit }) => commit),
    newestRevision(env),
    (key) => revisionOf(env, key),
  )
  try {
    if (decision.changes.length > 0) write(env, decision, logLimit)
  } catch (error) {
    if (isLmdbError(error)) throw error
    // Half a group must never be committed: the transaction stays open until the watchdog ends the process.
    return new Promise(() => {}) as never
  }
  return decision.verdicts
}

function write({ data, log, ...env }: LmdbEnv, { writes, changes, revision: newest }: Decision, logLimit: number): void {
  for (const [key, { value, revision }] of writes) void (value ? data.put(key, value, revision) : data.remove(key))
  void log.put(newest, encodeChanges(changes))
  const oldest = Math.max(1, newest - logLimit + 1)
  // A few more than the one that was added, so that a lowered limit is reached in time.
  const stale = [...log.getKeys({ start: 0, end: oldest, limit: 8 })]
  for (const revision of stale) void log.remove(revision)
  putRevision({ data, log, ...env }, newest)
}

function settle(group: readonly Waiting[], verdicts: Verdicts): void {
  for (const [at, { resolve, reject }] of group.entries()) {
    const verdict = verdicts[at] as Verdicts[number]
    if (typeof verdict === 'number') resolve(verdict)
    else reject(verdict)
  }
}

/** Reads fail after an error that left the environment unusable: then the last page written may or may not be there. */
function isSound(env: LmdbEnv): boolean {
  try {
    refresh(env)
    newestRevision(env)
    return true
  } catch {
    return false
  }
}

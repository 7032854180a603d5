// The store of one machine: LMDB, read straight from memory by any number of processes, with commits that share an fsync.
import type { Timers } from '../base/ports.ts'
import { checkBatch, isKey } from './limits.ts'
import { openCommits } from './lmdb-commits.ts'
import { openGate } from './lmdb-gate.ts'
import { bounds, decodeChanges, type LmdbEnv, newestRevision, openEnv, readEntry, refresh } from './lmdb-env.ts'
import { type Batch, type Change, type Entry, Gap, type Key, type Revision, type Span, type Store } from './store.ts'
import { openBell, tail } from './tail.ts'

export interface LmdbOptions {
  /** A folder, made where it is missing; not on a network file system. */
  readonly path: string
  readonly timers: Timers
  /** Address space to begin with, in bytes; it grows when needed. */
  readonly mapSize?: number
  /** How many commits a follower may lag behind. */
  readonly logLimit?: number
  readonly commitTimeoutMs?: number
  /**
   * Called once when it can't be known whether a commit was written: the process must end, by SIGKILL. An orderly exit
   * (also that of an uncaught error) waits for a transaction under way, which waits for the event loop: for ever, and with
   * the lock that every process needs to write.
   */
  onUnknown(reason: string): void
}

/** How often the commits of other processes are looked for while someone follows. */
const POLL_MS = 25

/** Resolves once no other process commits for a moment. */
export async function openLmdb({ path, timers, mapSize, logLimit = 65_536, commitTimeoutMs = 30_000, onUnknown }: LmdbOptions): Promise<Store> {
  const gate = openGate(path, timers)
  const env = await gate.alone(() => openEnv(path, mapSize))
  const life = new AbortController()
  let rung: Revision = 0
  const bell = openBell(() => timers.every(POLL_MS, ring))
  const commits = openCommits(env, { timers, gate, logLimit, commitTimeoutMs, onUnknown, committed: ring })

  function newest(): Revision {
    refresh(env)
    return newestRevision(env)
  }

  function ring(): void {
    const revision = newest()
    if (revision === rung) return
    rung = revision
    bell.ring()
  }

  const store: Store = {
    get revision() {
      return newest()
    },
    get: (key) => (isKey(key) ? readEntry(env, key) : undefined),
    range: (span) => range(env, span),
    keys: (span) => keys(env, span),
    commit: async (batch: Batch) => commits.add(checkBatch(batch)),
    changesSince: (since) => changesSince(env, since),
    changes: (since, signal) => tail(store, bell, since, AbortSignal.any([signal, life.signal])),
    async close() {
      life.abort()
      await commits.close()
      await env.root.close()
      gate.close()
    },
  }
  return store
}

/** The values are those of the keys: what it began to read stays what it reads, also when the snapshot moves under it. */
function* range(env: LmdbEnv, span: Span): Generator<Entry> {
  const transaction = env.data.useReadTransaction()
  try {
    for (const key of keys(env, span)) yield readEntry(env, key, transaction) as Entry
  } finally {
    transaction.done()
  }
}

function* keys({ data }: LmdbEnv, span: Span): Generator<Key> {
  if (span.prefix !== '' && !isKey(span.prefix)) return
  yield* data.getKeys({ ...bounds(span), ...limit(span) }) as Iterable<Key>
}

function limit(span: Span): { limit?: number } {
  return span.limit === undefined ? {} : { limit: span.limit }
}

function* changesSince(env: LmdbEnv, since: Revision): Generator<Change> {
  if (since > newestRevision(env)) refresh(env)
  const newest = newestRevision(env)
  if (since > newest) throw new Gap(since, newest + 1)
  let expected = since + 1
  for (const { value } of env.log.getRange({ start: expected, end: newest + 1 })) {
    for (const change of decodeChanges(value)) {
      if (change.revision <= since) continue // the rest of its group came later
      if (change.revision !== expected++) throw new Gap(since, change.revision)
      yield change
    }
  }
  if (expected <= newest) throw new Gap(since, newest + 1)
}

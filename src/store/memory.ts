// The store of tests and of `-dev`: sorted keys in memory, with the semantics of the durable ones.
import { Fault } from '../base/fault.ts'
import type { Timers } from '../base/ports.ts'
import { decide } from './group.ts'
import { checkBatch } from './limits.ts'
import { compareKeys } from './order.ts'
import { type Batch, type Change, type Entry, Gap, type Key, type Revision, type Span, type Store } from './store.ts'
import { openBell, tail } from './tail.ts'

/** `logLimit`: how many commits a follower may lag behind. */
export function memory({ timers, logLimit = 65_536 }: { readonly timers: Pick<Timers, 'turn'>; readonly logLimit?: number }): Store {
  const entries = new Map<Key, Entry>()
  const sorted: Key[] = []
  const log: Change[] = []
  const bell = openBell()
  const life = new AbortController()
  let revision = 0

  function write(key: Key, value: Buffer | undefined, at: Revision): void {
    if (value === undefined) {
      if (entries.delete(key)) sorted.splice(seek(sorted, key), 1)
      return
    }
    if (!entries.has(key)) sorted.splice(seek(sorted, key), 0, key)
    entries.set(key, { key, value, revision: at })
  }

  function get(key: Key): Entry | undefined {
    const entry = entries.get(key)
    return entry && { ...entry, value: Buffer.from(entry.value) }
  }

  async function commit(batch: Batch): Promise<Revision> {
    const checked = checkBatch(batch)
    await timers.turn() // as in the durable stores, nobody sees a commit before the next turn
    if (life.signal.aborted) throw new Fault('unavailable', 'the store is closed')
    const { writes, changes, verdicts } = decide([checked], revision, (key) => entries.get(key)?.revision ?? 0)
    const [verdict] = verdicts as [Revision | Error]
    if (typeof verdict !== 'number') throw verdict
    revision = verdict
    for (const [key, one] of writes) write(key, one.value, one.revision)
    log.push(...changes)
    if (log.length > 2 * logLimit) log.splice(0, log.length - logLimit)
    bell.ring()
    return verdict
  }

  function* changesSince(since: Revision): Generator<Change> {
    const logged = Math.min(revision, logLimit)
    if (since > revision || since < revision - logged) throw new Gap(since, revision - logged + 1)
    yield* log.slice(log.length - (revision - since))
  }

  const store = {
    get revision() {
      return revision
    },
    get,
    keys: (span: Span) => walk(sorted, span),
    range: (span: Span) => walk(sorted, span).map((key) => get(key) as Entry),
    commit,
    changesSince,
    changes: (since: Revision, signal: AbortSignal) => tail(store, bell, since, AbortSignal.any([signal, life.signal])),
    async close() {
      life.abort()
    },
  }
  return store
}

function* walk(sorted: readonly Key[], { prefix, after, limit = Number.POSITIVE_INFINITY, reverse = false }: Span): Generator<Key> {
  const step = reverse ? -1 : 1
  const from = after?.toWellFormed()
  let at = reverse ? lastUnder(sorted, prefix, from) : firstUnder(sorted, prefix, from)
  for (let left = limit; left > 0 && sorted[at]?.startsWith(prefix); left--, at += step) yield sorted[at] as Key
}

function firstUnder(sorted: readonly Key[], prefix: string, after: Key | undefined): number {
  if (after === undefined || compareKeys(after, prefix) < 0) return seek(sorted, prefix)
  const at = seek(sorted, after)
  return sorted[at] === after ? at + 1 : at
}

function lastUnder(sorted: readonly Key[], prefix: string, after: Key | undefined): number {
  const end = partition(sorted, (key) => key.startsWith(prefix) || compareKeys(key, prefix) < 0)
  return (after === undefined ? end : Math.min(end, seek(sorted, after))) - 1
}

/** Where `key` lies, or would. */
function seek(sorted: readonly Key[], key: Key): number {
  return partition(sorted, (other) => compareKeys(other, key) < 0)
}

/** How many keys at the front are `before`. */
function partition(sorted: readonly Key[], before: (key: Key) => boolean): number {
  let low = 0
  let high = sorted.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (before(sorted[middle] as Key)) low = middle + 1
    else high = middle
  }
  return low
}

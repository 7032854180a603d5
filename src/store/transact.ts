// Read, decide, write as one: reads become expectations, and the whole is tried again when another commit came between.
import { Fault } from '../base/fault.ts'
import { Conflict, type Entry, type Key, type Revision, type Span, type Store } from './store.ts'

/** What a transaction body sees: the store as of now, overlaid with its own writes. */
export interface Tx {
  get(key: Key): Entry | undefined
  /** Sorted entries of the store itself. Only entries that `get` also read guard the commit, so a new neighbour is no conflict. */
  range(span: Span): Iterable<Entry>
  put(key: Key, value: Buffer): void
  delete(key: Key): void
  /** Says to followers what the commit means. */
  note(text: string): void
}

/** Of n transactions on one entry at the same time, the last succeeds at the n-th try. */
const MAX_TRIES = 1_000

/**
 * Runs `body` and commits what it wrote, atomically. The body may run several times, so it must be free of other effects;
 * it is synchronous. What it throws is thrown, with nothing written.
 * @example await transact(store, (tx) => { const n = tx.get('n'); tx.put('n', next(n)) })
 */
export async function transact<T>(store: Store, body: (tx: Tx) => T): Promise<T> {
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    const reads = new Map<Key, Revision>()
    const writes = new Map<Key, Buffer | undefined>()
    const notes: string[] = []
    const result = body(open(store, reads, writes, notes))
    if (writes.size === 0) return result
    try {
      await store.commit({
        ops: [...writes].map(([key, value]) => ({ key, value })),
        expect: [...reads].map(([key, revision]) => ({ key, revision })),
        notes,
      })
      return result
    } catch (error) {
      if (!(error instanceof Conflict)) throw error
      void store.revision // moves the snapshot to the commit that came between
    }
  }
  throw new Fault('unavailable', 'too many concurrent writes to the same entry')
}

function open(store: Store, reads: Map<Key, Revision>, writes: Map<Key, Buffer | undefined>, notes: string[]): Tx {
  return {
    get(key) {
      if (writes.has(key)) {
        const value = writes.get(key)
        return value && { key, value, revision: reads.get(key) ?? 0 }
      }
      const entry = store.get(key)
      reads.set(key, entry?.revision ?? 0)
      return entry
    },
    range: (span) => store.range(span),
    put: (key, value) => void writes.set(key, value),
    delete: (key) => void writes.set(key, undefined),
    note: (text) => void notes.push(text),
  }
}

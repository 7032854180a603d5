// Transactions of one process that meet on the same keys (counters), carried out as one commit instead of in each other's way.
import type { Key, Store } from './store.ts'
import { transact, type Tx } from './transact.ts'

export interface Batcher {
  /**
   * Like `transact`. Bodies that wait together see each other's writes in turn and become durable together; what one throws
   * is its own failure, and leaves none of its writes.
   */
  run<T>(body: (tx: Tx) => T): Promise<T>
}

interface Waiting {
  readonly body: (tx: Tx) => unknown
  readonly resolve: (value: never) => void
  readonly reject: (error: unknown) => void
}

type Outcome = { readonly value: unknown } | { readonly error: unknown }

/** Bounds the time that one commit holds the event loop. */
const MOST = 64

export function openBatcher(store: Store): Batcher {
  const queue: Waiting[] = []
  let running = false

  async function work(): Promise<void> {
    running = true
    while (queue.length > 0) await commit(store, queue.splice(0, MOST))
    running = false
  }

  return {
    run: <T>(body: (tx: Tx) => T) =>
      new Promise<T>((resolve, reject) => {
        queue.push({ body, resolve, reject })
        if (!running) void work()
      }),
  }
}

async function commit(store: Store, waiting: readonly Waiting[]): Promise<void> {
  try {
    const outcomes = await transact(store, (tx) => waiting.map(({ body }) => attempt(tx, body)))
    for (const [at, { resolve, reject }] of waiting.entries()) {
      const outcome = outcomes[at] as Outcome
      if ('error' in outcome) reject(outcome.error)
      else resolve(outcome.value as never)
    }
  } catch (error) {
    for (const { reject } of waiting) reject(error)
  }
}

/** Runs a body on a layer of its own, which joins the transaction only if the body succeeds. */
function attempt(tx: Tx, body: (tx: Tx) => unknown): Outcome {
  const own = new Map<Key, Buffer | undefined>()
  const notes: string[] = []
  const layer: Tx = {
    get(key) {
      if (!own.has(key)) return tx.get(key)
      const value = own.get(key)
      return value && { key, value, revision: 0 }
    },
    range: (span) => tx.range(span),
    put: (key, value) => void own.set(key, value),
    delete: (key) => void own.set(key, undefined),
    note: (text) => void notes.push(text),
  }
  try {
    const value = body(layer)
    for (const [key, written] of own) {
      if (written) tx.put(key, written)
      else tx.delete(key)
    }
    for (const note of notes) tx.note(note)
    return { value }
  } catch (error) {
    return { error }
  }
}

// A store that tells how long reads, ranges and commits took.
import type { Store } from './store.ts'

export interface Meter {
  monotonic(): number
  /** Each is given when it began. */
  readonly observe: Readonly<Record<'get' | 'list' | 'put', (from: number) => void>>
}

export function measured(store: Store, { monotonic, observe }: Meter): Store {
  return {
    get revision() {
      return store.revision
    },
    get(key) {
      const from = monotonic()
      const entry = store.get(key)
      observe.get(from)
      return entry
    },
    *range(span) {
      const from = monotonic()
      try {
        yield* store.range(span)
      } finally {
        observe.list(from)
      }
    },
    *keys(span) {
      const from = monotonic()
      try {
        yield* store.keys(span)
      } finally {
        observe.list(from)
      }
    },
    async commit(batch) {
      const from = monotonic()
      try {
        return await store.commit(batch)
      } finally {
        observe.put(from)
      }
    },
    changesSince: (since) => store.changesSince(since),
    changes: (since, signal) => store.changes(since, signal),
    close: () => store.close(),
  }
}

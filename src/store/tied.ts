// A store that takes writes only while a certain key is there: what belongs to something is not written after it went.
import type { Fault } from '../base/fault.ts'
import type { Batch, Key, Revision, Store } from './store.ts'

/** A change of the key is a conflict; without it, a commit rejects with `gone`. */
export function tied(store: Store, key: Key, gone: () => Fault): Store {
  return {
    get revision() {
      return store.revision
    },
    get: (one) => store.get(one),
    range: (span) => store.range(span),
    keys: (span) => store.keys(span),
    async commit(batch: Batch): Promise<Revision> {
      const owner = store.get(key)
      if (!owner) throw gone()
      return store.commit({ ...batch, expect: [...(batch.expect ?? []), { key, revision: owner.revision }] })
    },
    changesSince: (since) => store.changesSince(since),
    changes: (since, signal) => store.changes(since, signal),
    async close() {
      // It owns nothing; whoever opened the store closes it.
    },
  }
}

// A slice of a store: every key gains a prefix on the way in and loses it on the way out.
import type { Batch, Change, Entry, Key, Revision, Span, Store } from './store.ts'

export function view(store: Store, prefix: string): Store {
  const inside = (entry: Entry): Entry => ({ ...entry, key: entry.key.slice(prefix.length) })
  const outer = (span: Span): Span => ({ ...span, prefix: prefix + span.prefix, ...(span.after === undefined ? {} : { after: prefix + span.after }) })
  const own = (change: Change): Change => ({
    ...change,
    keys: change.keys.filter((key) => key.startsWith(prefix)).map((key) => key.slice(prefix.length)),
  })
  return {
    get revision() {
      return store.revision
    },
    get(key: Key) {
      const entry = store.get(prefix + key)
      return entry && inside(entry)
    },
    *range(span: Span) {
      for (const entry of store.range(outer(span))) yield inside(entry)
    },
    *keys(span: Span) {
      for (const key of store.keys(outer(span))) yield key.slice(prefix.length)
    },
    commit(batch: Batch): Promise<Revision> {
      const ops = batch.ops.map((op) => ({ key: prefix + op.key, value: op.value }))
      if (!batch.expect) return store.commit({ ...batch, ops })
      return store.commit({ ...batch, ops, expect: batch.expect.map((one) => ({ key: prefix + one.key, revision: one.revision })) })
    },
    *changesSince(since: Revision) {
      for (const change of store.changesSince(since)) {
        const seen = own(change)
        if (seen.keys.length > 0) yield seen
      }
    },
    async *changes(since: Revision, signal: AbortSignal) {
      for await (const change of store.changes(since, signal)) {
        const seen = own(change)
        if (seen.keys.length > 0) yield seen
      }
    },
    async close() {
      // The slice owns nothing; whoever opened the store closes it.
    },
  }
}

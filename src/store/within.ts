// A slice of a transaction, as `view` is of a store: so that one commit can change several slices.
import type { Entry } from './store.ts'
import type { Tx } from './transact.ts'

export function within(tx: Tx, prefix: string): Tx {
  const inside = (entry: Entry): Entry => ({ ...entry, key: entry.key.slice(prefix.length) })
  return {
    get(key) {
      const entry = tx.get(prefix + key)
      return entry && inside(entry)
    },
    *range(span) {
      const outer = { ...span, prefix: prefix + span.prefix, ...(span.after === undefined ? {} : { after: prefix + span.after }) }
      for (const entry of tx.range(outer)) yield inside(entry)
    },
    put: (key, value) => tx.put(prefix + key, value),
    delete: (key) => tx.delete(prefix + key),
    note: (text) => tx.note(text),
  }
}

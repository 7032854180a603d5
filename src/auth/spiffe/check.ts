// Looks for half states of a mount that takes SVIDs: ids of shown tokens that nothing will remove, and what leads to none.
import { checkIndexed } from '../../store/check-index.ts'
import type { Store } from '../../store/store.ts'
import { due, used } from './used.ts'

/** What is wrong, one line each. `store` is the mount's own, and must not change meanwhile. */
export function* checkSpiffeAuth(store: Store): Generator<string> {
  yield* checkIndexed(store, { records: used, indexes: ({ until }, id) => [due.entry(until, id)], folders: [due.prefix] })
}

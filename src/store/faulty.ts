// A fault injector for tests: a store whose commits meet the fate that a plan gives them.
import { Fault } from '../base/fault.ts'
import { type Batch, Conflict, type Revision, type Store } from './store.ts'

/**
 * `commit`: as usual. `refuse`: nothing is written and the caller knows. `conflict`: the same, as if another commit came between.
 * `lose`: written, but the answer is lost. `vanish`: not written, and no answer either. The last two never settle and tell `onUnknown`.
 */
export type Fate = 'commit' | 'refuse' | 'conflict' | 'lose' | 'vanish'

export interface Plan {
  /** Asked for each commit in order, from 1. A promise holds the commit back until it resolves. */
  fate(nth: number, batch: Batch): Fate | Promise<Fate>
  onUnknown?(reason: string): void
}

/**
 * @example const broken = faulty(memory(ports), { fate: (nth) => (nth === 3 ? 'lose' : 'commit') })
 */
export function faulty(store: Store, plan: Plan): Store {
  let nth = 0

  async function commit(batch: Batch): Promise<Revision> {
    const taken = { ...batch, ops: batch.ops.map(({ key, value }) => ({ key, value: value && Buffer.from(value) })) }
    const fate = await plan.fate(++nth, batch)
    if (fate === 'refuse') throw new Fault('unavailable', 'the storage is full')
    if (fate === 'conflict') throw new Conflict(batch.ops[0]?.key ?? '')
    if (fate === 'commit') return store.commit(taken)
    if (fate === 'lose') await store.commit(taken)
    plan.onUnknown?.(fate === 'lose' ? 'the answer of a commit was lost' : 'a commit vanished')
    return new Promise(() => {})
  }

  return {
    get revision() {
      return store.revision
    },
    get: (key) => store.get(key),
    range: (span) => store.range(span),
    keys: (span) => store.keys(span),
    commit,
    changesSince: (since) => store.changesSince(since),
    changes: (since, signal) => store.changes(since, signal),
    close: () => store.close(),
  }
}

// Looks for half states among rate limits: two rules for the same, or one that did not go with its mount.
import type { Mount } from '../contract/mount.ts'
import { checkIndexed } from '../store/check-index.ts'
import type { Store } from '../store/store.ts'
import { factorsOf, GUARD, rules } from './quotas.ts'

/** What is wrong, one line each. `store` is the root's part of it; rules of mounts that are not among `mounts` are removed in time. */
export function* checkQuotas(store: Store, mounts: Iterable<Pick<Mount, 'accessor' | 'namespace'>>): Generator<string> {
  yield* checkIndexed(store, { records: rules, idOf: ({ name }) => name, indexes: () => [], folders: [] })
  const homes = new Map(Array.from(mounts, ({ accessor, namespace }) => [accessor, namespace]))
  const seen = new Map<string, string>()
  for (const name of rules.ids(store)) {
    const rule = rules.get(store, name)
    if (!rule) continue
    const same = seen.get(factorsOf(rule))
    if (same !== undefined) yield `the rate limits ${same} and ${name} are for the same`
    seen.set(factorsOf(rule), name)
    const home = homes.get(rule.mount)
    if (home !== undefined && home !== rule.namespace) yield `the rate limit ${name} is of the namespace ${rule.namespace}, its mount of ${home}`
  }
  if (seen.size > 0 && !store.get(GUARD)) yield `${GUARD} is missing`
}

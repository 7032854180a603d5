// When what is configured to open the barrier isn't what the store was sealed with.
import type { Store } from '../store/store.ts'
import { readSealConfig } from './key-records.ts'
import { type SealSet, wrappedKeys } from './seal-set.ts'

/** What `unseal -migrate` would do: from shares to seals, from seals to shares, from some seals to others. */
export type Migration = 'to-auto' | 'to-shamir' | 'to-other'

export function pendingMigration(store: Store, seals: SealSet): Migration | undefined {
  const config = readSealConfig(store)
  if (!config) return undefined
  if (config.type === 'shamir') return seals.active.length > 0 ? 'to-auto' : undefined
  if (seals.active.length === 0) return 'to-shamir'
  const wrapped = wrappedKeys(store)
  return seals.active.some(({ name }) => wrapped.has(name)) ? undefined : 'to-other'
}

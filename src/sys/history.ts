// sys/version-history: which versions of the server this store was opened by, and since when.
import type { Clock } from '../base/ports.ts'
import { type Path, path } from '../contract/module.ts'
import { keys, type Reply } from '../contract/reply.ts'
import { records } from '../store/records.ts'
import type { Store } from '../store/store.ts'
import { transact } from '../store/transact.ts'
import { VAULT_VERSION } from './version.ts'

interface Installed {
  /** Wall time in milliseconds. */
  readonly at: number
}

const versions = records<Installed>('core/versions/')

/** Writes down the running version, where it is new. */
export async function noteVersion(store: Store, { now }: Clock): Promise<void> {
  if (versions.get(store, VAULT_VERSION)) return
  await transact(store, (tx) => versions.put(tx, VAULT_VERSION, { at: now() }))
}

export function historyPaths(store: Store): Path[] {
  return [
    path('version-history', 'Versions that this store was opened by.', {}, (op) => ({
      list: op({ doc: 'List them, oldest first.', run: () => listing(store) }),
    })),
  ]
}

function listing(store: Store): Reply {
  const found = versions
    .ids(store)
    .map((version) => ({ version, at: versions.get(store, version)?.at ?? 0 }))
    .sort((a, b) => a.at - b.at)
  const info = found.map(({ version, at }, index) => {
    const previous_version = found[index - 1]?.version ?? null
    return [version, { build_date: '', previous_version, timestamp_installed: `${new Date(at).toISOString().slice(0, 19)}Z` }] as const
  })
  return keys(
    found.map(({ version }) => version),
    Object.fromEntries(info),
  )
}

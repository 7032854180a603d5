// What those who run a server, or hear of its events, need of the rooms.
import { ROOT } from '../contract/namespace.ts'
import { catalogPaths } from '../sys/catalog.ts'
import { counterPaths } from '../sys/counters.ts'
import { type SnapshotPort, snapshotPaths } from '../sys/snapshots.ts'
import { historyPaths } from '../sys/history.ts'
import type { SystemDeps } from '../sys/system.ts'
import { accessors } from '../token/index-keys.ts'
import { morePaths } from './documents.ts'
import type { KernelDeps } from './kernel.ts'
import type { Rights } from './rights.ts'
import type { Parts } from './unsealed.ts'

export interface OperatingDeps
  extends Pick<Parts, 'cors' | 'events' | 'follower' | 'moduleOf' | 'namespaces' | 'space' | 'store' | 'tokens'>,
    Pick<KernelDeps, 'ports' | 'server'> {
  readonly rights: Rights
  readonly tenant: SystemDeps['tenant']
  /** Class and type of what is built in. */
  readonly kinds: readonly string[]
  readonly snapshots: SnapshotPort
}

export function operating(deps: OperatingDeps): Pick<SystemDeps, 'server' | 'events' | 'random' | 'more'> {
  const { ports, server, store, space, namespaces, tokens, follower, rights, tenant, moduleOf, kinds } = deps
  const accessorFolders = () => [ROOT, ...namespaces.list(ROOT, 'all')].map(({ id }) => accessors.folder(id))
  return {
    server,
    random: ports.random,
    events: {
      hub: deps.events,
      alive(hash) {
        follower.sync()
        return tokens.byHash(hash)
      },
      hears: rights.hears,
      source: () => `signet://${server.hostname}`,
    },
    more: [
      ...deps.cors.paths,
      ...counterPaths({ ...ports.timers, store, accessorFolders }),
      ...catalogPaths(kinds),
      ...historyPaths(space.store),
      ...morePaths({ tenant, moduleOf }),
      ...snapshotPaths(deps.snapshots),
    ],
  }
}

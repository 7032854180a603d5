// Which endpoints ask for sudo, read off their own declarations, for tools that have no server to ask.
import type { Module } from '../contract/module.ts'
import type { Space } from '../store/space.ts'
import type { Store } from '../store/store.ts'
import { catalogPaths } from '../sys/catalog.ts'
import { type CounterDeps, counterPaths } from '../sys/counters.ts'
import { openCorsSettings } from '../sys/cors.ts'
import { historyPaths } from '../sys/history.ts'
import { type SystemDeps, systemModule } from '../sys/system.ts'
import { tokenModule, type TokenModuleDeps } from '../token/module.ts'
import { type MoreDeps, morePaths } from './documents.ts'

/** Stands for whatever a declaration is made with: nothing of it is used before a request comes. */
const anything: unknown = new Proxy(() => anything, {
  get: (_, key) => (key === Symbol.iterator ? [][Symbol.iterator] : key === Symbol.toPrimitive ? () => '' : anything),
  apply: () => anything,
})

/** Templates from the root on: `sys/auth/*path`. Sorted. */
export function sudoPaths(): string[] {
  const own = [...openCorsSettings(anything as Space).paths, ...counterPaths(anything as CounterDeps)]
  const more = [...own, ...catalogPaths([]), ...historyPaths(anything as Store), ...morePaths(anything as MoreDeps)]
  const modules: readonly (readonly [string, Pick<Module, 'paths'>])[] = [
    ['sys/', systemModule(anything as SystemDeps)],
    ['sys/', { paths: more }],
    ['auth/token/', tokenModule(anything as TokenModuleDeps)],
  ]
  return modules
    .flatMap(([at, { paths }]) =>
      paths.filter(({ ops }) => Object.values(ops).some(({ access }) => access === 'sudo')).map(({ template }) => at + template),
    )
    .sort()
}

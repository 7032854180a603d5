// sys/internal/counters: how many tokens there are, for tools that report use.
import { Fault } from '../base/fault.ts'
import type { Timers } from '../base/ports.ts'
import { type Path, path } from '../contract/module.ts'
import { data } from '../contract/reply.ts'
import type { Store } from '../store/store.ts'

export interface CounterDeps extends Pick<Timers, 'turn'> {
  /** Behind the barrier, whole. */
  readonly store: Store
  /** Under which accessors of service tokens lie, a folder for each namespace. */
  readonly accessorFolders: () => readonly string[]
}

/** Keys looked at before others get a turn. */
const PAGE = 1_000

export function counterPaths(deps: CounterDeps): Path[] {
  return [
    path('internal/counters/tokens', 'Tokens, of all namespaces.', {}, (op) => ({
      read: op({
        doc: 'Count the service tokens.',
        run: async () => data({ counters: { service_tokens: { total: await countTokens(deps) } } }),
      }),
    })),
    path('internal/counters/entities', 'Entities, which are not offered.', {}, (op) => ({
      read: op({ doc: 'Count them: none.', run: () => data({ counters: { entities: { total: 0 } } }) }),
    })),
    path('internal/counters/requests', 'Requests by month, which sys/metrics counts.', {}, (op) => ({
      read: op({
        doc: 'Refused, as in Vault.',
        run: () => {
          throw new Fault('missing', 'The functionality has been removed on this path')
        },
      }),
    })),
  ]
}

async function countTokens({ store, accessorFolders, turn }: CounterDeps): Promise<number> {
  let total = 0
  for (const prefix of accessorFolders()) {
    for (let after: string | undefined; ; await turn()) {
      const page = [...store.keys({ prefix, limit: PAGE, ...(after === undefined ? {} : { after }) })]
      total += page.length
      after = page.at(-1)
      if (page.length < PAGE) break
    }
  }
  return total
}

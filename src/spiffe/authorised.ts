// Which entries an agent may act for: those below its own ID, below the node aliases that describe it, and below those in turn.
import type { SpiffeId } from '../crypto/spiffe-id.ts'
import type { Agent } from './agents.ts'
import { BELOW, type Entries } from './entries.ts'
import type { Place } from './place.ts'
import { formatSelector, isSubset } from './selectors.ts'

export interface AuthorisedRoom {
  /**
   * Ids of the entries, in order; aliases themselves are not among them, since no workload gets one. The same set as long as no
   * entry changes.
   */
  idsOf(agent: NodeAgent): ReadonlySet<string>
  /** Below what its entries lie: its own ID, and those of the aliases that describe it. */
  namesOf(agent: NodeAgent): readonly SpiffeId[]
}

export type NodeAgent = Pick<Agent, 'id' | 'selectors'>

export function openAuthorised({ place, entries }: { place: Place; entries: Entries }): AuthorisedRoom {
  const found = place.cache(BELOW, () => new WeakMap<NodeAgent, ReadonlySet<string>>())

  function namesOf(agent: NodeAgent): SpiffeId[] {
    const has = selectorsOf(agent)
    const aliases = [...has].flatMap((selector) => entries.aliases(selector)).filter((alias) => isSubset(alias.selectors, has))
    return [agent.id, ...aliases.map(({ spiffeId }) => spiffeId)]
  }

  return {
    namesOf,
    idsOf(agent) {
      const known = found()
      const ids = known.get(agent) ?? new Set(idsBelow(entries, namesOf(agent)).sort())
      known.set(agent, ids)
      return ids
    },
  }
}

/** What an alias may describe a node by, as texts: the agent's ID is one of them. */
export function selectorsOf({ id, selectors }: NodeAgent): ReadonlySet<string> {
  return new Set([...selectors.map(formatSelector), `spiffe_id:${id}`])
}

function idsBelow(entries: Entries, first: readonly SpiffeId[]): string[] {
  const ids = new Set<string>()
  const parents = new Set(first)
  for (const parent of parents) {
    for (const child of entries.below(parent)) {
      ids.add(child.id)
      parents.add(child.spiffeId)
    }
  }
  return [...ids]
}

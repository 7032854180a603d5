// Which entries an agent may act for: those below its own ID, below the node aliases that describe it, and below those in turn.
import { type SpiffeId, spiffeId, type TrustDomain } from '../crypto/spiffe-id.ts'
import type { Agent } from './agents.ts'
import { BELOW, type Child, type Entries } from './entries.ts'
import type { Place } from './place.ts'
import { formatSelector, isSubset, type Selector } from './selectors.ts'
import type { SettingsRoom } from './settings.ts'

/** Parent of node aliases: entries whose selectors describe nodes. */
export const serverId = (trustDomain: TrustDomain): SpiffeId => spiffeId(trustDomain, '/spire/server')

export interface AuthorisedRoom {
  /**
   * Ids of the entries, in order; aliases themselves are not among them, since no workload gets one. The same set as long as no
   * entry changes.
   */
  idsOf(agent: NodeAgent): ReadonlySet<string>
  /** Below what its entries lie: its own ID, and those of the aliases that describe it. */
  namesOf(agent: NodeAgent): readonly SpiffeId[]
}

type NodeAgent = Pick<Agent, 'id' | 'selectors'>

interface Alias {
  readonly spiffeId: SpiffeId
  readonly selectors: readonly Selector[]
}

type AliasIndex = ReadonlyMap<string, readonly Alias[]>

export function openAuthorised({ place, entries, settings }: { place: Place; entries: Entries; settings: SettingsRoom }): AuthorisedRoom {
  const found = place.cache(BELOW, () => new WeakMap<NodeAgent, ReadonlySet<string>>())
  /** By the entries below the server, which are the same list as long as none of them changes. */
  const indexes = new WeakMap<readonly Child[], AliasIndex>()

  function aliases(): AliasIndex {
    const children = entries.below(serverId(settings.need().trustDomain))
    const index = indexes.get(children) ?? indexAliases(entries, children)
    indexes.set(children, index)
    return index
  }

  const namesOf = (agent: NodeAgent): SpiffeId[] => [agent.id, ...aliasesOf(aliases(), agent)]

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

/** By the first of its selectors, which an agent that it describes must have: of thousands of aliases few are looked at. */
function indexAliases(entries: Entries, children: readonly Child[]): AliasIndex {
  const index = new Map<string, Alias[]>()
  for (const { id } of children) {
    const alias = entries.get(id)
    const [first] = alias?.selectors ?? []
    if (!alias || !first) continue
    const key = formatSelector(first)
    const before = index.get(key)
    if (before) before.push(alias)
    else index.set(key, [alias])
  }
  return index
}

function aliasesOf(index: AliasIndex, agent: NodeAgent): SpiffeId[] {
  const has = new Set([...agent.selectors.map(formatSelector), `spiffe_id:${agent.id}`])
  return [...has].flatMap((selector) => index.get(selector) ?? []).flatMap((alias) => (isSubset(alias.selectors, has) ? [alias.spiffeId] : []))
}

// Which entries an agent may act for: those below its own ID, below the node aliases that describe it, and below those in turn.
import { type SpiffeId, spiffeId, type TrustDomain } from '../crypto/spiffe-id.ts'
import type { Agent } from './agents.ts'
import type { Entries } from './entries.ts'
import type { Entry } from './entry.ts'
import { formatSelector, isSubset } from './selectors.ts'

/** Parent of node aliases: entries whose selectors describe nodes. */
export const serverId = (trustDomain: TrustDomain): SpiffeId => spiffeId(trustDomain, '/spire/server')

/** In the order of their ids; aliases themselves are not among them, since no workload gets one. */
export function authorisedEntries(entries: Entries, agent: Pick<Agent, 'id' | 'selectors'>, trustDomain: TrustDomain): Entry[] {
  const found = new Map<string, Entry>()
  const parents = new Set<SpiffeId>([agent.id, ...aliasesOf(entries, agent, trustDomain)])
  for (const parent of parents) {
    for (const id of entries.idsBelow(parent)) {
      const entry = entries.get(id)
      if (!entry) continue
      found.set(id, entry)
      parents.add(entry.spiffeId)
    }
  }
  return [...found.values()].sort((a, b) => (a.id < b.id ? -1 : 1))
}

function aliasesOf(entries: Entries, agent: Pick<Agent, 'id' | 'selectors'>, trustDomain: TrustDomain): SpiffeId[] {
  const has = new Set([...agent.selectors.map(formatSelector), `spiffe_id:${agent.id}`])
  return entries.idsBelow(serverId(trustDomain)).flatMap((id) => {
    const alias = entries.get(id)
    return alias && isSubset(alias.selectors, has) ? [alias.spiffeId] : []
  })
}

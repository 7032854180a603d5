// Entries as an agent knows them, for tests.
import type { AgentEntry } from '../agent/entry.ts'
import { parseSpiffeId } from '../crypto/spiffe-id.ts'

/** Of `spiffe://example.org/<id>`. */
export function entryOf(id: string, more: Partial<AgentEntry> = {}): AgentEntry {
  const plain = { parentId: '', hint: '', admin: false, downstream: false, storeSvid: false, prefetch: true, revision: 0, createdAt: 0 }
  return { id, spiffeId: parseSpiffeId(`spiffe://example.org/${id}`), selectors: ['unix:uid:1'], federatesWith: [], ...plain, ...more }
}

export const mapOf = (...entries: AgentEntry[]): Map<string, AgentEntry> => new Map(entries.map((entry) => [entry.id, entry]))

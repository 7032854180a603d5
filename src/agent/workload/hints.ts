// Hints tell a workload's identities apart, so no two of them may have the same.
import type { AgentEntry } from '../entry.ts'

/** Of entries with one hint the oldest stays, by id where they are equally old; those without a hint all do. */
export function uniqueHints(entries: readonly AgentEntry[]): AgentEntry[] {
  const first = new Map<string, AgentEntry>()
  for (const entry of entries) {
    const before = first.get(entry.hint)
    if (!before || entry.createdAt < before.createdAt || (entry.createdAt === before.createdAt && entry.id < before.id)) first.set(entry.hint, entry)
  }
  return entries.filter((entry) => entry.hint === '' || first.get(entry.hint) === entry)
}

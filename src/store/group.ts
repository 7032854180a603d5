// Commits that go to disk as one: each is decided in turn, seeing what those before it wrote.
import type { Commit } from './limits.ts'
import { type Change, Conflict, type Key, type Revision } from './store.ts'

export interface Write {
  readonly value: Buffer | undefined
  readonly revision: Revision
}

export interface Decision {
  readonly revision: Revision
  /** The last write of each key. */
  readonly writes: ReadonlyMap<Key, Write>
  readonly changes: readonly Change[]
  /** In the order of the commits: the revision each made, or what it ran into. */
  readonly verdicts: readonly (Revision | Conflict)[]
}

/** `revisionOf` tells a key's newest revision before the group, 0 where it is absent. */
export function decide(commits: readonly Commit[], base: Revision, revisionOf: (key: Key) => Revision): Decision {
  const writes = new Map<Key, Write>()
  const changes: Change[] = []
  const verdicts: (Revision | Conflict)[] = []
  let revision = base
  const current = (key: Key): Revision => {
    const write = writes.get(key)
    if (write) return write.value ? write.revision : 0
    return revisionOf(key)
  }
  for (const commit of commits) {
    const stale = commit.expect.find((one) => current(one.key) !== one.revision)
    if (stale) {
      verdicts.push(new Conflict(stale.key))
      continue
    }
    if (commit.writes.size > 0) {
      revision++
      for (const [key, value] of commit.writes) writes.set(key, { value, revision })
      changes.push({ revision, keys: [...commit.writes.keys()], ...(commit.notes ? { notes: commit.notes } : {}) })
    }
    verdicts.push(revision)
  }
  return { revision, writes, changes, verdicts }
}

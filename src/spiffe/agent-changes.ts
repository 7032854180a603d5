// What concerns an agent, told when it is committed: found from the keys of a commit, so that of thousands of agents few are looked at.
import type { Log } from '../base/log.ts'
import type { SpiffeId } from '../crypto/spiffe-id.ts'
import type { CertificateId } from '../crypto/x509-svid.ts'
import { openFeed } from '../store/feed.ts'
import type { Change, Revision, Store } from '../store/store.ts'
import type { Agents } from './agents.ts'
import { type AuthorisedRoom, selectorsOf } from './authorised.ts'
import { ALIAS, aliasHashOf, BELOW, type Entries, folderOf, hashOf, idsGiving } from './entries.ts'
import { keyOf } from './revocations.ts'
import { type Marks, Watchers } from './watchers.ts'

/** What an agent should ask for anew. */
export interface News {
  readonly revision: Revision
  readonly entries: boolean
  readonly bundles: boolean
}

/** The agent by the certificate of its connection. */
export interface Watcher extends CertificateId {
  readonly agent: SpiffeId
  hear(news: News): void
  /** The agent is one no more or its SVID is revoked, or the server is being sealed. */
  end(): void
}

export interface AgentChanges {
  /** The newest commit, of whatever it is. */
  readonly revision: Revision
  /** Returns how to stop. */
  watch(watcher: Watcher): () => void
  close(): void
}

export interface AgentChangesDeps {
  readonly store: Store
  readonly log: Log
  readonly entries: Entries
  readonly agents: Agents
  readonly authorised: AuthorisedRoom
}

const AGENT = 'agent/'
/** Of bundles, ours and others', of what is said in them, and of revocation lists. */
const BUNDLES = /^(?:authorities|crl|federated-bundle|issued-below|settings)\//
const REVOKED = 'revoked/'
/** Entries above one another that are looked at; deeper nesting tells everyone. */
const MAX_ANCESTORS = 1_000

export function openAgentChanges({ store, log, entries, agents, authorised }: AgentChangesDeps): AgentChanges {
  const watchers = new Watchers<Watcher>()
  const feed = openFeed<Watcher>(store, log, { name: 'changes for agents', hear, missed })

  function missed(listeners: ReadonlySet<Watcher>): void {
    for (const watcher of listeners) {
      watchers.set(watcher, marksOf(watcher.agent))
      watcher.hear({ revision: store.revision, entries: true, bundles: true })
    }
  }

  function marksOf(id: SpiffeId): Marks {
    const agent = agents.get(id)
    if (!agent) return { names: new Set([hashOf(id)]), selectors: new Set() }
    return { names: new Set(authorised.namesOf(agent).map(hashOf)), selectors: new Set(Array.from(selectorsOf(agent), aliasHashOf)) }
  }

  function hear({ keys, revision }: Change, listeners: ReadonlySet<Watcher>): void {
    const bundles = keys.some((key) => BUNDLES.test(key))
    const changed = watchers.of(keys.flatMap((key) => (key.startsWith(AGENT) ? [key.slice(AGENT.length)] : [])))
    for (const watcher of changed) check(watcher)
    endRevoked(keys, listeners)
    const described = watchers.selected(foldersIn(keys, ALIAS))
    const renamed = [...changed.union(described)].filter(rename)
    const above = ancestorsOf(store, entries, keys)
    const concerned = above.size > MAX_ANCESTORS ? listeners : watchers.named(above).union(new Set(renamed))
    for (const watcher of bundles ? listeners : concerned) watcher.hear({ revision, entries: concerned.has(watcher), bundles })
  }

  /** Ends what was banned or evicted. */
  function check(watcher: Watcher): void {
    const agent = agents.get(watcher.agent)
    if (!agent || agent.banned) watcher.end()
  }

  /** Whether other aliases describe it now. */
  function rename(watcher: Watcher): boolean {
    const before = watchers.names(watcher)
    const marks = marksOf(watcher.agent)
    watchers.set(watcher, marks)
    return before.size !== marks.names.size || !before.isSubsetOf(marks.names)
  }

  return {
    get revision() {
      return store.revision
    },
    watch(given) {
      const watcher = { ...given }
      watchers.set(watcher, marksOf(watcher.agent))
      const stop = feed.listen(watcher)
      return () => {
        stop()
        watchers.delete(watcher)
      }
    },
    close: feed.close,
  }
}

/** Those whose own SVID is among what a commit revoked. */
function endRevoked(keys: readonly string[], listeners: ReadonlySet<Watcher>): void {
  const revoked = new Set(keys.flatMap((key) => (key.startsWith(REVOKED) ? [key.slice(REVOKED.length)] : [])))
  for (const watcher of revoked.size > 0 ? listeners : []) if (revoked.has(keyOf(watcher))) watcher.end()
}

/** Hashes of the IDs above the entries that a commit touched, all the way up. */
function ancestorsOf(store: Store, entries: Entries, keys: readonly string[]): Set<string> {
  const above = foldersIn(keys, BELOW)
  for (const hash of above) {
    if (above.size > MAX_ANCESTORS) break
    for (const id of idsGiving(store, hash)) {
      const parent = entries.get(id)?.parentId
      if (parent !== undefined) above.add(hashOf(parent))
    }
  }
  return above
}

/** The folders of an index that keys of a commit are in. */
function foldersIn(keys: readonly string[], index: string): Set<string> {
  return new Set(keys.flatMap((key) => (key.startsWith(index) ? [folderOf(key.slice(index.length))] : [])))
}

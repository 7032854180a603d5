// What concerns an agent, told when it is committed: found from the keys of a commit, so that of thousands of agents few are looked at.
import type { Log } from '../base/log.ts'
import type { SpiffeId } from '../crypto/spiffe-id.ts'
import { openFeed } from '../store/feed.ts'
import type { Change, Revision, Store } from '../store/store.ts'
import type { Agents } from './agents.ts'
import { type AuthorisedRoom, serverId } from './authorised.ts'
import { BELOW, type Entries, hashOf, idsGiving } from './entries.ts'
import type { SettingsRoom } from './settings.ts'

/** What an agent should ask for anew. */
export interface News {
  readonly revision: Revision
  readonly entries: boolean
  readonly bundles: boolean
}

export interface Watcher {
  readonly agent: SpiffeId
  hear(news: News): void
  /** The agent is one no more, or the server is being sealed. */
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
  readonly settings: SettingsRoom
  readonly entries: Entries
  readonly agents: Agents
  readonly authorised: AuthorisedRoom
}

interface Watching extends Watcher {
  /** Hashes of the IDs below which its entries lie: its own, and those of the aliases that describe it. */
  names: ReadonlySet<string>
}

const AGENT = 'agent/'
/** Of bundles, ours and others', and of what is said in them. */
const BUNDLES = /^(?:authorities|federated-bundle|settings)\//
/** Entries above one another that are looked at; deeper nesting tells everyone. */
const MAX_ANCESTORS = 1_000

export function openAgentChanges({ store, log, settings, entries, agents, authorised }: AgentChangesDeps): AgentChanges {
  const feed = openFeed<Watching>(store, log, {
    name: 'changes for agents',
    hear,
    missed: (listeners) => tell(listeners, { revision: store.revision, entries: true, bundles: true }),
  })

  function namesOf(id: SpiffeId): ReadonlySet<string> {
    const agent = agents.get(id)
    return new Set(agent ? authorised.namesOf(agent).map(hashOf) : [hashOf(id)])
  }

  function hear({ keys, revision }: Change, listeners: ReadonlySet<Watching>): void {
    const bundles = keys.some((key) => BUNDLES.test(key))
    const changed = new Set(keys.filter((key) => key.startsWith(AGENT)).map((key) => key.slice(AGENT.length)))
    for (const watcher of listeners) if (changed.has(watcher.agent)) check(watcher)
    const above = ancestorsOf(keys)
    const aliases = above.has(hashOf(serverId(settings.need().trustDomain)))
    for (const watcher of listeners) {
      const renamed = (aliases || changed.has(watcher.agent)) && rename(watcher)
      const concerned = renamed || above.size > MAX_ANCESTORS || !watcher.names.isDisjointFrom(above)
      if (concerned || bundles) watcher.hear({ revision, entries: concerned, bundles })
    }
  }

  /** Ends what was banned or evicted. */
  function check(watcher: Watching): void {
    const agent = agents.get(watcher.agent)
    if (!agent || agent.banned) watcher.end()
  }

  /** Whether other aliases describe it now. */
  function rename(watcher: Watching): boolean {
    const before = watcher.names
    watcher.names = namesOf(watcher.agent)
    return before.size !== watcher.names.size || !before.isSubsetOf(watcher.names)
  }

  /** Hashes of the IDs above the entries that a commit touched, all the way up. */
  function ancestorsOf(keys: readonly string[]): Set<string> {
    const above = new Set(keys.filter((key) => key.startsWith(BELOW)).map((key) => key.slice(BELOW.length, key.indexOf('/', BELOW.length))))
    for (const hash of above) {
      if (above.size > MAX_ANCESTORS) break
      for (const id of idsGiving(store, hash)) {
        const parent = entries.get(id)?.parentId
        if (parent !== undefined) above.add(hashOf(parent))
      }
    }
    return above
  }

  return {
    get revision() {
      return store.revision
    },
    watch: (watcher) => feed.listen({ agent: watcher.agent, hear: watcher.hear, end: watcher.end, names: namesOf(watcher.agent) }),
    close: feed.close,
  }
}

function tell(listeners: ReadonlySet<Watching>, news: News): void {
  for (const watcher of listeners) watcher.hear(news)
}

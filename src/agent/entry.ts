// A registration entry as an agent knows it, and the finding of those that describe a workload.
import { Fault } from '../base/fault.ts'
import { parseTrustDomain, spiffeId, type SpiffeId, type TrustDomain } from '../crypto/spiffe-id.ts'
import type { EntryMessage } from '../edge/spire/messages.ts'

export interface AgentEntry {
  readonly id: string
  readonly spiffeId: SpiffeId
  /** The agent, or a name that agents have, below which it is; '' where that is not known. */
  readonly parentId: string
  /** `type:value` each. */
  readonly selectors: readonly string[]
  readonly federatesWith: readonly TrustDomain[]
  readonly hint: string
  readonly admin: boolean
  readonly downstream: boolean
  /** Its SVIDs are for a store elsewhere, and for no workload. */
  readonly storeSvid: boolean
  /** An X509-SVID is made before anybody asks. */
  readonly prefetch: boolean
  readonly revision: number
  /** Seconds since 1970. */
  readonly createdAt: number
}

/** Undefined for one that cannot be used: an ID that is none, or is of another trust domain; no selectors. */
export function entryOf(message: Partial<EntryMessage>, home: TrustDomain): AgentEntry | undefined {
  const { id = '', spiffeId: named, selectors = [], federatesWith = [], additionalAttributes } = message
  const found = idOf(named, home)
  if (!found || id === '' || selectors.length === 0) return undefined
  return {
    id,
    spiffeId: found,
    parentId: idOf(message.parentId, home) ?? '',
    selectors: selectors.map(({ type = '', value = '' }) => `${type}:${value}`),
    federatesWith: federatesWith.flatMap((name) => trustDomainOrNone(name)),
    hint: message.hint ?? '',
    admin: message.admin ?? false,
    downstream: message.downstream ?? false,
    storeSvid: message.storeSvid ?? false,
    prefetch: additionalAttributes?.disableX509SvidPrefetch !== true,
    revision: message.revisionNumber ?? 0,
    createdAt: message.createdAt ?? 0,
  }
}

function idOf(named: { trustDomain?: string; path?: string } | undefined, home: TrustDomain): SpiffeId | undefined {
  if (!named?.path || named.trustDomain !== home) return undefined
  return unlessInvalid(() => spiffeId(home, named.path))
}

function trustDomainOrNone(name: string): TrustDomain[] {
  const found = unlessInvalid(() => parseTrustDomain(name))
  return found === undefined ? [] : [found]
}

function unlessInvalid<T>(parse: () => T): T | undefined {
  try {
    return parse()
  } catch (error) {
    if (error instanceof Fault) return undefined
    throw error
  }
}

/** Whether two are the same entry at the same revision: one that was deleted and made again has another time. */
export const isSameRevision = (a: Pick<AgentEntry, 'revision' | 'createdAt'>, b: Pick<AgentEntry, 'revision' | 'createdAt'>): boolean =>
  a.revision === b.revision && a.createdAt === b.createdAt

export interface EntryIndex {
  readonly byId: ReadonlyMap<string, AgentEntry>
  /** Entries all of whose selectors a workload has, by entry id; those for stores are left out. */
  matching(selectors: ReadonlySet<string>): AgentEntry[]
}

export function indexEntries(byId: ReadonlyMap<string, AgentEntry>): EntryIndex {
  const byFirst = Map.groupBy(
    [...byId.values()].filter(({ storeSvid }) => !storeSvid),
    ({ selectors: [first] }) => first,
  )
  return {
    byId,
    matching(selectors) {
      const candidates = [...selectors].flatMap((one) => byFirst.get(one) ?? [])
      return candidates.filter((entry) => entry.selectors.every((one) => selectors.has(one))).sort((a, b) => (a.id < b.id ? -1 : 1))
    },
  }
}

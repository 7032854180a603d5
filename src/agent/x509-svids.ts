// X509-SVIDs for entries, as the agent asks its server for them and believes them.
import { Fault } from '../base/fault.ts'
import { newCsr } from '../crypto/csr.ts'
import type { SigningKey } from '../crypto/signing-key.ts'
import type { AgentEntry } from './entry.ts'
import { type HeldSvid, HeldSvids, type IssuingDeps, newKeys } from './held-svids.ts'
import { checkGiven } from './identity.ts'
import { renewalTime } from './jitter.ts'
import { isBelieved, isTainted } from './trust.ts'

export interface WorkloadSvid extends HeldSvid {
  /** DER, leaf first. */
  readonly chain: readonly Buffer[]
}

/** Asks the server: by entry id, a chain or why there is none. */
export type AskX509 = (requests: readonly { readonly entryId: string; readonly csr: Buffer }[]) => Promise<Map<string, readonly Buffer[] | string>>

export type X509SvidsDeps = IssuingDeps<AskX509>

export class X509Svids extends HeldSvids<WorkloadSvid> {
  constructor(deps: X509SvidsDeps) {
    const { trust } = deps
    super({
      ...deps,
      what: 'X509-SVID',
      make: (entries) => make(deps, entries),
      isTainted({ chain }) {
        const own = trust()
        return own !== undefined && isTainted(own, chain)
      },
      isBelieved({ chain }) {
        const own = trust()
        return own === undefined || isBelieved(own, chain)
      },
      isPrefetched: ({ prefetch }) => prefetch,
    })
  }
}

async function make(deps: X509SvidsDeps, entries: readonly AgentEntry[]): Promise<Map<string, WorkloadSvid | string>> {
  const keys = await newKeys(entries, deps.keyType, deps.timers)
  const given = await deps.ask(Array.from(keys, ([entryId, key]) => ({ entryId, csr: newCsr(key) })))
  return new Map(
    entries.map((entry) => {
      const chain = given.get(entry.id) ?? []
      return [entry.id, typeof chain === 'string' ? chain : taken(deps, entry, chain, keys.get(entry.id) as SigningKey)]
    }),
  )
}

/** Why it is not taken, where it isn't. */
function taken({ clock, random, trust }: X509SvidsDeps, entry: AgentEntry, chain: readonly Buffer[], key: SigningKey): WorkloadSvid | string {
  const now = clock.now()
  try {
    const { id, expiresAt } = checkGiven(chain, key, trust(), now)
    if (id !== entry.spiffeId) return `the server gave the SVID of ${id}`
    const { revision, createdAt } = entry
    return { id, chain, key, expiresAt, renewAt: renewalTime(now, expiresAt, random), revision, createdAt }
  } catch (error) {
    if (error instanceof Fault) return error.message
    throw error
  }
}

// WIT-SVIDs for entries that a workload asked for, each bound to a key that is made here and given to the workload with it.
import { createPublicKey } from 'node:crypto'
import { Fault } from '../base/fault.ts'
import { witKeyOf } from '../crypto/bundle.ts'
import { KEY_KINDS, type SigningKey } from '../crypto/signing-key.ts'
import { verifyWitSvid } from '../crypto/wit-svid.ts'
import { GrpcError, STATUS } from '../wire/grpc.ts'
import type { AgentEntry } from './entry.ts'
import { type HeldSvid, HeldSvids, type IssuingDeps, newKeys } from './held-svids.ts'
import { renewalTime } from './jitter.ts'
import { isAway } from './server/link.ts'
import type { Trust } from './trust.ts'

export interface WorkloadWit extends HeldSvid {
  readonly token: string
  /** Which key of the trust domain signed it. */
  readonly kid: string
}

export interface WitRequest {
  readonly entryId: string
  /** SubjectPublicKeyInfo in DER. */
  readonly publicKey: Buffer
  readonly signingAlgorithm: string
}

/** Asks the server: by entry id, a token or why there is none. */
export type AskWit = (requests: readonly WitRequest[]) => Promise<ReadonlyMap<string, { readonly token: string } | string>>

export type WitSvidsDeps = IssuingDeps<AskWit>

export class WitSvids extends HeldSvids<WorkloadWit> {
  readonly #deps: WitSvidsDeps

  constructor(deps: WitSvidsDeps) {
    const { trust } = deps
    super({
      ...deps,
      what: 'WIT-SVID',
      make: (entries) => make(deps, entries),
      isTainted: ({ kid }) => trust()?.tainted.has(kid) ?? false,
      isBelieved: ({ kid }) => trust()?.bundle.witAuthorities.some(({ keyId }) => keyId === kid) ?? false,
      isPrefetched: () => false,
    })
    this.#deps = deps
  }

  /** The same, of a trust domain that may have none any more; what is the matter with them holds up nothing else. */
  override async refresh(entries: ReadonlyMap<string, AgentEntry>): Promise<boolean> {
    if (!hasWit(this.#deps.trust())) {
      const had = this.all().size > 0
      this.forget()
      return had
    }
    try {
      return await super.refresh(entries)
    } catch (error) {
      if (!(error instanceof GrpcError) || isAway(error) || error.code === STATUS.denied) throw error
      this.#deps.log.warn('WIT-SVIDs could not be renewed', { reason: error.message })
      return false
    }
  }
}

/** Whether a trust domain has WIT-SVIDs at all (WIT-SVID.md §6.2). */
export const hasWit = (trust: Trust | undefined): boolean => trust !== undefined && trust.bundle.witAuthorities.length > 0

async function make(deps: WitSvidsDeps, entries: readonly AgentEntry[]): Promise<Map<string, WorkloadWit | string>> {
  const keys = await newKeys(entries, deps.keyType, deps.timers)
  const signingAlgorithm = KEY_KINDS[deps.keyType].jws ?? ''
  const given = await deps.ask(Array.from(keys, ([entryId, { publicKey }]) => ({ entryId, publicKey, signingAlgorithm })))
  return new Map(
    entries.map((entry) => {
      const svid = given.get(entry.id) ?? 'the server gave no WIT-SVID'
      return [entry.id, typeof svid === 'string' ? svid : taken(deps, entry, svid.token, keys.get(entry.id) as SigningKey)]
    }),
  )
}

/** Why it is not taken, where it isn't. That its key is held is plain: it was made here. */
function taken({ clock, random, trust }: WitSvidsDeps, entry: AgentEntry, token: string, key: SigningKey): WorkloadWit | string {
  const now = clock.now()
  const bundle = trust()?.bundle
  const own = createPublicKey(key.key)
  try {
    const { id, kid, expiresAt } = verifyWitSvid(
      token,
      now,
      (asked, kid) => (bundle && asked === bundle.trustDomain ? witKeyOf(bundle, kid) : undefined),
      (bound) => bound.key.equals(own) && bound.algorithm === KEY_KINDS[key.type].jws,
    )
    if (id !== entry.spiffeId) return `the server gave the SVID of ${id}`
    const { revision, createdAt } = entry
    return { id, token, kid, key, expiresAt, renewAt: renewalTime(now, expiresAt, random), revision, createdAt }
  } catch (error) {
    if (error instanceof Fault) return error.message
    throw error
  }
}

// What a workload with certain selectors is given: its identities, and the bundles that it may check others by.
import { GrpcError, STATUS } from '../../wire/grpc.ts'
import type { Agent } from '../agent.ts'
import type { AgentEntry } from '../entry.ts'
import type { Trust } from '../trust.ts'
import type { HeldSvid, HeldSvids } from '../held-svids.ts'
import type { WorkloadSvid } from '../x509-svids.ts'

export interface Held<S = WorkloadSvid> {
  readonly entry: AgentEntry
  readonly svid: S
}

/** Each entry with its X509-SVID. Throws `unavailable` where there is none of them yet. */
export const svidsFor = ({ x509 }: Agent, entries: readonly AgentEntry[]): Promise<Held[]> => heldFor(x509, entries, 'X509-SVID')

/** The same of any kind, and `unimplemented` where the server knows nothing of it. */
export async function heldFor<S extends HeldSvid>(
  svids: Pick<HeldSvids<S>, 'get' | 'need'>,
  entries: readonly AgentEntry[],
  what: string,
): Promise<Held<S>[]> {
  let problem = new GrpcError(STATUS.unavailable, 'the server gave none')
  try {
    await svids.need(entries)
  } catch (error) {
    problem = error instanceof GrpcError ? error : new GrpcError(STATUS.unavailable, 'internal error')
  }
  const held = entries.flatMap((entry) => {
    const svid = svids.get(entry)
    return svid ? [{ entry, svid }] : []
  })
  if (held.length > 0) return held
  const code = problem.code === STATUS.unimplemented ? STATUS.unimplemented : STATUS.unavailable
  throw new GrpcError(code, `could not fetch ${what}: ${problem.message}`)
}

/** What is believed of the trust domains that these entries federate with, by name. */
export function federatedFor({ trusts }: Agent, entries: readonly AgentEntry[]): Trust[] {
  const names = [...new Set(entries.flatMap(({ federatesWith }) => federatesWith))].sort()
  return names.flatMap((name) => trusts.of(name) ?? [])
}

export function ownTrust({ trusts }: Agent): Trust {
  const own = trusts.own()
  if (!own) throw new GrpcError(STATUS.unavailable, 'the agent has no bundle yet')
  return own
}

export const noIdentity = (): GrpcError => new GrpcError(STATUS.denied, 'no identity issued')

interface Holder {
  hold(entries: readonly AgentEntry[]): void
  release(): void
}

/** Keeps X509-SVIDs in use: those of the entries that were last given. */
export const holder = ({ x509 }: Agent): Holder => holderOf(x509)

/** The same of any kind. */
export function holderOf(svids: Pick<HeldSvids<HeldSvid>, 'hold'>): Holder {
  let held = new Map<string, () => void>()
  return {
    hold(entries) {
      const next = new Map(entries.map(({ id }) => [id, held.get(id) ?? svids.hold(id)]))
      for (const [id, release] of held) if (!next.has(id)) release()
      held = next
    },
    release() {
      for (const release of held.values()) release()
      held = new Map()
    },
  }
}

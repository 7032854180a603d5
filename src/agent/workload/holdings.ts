// What a workload with certain selectors is given: its identities, and the bundles that it may check others by.
import { GrpcError, STATUS } from '../../wire/grpc.ts'
import type { Agent } from '../agent.ts'
import type { AgentEntry } from '../entry.ts'
import type { Trust } from '../trust.ts'
import type { WorkloadSvid } from '../x509-svids.ts'

export interface Held {
  readonly entry: AgentEntry
  readonly svid: WorkloadSvid
}

/** Each entry with its X509-SVID. Throws `unavailable` where there is none of them yet. */
export async function svidsFor({ x509 }: Agent, entries: readonly AgentEntry[]): Promise<Held[]> {
  let problem = 'the server gave none'
  try {
    await x509.need(entries)
  } catch (error) {
    problem = error instanceof GrpcError ? error.message : 'internal error'
  }
  const held = entries.flatMap((entry) => {
    const svid = x509.get(entry)
    return svid ? [{ entry, svid }] : []
  })
  if (held.length === 0) throw new GrpcError(STATUS.unavailable, `could not fetch X509-SVID: ${problem}`)
  return held
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

/** Keeps SVIDs in use: those of the entries that were last given. */
export function holder({ x509 }: Agent): { hold(entries: readonly AgentEntry[]): void; release(): void } {
  let held = new Map<string, () => void>()
  return {
    hold(entries) {
      const next = new Map(entries.map(({ id }) => [id, held.get(id) ?? x509.hold(id)]))
      for (const [id, release] of held) if (!next.has(id)) release()
      held = next
    },
    release() {
      for (const release of held.values()) release()
      held = new Map()
    },
  }
}

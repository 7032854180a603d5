// The bundles that the agent holds: its own trust domain's, and those that entries federate with.
import type { JsonObject } from '../base/json.ts'
import type { TrustDomain } from '../crypto/spiffe-id.ts'
import type { Keeping } from './keeping.ts'
import { keptTrust, openTrust, type Trust } from './trust.ts'

export interface Trusts {
  /** Undefined before the first one came. */
  own(): Trust | undefined
  of(trustDomain: TrustDomain): Trust | undefined
  /** Every bundle that is held, the own one first. */
  all(): Trust[]
  /** Puts these in the place of all that were held; true where anything changed. */
  set(own: Trust, federated: readonly Trust[]): boolean
  /** Replaces the own one alone. */
  setOwn(own: Trust): void
  /** Writes what could not be written before. */
  settle(): void
  forget(): void
}

const RECORD = 'bundles'

export function openTrusts(home: TrustDomain, keeping: Keeping): Trusts {
  const kept = keeping.load(RECORD) as { bundles: JsonObject[] } | undefined
  let held = byName((kept?.bundles ?? []).map(openTrust))
  let text = JSON.stringify(kept?.bundles ?? [])
  /** Whether that is on disk. */
  let saved = true

  function set(own: Trust, federated: readonly Trust[]): boolean {
    const next = byName([own, ...federated])
    const bundles = [...next.values()].map(keptTrust)
    const now = JSON.stringify(bundles)
    if (now === text) return false
    held = next
    text = now
    saved = keeping.trySave(RECORD, { bundles })
    return true
  }

  return {
    own: () => held.get(home),
    of: (trustDomain) => held.get(trustDomain),
    all: () => [...held.values()],
    set,
    setOwn: (own) =>
      void set(
        own,
        [...held.values()].filter(({ bundle }) => bundle.trustDomain !== home),
      ),
    settle() {
      if (!saved) saved = keeping.trySave(RECORD, { bundles: [...held.values()].map(keptTrust) })
    },
    forget() {
      held = new Map()
      text = ''
      saved = true
      keeping.forget(RECORD)
    },
  }
}

const byName = (trusts: readonly Trust[]): Map<TrustDomain, Trust> => new Map(trusts.map((trust) => [trust.bundle.trustDomain, trust]))

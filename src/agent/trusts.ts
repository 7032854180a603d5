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
  forget(): void
}

const RECORD = 'bundles'

export function openTrusts(home: TrustDomain, keeping: Keeping): Trusts {
  const kept = keeping.load(RECORD) as { bundles: JsonObject[] } | undefined
  let held = byName((kept?.bundles ?? []).map(openTrust))
  let text = JSON.stringify(kept?.bundles ?? [])

  function set(own: Trust, federated: readonly Trust[]): boolean {
    const next = byName([own, ...federated])
    const bundles = [...next.values()].map(keptTrust)
    if (JSON.stringify(bundles) === text) return false
    held = next
    text = JSON.stringify(bundles)
    keeping.save(RECORD, { bundles })
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
    forget() {
      held = new Map()
      text = ''
      keeping.forget(RECORD)
    },
  }
}

const byName = (trusts: readonly Trust[]): Map<TrustDomain, Trust> => new Map(trusts.map((trust) => [trust.bundle.trustDomain, trust]))

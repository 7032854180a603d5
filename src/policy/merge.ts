// What several policies say of one and the same path, as one: capabilities add up, `deny` wipes all else, the tighter bound wins.
import type { Json } from '../base/json.ts'
import type { Capability } from '../contract/call.ts'
import { BIT, capabilitiesOf } from './capability.ts'
import type { Limits, Parameters } from './policy.ts'

export interface Grants extends Limits {
  /** The policies that gave each capability. */
  readonly from: ReadonlyMap<Capability, readonly string[]>
}

export function grantsOf(limits: Limits, policy: string): Grants {
  return { ...limits, from: addPolicy(new Map(), limits.bits, policy) }
}

export function merge(before: Grants, rule: Limits, policy: string): Grants {
  if (before.bits & BIT.deny) return before
  if (rule.bits & BIT.deny) return grantsOf(rule, policy)
  return {
    bits: before.bits | rule.bits,
    from: addPolicy(before.from, rule.bits, policy),
    allowed: mergeParameters(before.allowed, rule.allowed),
    denied: mergeParameters(before.denied, rule.denied),
    required: [...new Set([...before.required, ...rule.required])],
    minWrapTtl: lowest(before.minWrapTtl, rule.minWrapTtl),
    maxWrapTtl: lowest(before.maxWrapTtl, rule.maxWrapTtl),
    paginationLimit: lowest(before.paginationLimit, rule.paginationLimit),
    events: [...new Set([...before.events, ...rule.events])],
  }
}

function addPolicy(from: Grants['from'], bits: number, policy: string): Grants['from'] {
  const added = new Map(from)
  for (const capability of bits === 0 ? [] : capabilitiesOf(bits)) {
    const names = added.get(capability) ?? []
    if (!names.includes(policy)) added.set(capability, [...names, policy])
  }
  return added
}

/** Where only one side limits parameters, the union is limited too: Vault's rule, which only ever refuses more. */
function mergeParameters(a: Parameters | undefined, b: Parameters | undefined): Parameters | undefined {
  if (!a || !b || b.size === 0) return a ?? b
  const merged = new Map<string, readonly Json[]>(a)
  for (const [name, values] of b) {
    const before = merged.get(name)
    const any = values.length === 0 || before?.length === 0
    merged.set(name, any ? [] : [...values, ...(before ?? [])])
  }
  return merged
}

/** Of two bounds the lower; 0 is none. */
function lowest(a: number, b: number): number {
  return a === 0 || b === 0 ? a + b : Math.min(a, b)
}

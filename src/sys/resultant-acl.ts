// sys/internal/ui/resultant-acl: what the caller's policies add up to, as user interfaces ask to show only what can be done.
import type { Json, JsonObject } from '../base/json.ts'
import type { Token } from '../contract/token.ts'
import type { Acl } from '../policy/acl.ts'
import { capabilitiesOf } from '../policy/capability.ts'
import type { Limits, Parameters } from '../policy/policy.ts'

/** Paths are full ones, of all namespaces. Rules with `+` segments have no place in this format, as in Vault. */
export function resultantAcl(acl: Acl, { namespace }: Token): JsonObject {
  if (acl.root) return { root: true }
  const exact: [string, Json][] = []
  const glob: [string, Json][] = []
  for (const [path, limits] of acl.rules()) {
    if (/(?:^|\/)\+/.test(path)) continue
    if (path.endsWith('*')) glob.push([namespace + path.slice(0, -1), describe(limits)])
    else exact.push([namespace + path, describe(limits)])
  }
  return { exact_paths: Object.fromEntries(exact), glob_paths: Object.fromEntries(glob), root: false }
}

function describe({ bits, minWrapTtl, maxWrapTtl, allowed, denied, required }: Limits): JsonObject {
  return {
    capabilities: capabilitiesOf(bits),
    ...(minWrapTtl > 0 ? { min_wrapping_ttl: Math.trunc(minWrapTtl) } : {}),
    ...(maxWrapTtl > 0 ? { max_wrapping_ttl: Math.trunc(maxWrapTtl) } : {}),
    ...(allowed && allowed.size > 0 ? { allowed_parameters: plain(allowed) } : {}),
    ...(denied && denied.size > 0 ? { denied_parameters: plain(denied) } : {}),
    ...(required.length > 0 ? { required_parameters: [...required] } : {}),
  }
}

function plain(parameters: Parameters): JsonObject {
  return Object.fromEntries([...parameters].map(([name, values]) => [name, [...values]]))
}

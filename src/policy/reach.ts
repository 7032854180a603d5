// Whether an ACL grants anything at all below a folder: what decides if a mount is shown.
import { grantsAny } from './capability.ts'
import type { Pattern } from './pattern.ts'

export interface ReachRule {
  readonly path: string
  /** Undefined for a path that means itself only. */
  readonly pattern: Pattern | undefined
  readonly bits: number
}

/** True where some path from `folder` (which ends in a slash) on has a capability; rules that deny are passed over. */
export function reachesBelow(rules: Iterable<ReachRule>, folder: string): boolean {
  const above = folder.slice(0, -1).split('/')
  for (const { path, pattern, bits } of rules) {
    if (grantsAny(bits) && (pattern ? meets(pattern, above) : path.startsWith(folder))) return true
  }
  return false
}

function meets({ segments, glob }: Pattern, above: readonly string[]): boolean {
  const last = segments.length - 1
  if (!glob && last < above.length) return false
  return above.every((segment, i) => {
    const own = segments[i]
    if (own === undefined || own === '+') return true
    return glob && i === last ? segment.startsWith(own) : segment === own
  })
}

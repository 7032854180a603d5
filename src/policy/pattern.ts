// How specific a wildcard path is: which of several matching rules decides (Vault, "Policies", priority matching).

/** A path with `+` segments, a `*` at its end, or both. */
export interface Pattern {
  /** The path without its final `*`, by segment. */
  readonly segments: readonly string[]
  /** It ended in `*`: the last segment is a prefix, and more may follow. */
  readonly glob: boolean
  /** Bytes before the first `+`, or before the `*` where no segment is `+`. */
  readonly firstWildcard: number
  /** How many segments are `+`. */
  readonly wildcards: number
  readonly bytes: Buffer
}

/** Undefined for a path that means itself only. */
export function toPattern(path: string): Pattern | undefined {
  const anySegment = path === '+' || path.startsWith('+/') || path.includes('/+')
  const glob = path.endsWith('*')
  if (!anySegment && !glob) return undefined
  const text = glob ? path.slice(0, -1) : path
  const segments = text.split('/')
  const bytes = Buffer.from(text)
  const firstWildcard = anySegment ? bytes.indexOf('+') : bytes.length
  return { segments, glob, firstWildcard, wildcards: segments.filter((segment) => segment === '+').length, bytes }
}

/** Positive where `a` goes before `b` when both match. */
export function compareSpecificity(a: Pattern, b: Pattern): number {
  return (
    a.firstWildcard - b.firstWildcard ||
    Number(b.glob) - Number(a.glob) ||
    b.wildcards - a.wildcards ||
    a.bytes.length - b.bytes.length ||
    Buffer.compare(a.bytes, b.bytes)
  )
}

/** Whether a path has the pattern. */
export function matches({ segments, glob }: Pattern, path: string): boolean {
  const parts = path.split('/')
  const last = segments.length - 1
  if (glob ? parts.length <= last : parts.length !== segments.length) return false
  return segments.every((segment, i) => {
    const part = parts[i] as string
    return glob && i === last ? part.startsWith(segment) : segment === '+' || segment === part
  })
}

/** Why `a` goes before `b` when both match; undefined where it does not. */
export function advantage(a: Pattern, b: Pattern): string | undefined {
  if (compareSpecificity(a, b) <= 0) return undefined
  if (a.firstWildcard !== b.firstWildcard) return 'its first wildcard comes later'
  if (a.glob !== b.glob) return 'it does not end in "*"'
  if (a.wildcards !== b.wildcards) return 'it has fewer "+"'
  return a.bytes.length === b.bytes.length ? 'it comes later in the order of bytes' : 'it is longer'
}

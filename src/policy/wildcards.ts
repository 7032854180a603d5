// The wildcard rules of an ACL as a tree of segments: a look-up costs by the length of the path, not by the number of rules.
import type { Grants } from './merge.ts'
import { compareSpecificity, type Pattern } from './pattern.ts'

export interface Ranked {
  readonly grants: Grants
  /** Higher goes before lower. */
  readonly rank: number
}

interface Node {
  readonly literal: Map<string, Node>
  any: Node | undefined
  /** The rule that ends with this segment. */
  whole: Ranked | undefined
  /** Rules that end in `*` within the next segment, by what precedes the `*` there. */
  globs: Map<string, Ranked> | undefined
  /** The lengths of their keys. */
  readonly lengths: Set<number>
}

export type FindWildcard = (path: string) => Ranked | undefined

/** The most specific of the patterns that match a path. */
export function compileWildcards(rules: readonly { readonly pattern: Pattern; readonly grants: Grants }[]): FindWildcard {
  if (rules.length === 0) return () => undefined
  const root = node()
  const sorted = rules.toSorted((a, b) => compareSpecificity(a.pattern, b.pattern))
  for (const [rank, { pattern, grants }] of sorted.entries()) add(root, pattern, { grants, rank })
  return (path) => seek(root, path, 0, undefined)
}

function node(): Node {
  return { literal: new Map(), any: undefined, whole: undefined, globs: undefined, lengths: new Set() }
}

function add(root: Node, { segments, glob }: Pattern, rule: Ranked): void {
  let at = root
  for (const segment of glob ? segments.slice(0, -1) : segments) at = segment === '+' ? (at.any ??= node()) : childOf(at, segment)
  if (!glob) {
    at.whole = rule
    return
  }
  const head = segments.at(-1) as string
  at.globs ??= new Map()
  at.globs.set(head, rule)
  at.lengths.add(head.length)
}

function childOf(at: Node, segment: string): Node {
  const known = at.literal.get(segment)
  if (known) return known
  const made = node()
  at.literal.set(segment, made)
  return made
}

/** `start` is where the next segment begins; past the end of the path there is none. */
function seek(at: Node, path: string, start: number, best: Ranked | undefined): Ranked | undefined {
  if (start > path.length) return better(at.whole, best)
  const slash = path.indexOf('/', start)
  const end = slash < 0 ? path.length : slash
  let found = at.globs ? better(globOf(at, path, start, end), best) : best
  if (at.literal.size > 0) {
    const literal = at.literal.get(path.slice(start, end))
    if (literal) found = seek(literal, path, end + 1, found)
  }
  return at.any ? seek(at.any, path, end + 1, found) : found
}

/** The longest is not always the best: a literal `+` further up counts as a wildcard for some of them. */
function globOf({ globs, lengths }: Node, path: string, start: number, end: number): Ranked | undefined {
  let best: Ranked | undefined
  for (const length of lengths) if (length <= end - start) best = better(globs?.get(path.slice(start, start + length)), best)
  return best
}

function better(a: Ranked | undefined, b: Ranked | undefined): Ranked | undefined {
  return a && (!b || a.rank > b.rank) ? a : b
}

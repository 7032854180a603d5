// How the paths of two rules relate: whether one covers the other, and whether any path is under both.
import { type Pattern, toPattern } from './pattern.ts'

/** A path of a rule, taken apart; one that means itself only has neither wildcard. */
type Shape = Pick<Pattern, 'segments' | 'glob'>

export function shapeOf(path: string): Shape {
  return toPattern(path) ?? { segments: path.split('/'), glob: false }
}

/** Whether every path that has shape `inner` has shape `outer` too. */
export function covers(outer: Shape, inner: Shape): boolean {
  const last = outer.segments.length - 1
  if (outer.glob ? inner.segments.length <= last : inner.glob || inner.segments.length !== outer.segments.length) return false
  return outer.segments.every((segment, i) => {
    const own = inner.segments[i] as string
    const isPrefix = inner.glob && i === inner.segments.length - 1
    if (outer.glob && i === last) return segment === '' || (own !== '+' && own.startsWith(segment))
    if (isPrefix) return false
    return segment === '+' || segment === own
  })
}

/** Whether some path has both shapes. */
export function overlaps(a: Shape, b: Shape): boolean {
  const size = Math.max(a.segments.length, b.segments.length)
  if (!reaches(a, size) || !reaches(b, size)) return false
  return Array.from({ length: size }, (_, i) => i).every((i) => agree(segmentAt(a, i), segmentAt(b, i)))
}

function reaches({ segments, glob }: Shape, size: number): boolean {
  return segments.length === size || (glob && segments.length < size)
}

interface Segment {
  readonly text: string
  /** The beginning of a segment. */
  readonly isPrefix: boolean
}

/** Undefined where anything may stand. */
function segmentAt({ segments, glob }: Shape, i: number): Segment | undefined {
  const text = segments[i]
  if (text === undefined || text === '+') return undefined
  return { text, isPrefix: glob && i === segments.length - 1 }
}

function agree(a: Segment | undefined, b: Segment | undefined): boolean {
  if (!a || !b) return true
  if (a.isPrefix && b.isPrefix) return a.text.startsWith(b.text) || b.text.startsWith(a.text)
  if (a.isPrefix) return b.text.startsWith(a.text)
  return b.isPrefix ? a.text.startsWith(b.text) : a.text === b.text
}

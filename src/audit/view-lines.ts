// Lines of a file that is longer than memory: one after the other from some place on, and the first of a time.
import type { ReadFile, Timers } from '../base/ports.ts'

const CHUNK = 64 << 10
/** Longer lines are passed over. */
const MAX_LINE = 1 << 20
const NEWLINE = 0x0a

export interface Line {
  /** Without its end; undefined for one that is too long. */
  readonly line: Buffer | undefined
  /** Where the next one begins. */
  readonly after: number
}

/** Whole lines from `from`, where one begins, up to `end`, where one ends. Others have their turn between chunks. */
export async function* linesFrom(file: ReadFile, from: number, end: number, timers: Pick<Timers, 'turn'>): AsyncGenerator<Line> {
  let rest: Buffer[] = []
  let kept = 0
  for (let at = from; at < end; ) {
    const chunk = file.read(at, Math.min(CHUNK, end - at))
    if (chunk.length === 0) return
    let start = 0
    for (let stop = chunk.indexOf(NEWLINE); stop >= 0; stop = chunk.indexOf(NEWLINE, start)) {
      const tooLong = kept + stop - start > MAX_LINE
      yield { line: tooLong ? undefined : Buffer.concat([...rest, chunk.subarray(start, stop)]), after: at + stop + 1 }
      rest = []
      kept = 0
      start = stop + 1
    }
    kept += chunk.length - start
    if (kept > MAX_LINE) rest = []
    else rest.push(chunk.subarray(start))
    at += chunk.length
    await timers.turn()
  }
}

/** Where the last line begins that begins at `at` or before; the line after the last whole one where `at` is the end. */
export function lineStart(file: ReadFile, at: number): number {
  for (let end = at; end > 0; ) {
    const from = Math.max(0, end - CHUNK)
    const found = file.read(from, end - from).lastIndexOf(NEWLINE)
    if (found >= 0) return from + found + 1
    end = from
  }
  return 0
}

/**
 * Where to begin for lines of a time and later: halves what is left as long as that is much. Several processes write, so lines are in
 * the order of time but for a moment, for which it begins earlier.
 */
export function firstSince(file: ReadFile, size: number, since: number): number {
  if (since <= 0) return 0
  let [low, high] = [0, size]
  while (high - low > CHUNK) {
    const middle = lineStart(file, low + Math.floor((high - low) / 2))
    const time = middle > low ? timeAt(file, middle) : undefined
    if (time !== undefined && time < since - DISORDER_MS) low = middle
    else if (middle <= low) break
    else high = middle
  }
  return low
}

const DISORDER_MS = 10_000
const TIME = /^\{"time":"([^"]{1,40})"/

function timeAt(file: ReadFile, at: number): number | undefined {
  const [, text] = TIME.exec(file.read(at, 64).toString()) ?? []
  const time = text === undefined ? Number.NaN : Date.parse(text)
  return Number.isNaN(time) ? undefined : time
}

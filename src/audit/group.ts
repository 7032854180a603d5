// The lines that go out as one: what must stand before the records, and which of them a short append has kept.
import { Torn } from '../base/ports.ts'
import type { Head, Occasion } from './chain.ts'

export interface Due {
  readonly occasion: Occasion
  readonly torn?: string
}

export interface Item {
  /** A record, or why a checkpoint is due. */
  readonly record: string | Due
  readonly done: () => void
  readonly failed: (error: unknown) => void
}

export interface Group {
  readonly before: Head
  readonly torn: boolean
  readonly lines: readonly { readonly bytes: Buffer; readonly after: Head; readonly item: Item }[]
}

/** What must stand before the records. */
export function dueFirst(before: Head, fresh: boolean, halves: readonly string[]): Item[] {
  const opening: Due[] = before.seq === 0 ? [{ occasion: 'open' }] : fresh ? [{ occasion: 'reopen' }] : []
  const mends = halves.map((torn): Due => ({ occasion: 'mend', torn }))
  return [...opening, ...mends].map((record) => ({ record, done() {}, failed() {} }))
}

const NEWLINE = Buffer.from('\n')

export function bytesOf({ torn, lines }: Group): Buffer {
  const parts = lines.map(({ bytes }) => bytes)
  if (torn) parts.unshift(NEWLINE)
  return parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts)
}

/** A line is there once its text is; its end may come with the next append. */
export function wholeLines({ torn, lines }: Group, error: unknown): number {
  let left = (error instanceof Torn ? error.written : 0) - (torn ? NEWLINE.length : 0)
  const cut = lines.findIndex(({ bytes }) => {
    const missing = left < bytes.length - NEWLINE.length
    left -= bytes.length
    return missing
  })
  return cut < 0 ? lines.length : cut
}

// A reading position in a configuration text: what is next, and at which line and column.
import { Fault } from './fault.ts'

/** A place in a text; both count from 1. */
export interface Place {
  readonly line: number
  readonly column: number
}

/** The longest text that is read, in characters: what the store's largest value could hold. */
export const MAX_HCL_CHARS = 1 << 20

export class Cursor {
  readonly text: string
  at = 0
  #line = 1
  #lineStart = 0
  #newline: number

  constructor(text: string) {
    this.text = text
    this.#newline = this.#newlineFrom(0)
    if (text.length > MAX_HCL_CHARS) throw this.fault(`text is longer than ${MAX_HCL_CHARS} characters`)
    if (text.includes('\0') || !text.isWellFormed()) throw this.fault('text contains NUL or is not well-formed Unicode')
  }

  get place(): Place {
    return { line: this.#line, column: this.at - this.#lineStart + 1 }
  }

  /** Moves past what the sticky pattern matches here, and returns it. */
  take(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.at
    const found = pattern.exec(this.text)?.[0]
    if (found !== undefined) this.moveTo(this.at + found.length)
    return found
  }

  moveTo(end: number): void {
    while (this.#newline < end) {
      this.#line++
      this.#lineStart = this.#newline + 1
      this.#newline = this.#newlineFrom(this.#lineStart)
    }
    this.at = end
  }

  /** The index of the next line break, kept so that every character is looked at once. */
  #newlineFrom(start: number): number {
    const found = this.text.indexOf('\n', start)
    return found < 0 ? Number.POSITIVE_INFINITY : found
  }

  fault(message: string): Fault {
    return faultAt(this.place, message)
  }
}

export function faultAt({ line, column }: Place, message: string): Fault {
  return new Fault('invalid', `${line}:${column}: ${message}`)
}

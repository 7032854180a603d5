// What an import did and what it could not do, one line for each thing.
import type { JsonObject } from '../../base/json.ts'
import { ApiError } from '../../client/failure.ts'
import { isExpected } from '../failure.ts'

/** `same`: it was there already. `left`: it can't be carried, or only in part; `why` says what to do about it. */
export type Outcome = 'carried' | 'same' | 'left' | 'failed'

export interface Line {
  readonly kind: string
  readonly name: string
  readonly outcome: Outcome
  readonly why?: string
}

export class Report {
  readonly lines: Line[] = []
  readonly #told: (line: Line) => void

  /** `told` hears of each line as it is added. */
  constructor(told: (line: Line) => void = () => {}) {
    this.#told = told
  }

  add(kind: string, name: string, outcome: Outcome, why?: string): void {
    const line = { kind, name, outcome, ...(why === undefined ? {} : { why }) }
    this.lines.push(line)
    this.#told(line)
  }

  /** Runs one step; what a server refuses becomes a line, and the import goes on. */
  async step(kind: string, name: string, run: () => Promise<Outcome>): Promise<Outcome> {
    try {
      const outcome = await run()
      this.add(kind, name, outcome)
      return outcome
    } catch (error) {
      if (!isExpected(error)) throw error
      this.add(kind, name, 'failed', error instanceof ApiError ? error.errors.join('; ').trim() || `status ${error.status}` : error.message)
      return 'failed'
    }
  }

  get failed(): boolean {
    return this.lines.some(({ outcome }) => outcome === 'failed')
  }

  /** How many of each kind came to what. */
  counts(): Record<string, Record<Outcome, number>> {
    const counts: Record<string, Record<Outcome, number>> = {}
    for (const { kind, outcome } of this.lines) (counts[kind] ??= { carried: 0, same: 0, left: 0, failed: 0 })[outcome]++
    return counts
  }

  toJson(): JsonObject {
    return {
      counts: this.counts(),
      lines: this.lines.filter(({ outcome }) => outcome === 'left' || outcome === 'failed').map((line) => ({ ...line })),
    }
  }
}

// Counts latencies in fixed memory with a relative error under 1 % (the log-linear buckets of HdrHistogram).

/** Steps per power of two: 128 keep every value within 1/128 of what was recorded. */
const STEPS = 128
const LARGEST = 2 ** 31 - 1

export class Histogram {
  readonly #counts = new Float64Array(indexOf(LARGEST) + 1)
  #total = 0

  /** Records one value in whole units (here: microseconds); what exceeds 2³¹-1 counts as that. */
  record(value: number): void {
    const index = indexOf(Math.min(Math.max(0, Math.round(value)), LARGEST))
    this.#counts[index] = (this.#counts[index] ?? 0) + 1
    this.#total++
  }

  get total(): number {
    return this.#total
  }

  /** The value that the given fraction of records does not exceed; 0 when nothing was recorded. */
  quantile(fraction: number): number {
    const rank = Math.max(1, Math.ceil(fraction * this.#total))
    let seen = 0
    for (let index = 0; index < this.#counts.length; index++) {
      seen += this.#counts[index] ?? 0
      if (seen >= rank) return highestAt(index)
    }
    return 0
  }
}

/** Below 2·STEPS every value has its own bucket; above, each power of two is cut into STEPS. */
function indexOf(value: number): number {
  const shift = Math.max(0, 24 - Math.clz32(value))
  return shift * STEPS + (value >>> shift)
}

function highestAt(index: number): number {
  const shift = Math.max(0, Math.floor(index / STEPS) - 1)
  return (index - shift * STEPS + 1) * 2 ** shift - 1
}

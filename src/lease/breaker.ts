// A circuit breaker: after failures in a row a target is left alone for a while, then asked once whether it is back.

const THRESHOLD = 5
const FIRST_MS = 5_000
const LONGEST_MS = 5 * 60_000

export class Breaker {
  #failures = 0
  #wait = 0
  #closedUntilProbe = 0

  /** How many of `wish` tries may begin now: all, one as a probe, or none. */
  room(now: number, wish: number): number {
    if (this.#wait === 0) return wish
    return now < this.#closedUntilProbe ? 0 : 1
  }

  /** True where this closes the circuit again. */
  succeeded(): boolean {
    const was = this.#wait > 0
    this.#failures = 0
    this.#wait = 0
    return was
  }

  /** True where this opens the circuit. */
  failed(now: number): boolean {
    this.#failures++
    if (this.#failures < THRESHOLD) return false
    const opens = this.#wait === 0
    this.#wait = opens ? FIRST_MS : Math.min(this.#wait * 2, LONGEST_MS)
    this.#closedUntilProbe = now + this.#wait
    return opens
  }
}

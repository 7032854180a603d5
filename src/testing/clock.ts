// Time that moves only when told to.
import type { Clock, Timers } from '../base/ports.ts'

export interface SettableClock extends Clock {
  set(ms: number): void
  advance(ms: number): void
}

export function settableClock(now = Date.UTC(2030, 0, 2, 3, 4, 5, 678)): SettableClock {
  let wall = now
  return {
    now: () => wall,
    monotonic: () => wall,
    set(ms) {
      wall = ms
    },
    advance(ms) {
      wall += ms
    },
  }
}

/** Timers that never fire, and turns that are the event loop's own. */
export const stillTimers: Timers = {
  after: () => () => {},
  every: () => () => {},
  turn: () => new Promise((resolve) => setImmediate(resolve)),
}

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

export interface HandTimers extends Timers {
  /** Runs what waits for so many milliseconds or fewer, and what is repeated. */
  fire(ms: number): void
}

/** Timers that a test fires; turns are the event loop's own. */
export function handTimers(): HandTimers {
  const waiting = new Map<() => void, number>()
  const add = (ms: number, run: () => void) => {
    const own = () => run()
    waiting.set(own, ms)
    return () => void waiting.delete(own)
  }
  return {
    ...stillTimers,
    after(ms, run) {
      const cancel = add(ms, () => {
        cancel()
        run()
      })
      return cancel
    },
    every: add,
    fire(ms) {
      for (const [run, wait] of [...waiting]) if (wait <= ms) run()
    },
  }
}

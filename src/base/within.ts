// An action with an end: what takes longer is told to stop, and counts as failed whether or not it listens.
import { Fault } from './fault.ts'
import type { Timers } from './ports.ts'

/**
 * What `run` resolves to. After `ms` milliseconds its signal aborts and the promise rejects with an `unavailable` Fault.
 * @example await within(timers, 30_000, (signal) => client.query(sql, { signal }))
 */
export async function within<T>(timers: Pick<Timers, 'after'>, ms: number, run: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const ending = new AbortController()
  const late = Promise.withResolvers<never>()
  const cancel = timers.after(ms, () => {
    const fault = new Overdue(ms)
    ending.abort(fault)
    late.reject(fault)
  })
  try {
    return await Promise.race([run(ending.signal), late.promise])
  } finally {
    cancel()
  }
}

/** Nobody knows what became of the action. */
export class Overdue extends Fault {
  constructor(ms: number) {
    super('unavailable', `no result within ${ms / 1000} s`)
    this.name = 'Overdue'
  }
}

// Opens a server by its seals when it starts, again and again until one of them can.
import { Fault } from '../base/fault.ts'
import type { Log } from '../base/log.ts'
import type { Timers } from '../base/ports.ts'
import type { Sealer } from './sealer.ts'

export interface AutoUnsealDeps {
  readonly sealer: Pick<Sealer, 'status' | 'auto' | 'unsealBySeals'>
  readonly timers: Pick<Timers, 'after'>
  readonly log: Log
  /** Called when the keys have come. */
  readonly unsealed: () => Promise<void>
}

const FIRST_WAIT = 1_000
const LONGEST_WAIT = 30_000

/** Resolves when the first try is over. Ends by itself when the server is open, or takes people; the returned function ends it before. */
export async function autoUnseal({ sealer, timers, log, unsealed }: AutoUnsealDeps): Promise<() => void> {
  let cancel = () => {}
  let wait = FIRST_WAIT

  async function attempt(): Promise<void> {
    const { initialized, sealed, migration } = sealer.status()
    if (!initialized || !sealed || !sealer.auto) return
    if (migration) return log.warn('a seal migration is pending: unseal with -migrate')
    try {
      await sealer.unsealBySeals()
    } catch (error) {
      if (error instanceof Fault && error.code === 'invalid') return
      log.error('no seal could open the server; another try follows', { in_ms: wait }, error instanceof Fault ? undefined : error)
      cancel = timers.after(wait, () => void attempt())
      wait = Math.min(2 * wait, LONGEST_WAIT)
      return
    }
    if (sealer.status().sealed) return
    log.info('unsealed by a seal')
    await unsealed()
  }

  await attempt()
  return () => cancel()
}

// Tidying: leases whose token is gone are ended. None should exist, since they end with it; so whatever is found is told.
import type { Log } from '../base/log.ts'
import type { Clock, Timers } from '../base/ports.ts'
import type { Leases } from './leases.ts'

export interface TidyDeps {
  readonly leases: Leases
  readonly holderKnown: (hash: string) => boolean
  readonly clock: Clock
  readonly timers: Pick<Timers, 'turn'>
  readonly log: Log
}

/** Goes through all leases of a namespace, in steps; one such walk at a time in a process. */
export function openTidy(deps: TidyDeps): (namespace: string) => Promise<void> {
  let running: Promise<void> | undefined
  return (namespace) => {
    running ??= walk(deps, namespace)
      .catch((error: unknown) => deps.log.error('leases could not be tidied', {}, error))
      .finally(() => {
        running = undefined
      })
    return running
  }
}

async function walk({ leases, holderKnown, clock, timers, log }: TidyDeps, namespace: string): Promise<void> {
  let seen = 0
  let ended = 0
  for (let ids = leases.under(namespace, ''); ids.length > 0; ids = leases.under(namespace, '', ids.at(-1))) {
    const lost = ids.filter((id) => {
      const holder = leases.find(id)?.holder ?? ''
      return holder !== '' && !holderKnown(holder)
    })
    await leases.end(lost, clock.now())
    seen += ids.length
    ended += lost.length
    await timers.turn()
  }
  log.info('leases were tidied', { seen, ended })
}

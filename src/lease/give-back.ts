// Taking back what was lent: the module acts on the outside, and the table learns how it went.
import { Fault } from '../base/fault.ts'
import type { Log } from '../base/log.ts'
import type { Clock, Random, Timers } from '../base/ports.ts'
import { within } from '../base/within.ts'
import type { LeaseCtx, Lent } from '../contract/lease.ts'
import type { Module } from '../contract/module.ts'
import type { Store } from '../store/store.ts'
import type { LeaseMeter } from '../telemetry/metrics.ts'
import { hasEnded, isIrrevocable, type Lease, stored } from './lease.ts'
import type { Leases } from './leases.ts'
import { AGAIN_MS, backoff, REVOKE_MS } from './times.ts'

/** Who lent it: a mount, though it may be on its way out, and the module that serves it. */
export interface Lender {
  readonly module: Module
  readonly ctx: LeaseCtx
}

export interface GiveBackDeps {
  readonly store: Store
  readonly leases: Leases
  /** Whose lease it is. */
  readonly lenderOf: (lease: Pick<Lease, 'id' | 'mount'>) => Lender | undefined
  readonly clock: Clock
  readonly random: Random
  readonly timers: Timers
  readonly log: Log
  readonly meter: LeaseMeter
}

/**
 * Takes back one lease or intent that has ended; resolves to what went wrong, or to undefined, once that is recorded. With `later`
 * it resolves as soon as the target answered, and `later` is given the rest, to be awaited.
 */
export type GiveBack = (id: string, later?: (recorded: Promise<void>) => void) => Promise<Fault | undefined>

export function openGiveBack(deps: GiveBackDeps): GiveBack {
  const { store, leases, clock } = deps
  return async (id, later) => {
    const lease = stored(store, id)
    if (!lease) return undefined
    // From here on nobody can confirm an intent any more.
    if (!hasEnded(lease, clock.now())) await leases.end([id], lease.dueAt)
    const fault = await act(deps, lease)
    const recorded = record(deps, lease, fault)
    if (later) later(recorded)
    else await recorded
    return fault
  }
}

async function act({ lenderOf, timers, log }: GiveBackDeps, lease: Lease): Promise<Fault | undefined> {
  const lender = lenderOf(lease)
  const kind = lender?.module.leases?.[lease.kind]
  if (!lender || !kind) return new Fault('unavailable', 'nothing is mounted that could take it back')
  try {
    await within(timers, REVOKE_MS, (signal) => kind.revoke(lender.ctx, lentOf(lease), signal))
    return undefined
  } catch (error) {
    if (error instanceof Fault) return error
    log.error('a lease could not be taken back', { lease_id: lease.id }, error)
    return new Fault('internal', 'internal error')
  }
}

async function record(deps: GiveBackDeps, lease: Lease, fault: Fault | undefined): Promise<void> {
  const { leases, clock, meter } = deps
  if (fault) meter.failed()
  else meter.takenBack()
  if (fault) await recordFailure(deps, lease, fault)
  else await leases.takenBack(lease.id, clock.now() + AGAIN_MS)
}

async function recordFailure({ leases, clock, random, log }: GiveBackDeps, { id, tries }: Lease, fault: Fault): Promise<void> {
  const error = fault.message.slice(0, MAX_ERROR)
  const after = await leases.failed(id, error, clock.now() + backoff(tries + 1, random))
  if (after && isIrrevocable(after)) log.error('a lease is irrevocable', { lease_id: id, reason: error })
}

const MAX_ERROR = 240

/** What a module is told of a lease. */
export function lentOf({ id, path, issuedAt, expiresAt, internal, certain }: Lease): Lent {
  return { id, path, issuedAt, expiresAt, internal, certain }
}

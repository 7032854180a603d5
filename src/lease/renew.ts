// Renewing: the module says what it thinks of it and prolongs what it lent, then the lease is prolonged.
import { Fault } from '../base/fault.ts'
import type { Clock, Timers } from '../base/ports.ts'
import { lifetime } from '../base/ttl.ts'
import { within } from '../base/within.ts'
import type { Leased } from '../contract/lease.ts'
import type { LeaseMeter } from '../telemetry/metrics.ts'
import { type Lender, lentOf } from './give-back.ts'
import { hasEnded, isIrrevocable, type Lease } from './lease.ts'
import type { Leases } from './leases.ts'
import { secondsUntil } from './lend.ts'
import { ACT_MS } from './times.ts'

export interface RenewDeps {
  readonly leases: Leases
  readonly lenderOf: (lease: Pick<Lease, 'id' | 'mount'>) => Lender | undefined
  readonly clock: Clock
  readonly timers: Pick<Timers, 'after'>
  readonly meter: LeaseMeter
}

/** `increment` is the wish of the client in seconds, 0 for none. Throws `invalid` in Vault's words for what can't be renewed. */
export type Renew = (id: string, increment: number) => Promise<{ leased: Leased; warnings: readonly string[] }>

export function openRenew({ leases, lenderOf, clock, timers, meter }: RenewDeps): Renew {
  return async (id, increment) => {
    const now = clock.now()
    const lease = renewable(leases.find(id), now)
    const lender = lenderOf(lease)
    const kind = lender?.module.leases?.[lease.kind]
    if (!lender || !kind) throw new Fault('invalid', 'lease not found')
    const { act, ...limits } = (await kind.renew?.(lender.ctx, lentOf(lease))) ?? { ttl: lease.ttl, maxTtl: lease.maxTtl }
    const { ttl, warnings } = lifetime({ ...limits, increment, issuedAt: lease.issuedAt }, lender.ctx.bounds, now)
    const expiresAt = Math.min(now + ttl * 1000, lease.latest ?? Number.POSITIVE_INFINITY)
    if (act) await within(timers, ACT_MS, (signal) => act({ expiresAt, signal }))
    await leases.extend(id, { expiresAt, ...limits })
    meter.renewed()
    return { leased: { id, renewable: true, ttl: secondsUntil(expiresAt, now) }, warnings }
  }
}

function renewable(lease: Lease | undefined, now: number): Lease {
  if (!lease) throw new Fault('invalid', 'lease not found')
  if (isIrrevocable(lease)) throw new Fault('invalid', 'lease is expired and has failed previous revocation attempts')
  if (hasEnded(lease, now)) throw new Fault('invalid', 'lease expired')
  if (!lease.renewable) throw new Fault('invalid', 'lease is not renewable')
  return lease
}

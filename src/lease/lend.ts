// Lending: the intent is written, the module acts, the lease is written, and only then does anyone learn what was lent.
import { Fault, permissionDenied } from '../base/fault.ts'
import type { JsonObject } from '../base/json.ts'
import type { Clock, Timers } from '../base/ports.ts'
import { lifetime, type TtlBounds } from '../base/ttl.ts'
import { Overdue, within } from '../base/within.ts'
import type { Acted, Leased, LeaseGrant } from '../contract/lease.ts'
import type { Mount } from '../contract/mount.ts'
import type { LeaseMeter } from '../telemetry/metrics.ts'
import type { Lease } from './lease.ts'
import type { Leases } from './leases.ts'
import { ACT_MS, INTENT_MS } from './times.ts'

/** What a request brings along. */
export interface Lending {
  readonly mount: Mount
  readonly path: string
  /** Hash of the token that the lease ends with; '' for none. */
  readonly holder: string
  /** Wall milliseconds beyond which it cannot last: the end of a token that has no record. */
  readonly latest: number | undefined
}

export interface LendDeps {
  readonly leases: Leases
  readonly bounds: (mount: Mount) => TtlBounds
  readonly clock: Clock
  readonly timers: Pick<Timers, 'after'>
  readonly meter: LeaseMeter
}

export interface Loan {
  readonly leased: Leased
  /** What the action told, to be shown with the rest. */
  readonly data: JsonObject
  readonly warnings: readonly string[]
}

export type Lend = (grant: LeaseGrant, lending: Lending) => Promise<Loan>

export function openLend(deps: LendDeps): Lend {
  const { leases, bounds, clock, meter } = deps
  return async (grant, { mount, path, holder, latest }) => {
    const { kind, ttl: wish, maxTtl, renewable, internal, role = '', target = '' } = grant
    if (Buffer.byteLength(JSON.stringify(internal)) > MAX_INTERNAL) throw new Error(`a lease of ${path} carries too much`)
    const now = clock.now()
    const { ttl, warnings } = lifetime({ ttl: wish, maxTtl, issuedAt: now }, bounds(mount), now)
    const expiresAt = Math.min(now + ttl * 1000, latest ?? Number.POSITIVE_INFINITY)
    const made = await leases.create({
      mount,
      path,
      kind,
      target,
      role,
      holder,
      ...(latest === undefined ? {} : { latest }),
      ttl,
      maxTtl,
      renewable,
      internal,
      expiresAt,
      actBy: grant.act ? now + INTENT_MS : undefined,
    })
    const data = grant.act ? await carryOut(deps, grant, made, mount) : {}
    meter.lent()
    return { leased: { id: made.id, renewable, ttl: secondsUntil(expiresAt, now) }, data, warnings }
  }
}

/** What an answer says: rounded, since the clock has already moved on. */
export function secondsUntil(expiresAt: number, now: number): number {
  return Math.round((expiresAt - now) / 1000)
}

const MAX_INTERNAL = 65_536

async function carryOut(deps: LendDeps, grant: LeaseGrant, intent: Lease, mount: Mount): Promise<JsonObject> {
  const acted = await attempt(deps, grant, intent)
  const lease = await deps.leases.confirm(intent, mount, acted?.internal ?? {})
  if (lease) return acted?.data ?? {}
  await deps.leases.abandon(intent, true)
  throw permissionDenied() // token or mount ended meanwhile, and what was lent to it ends with it
}

async function attempt({ leases, timers }: LendDeps, grant: LeaseGrant, intent: Lease): Promise<Acted | void> {
  try {
    return await within(timers, ACT_MS, async (signal) => grant.act?.({ expiresAt: intent.expiresAt, signal }))
  } catch (error) {
    await leases.abandon(intent, !(error instanceof Overdue))
    throw error
  }
}

/** The refusal of a lease to a token that ends with the request that asks for it. */
export function lastUse(): Fault {
  return new Fault('invalid', 'Secret cannot be returned; token had one use left, so leased credentials were immediately revoked.')
}

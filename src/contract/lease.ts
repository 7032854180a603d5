// How a module lends: what it hands over to be kept for a time, and how it prolongs and takes back what it lent.
import type { JsonObject } from '../base/json.ts'
import type { Clock, Random } from '../base/ports.ts'
import type { TtlBounds } from '../base/ttl.ts'
import type { Store } from '../store/store.ts'
import type { Mount } from './mount.ts'

/** How long something may live. Whole seconds; 0 leaves it to the mount. */
export interface LeaseLimits {
  readonly ttl: number
  readonly maxTtl: number
}

/** For an action on the outside: until when what is lent is to be good, and when to stop trying. */
export interface Term {
  /** Wall milliseconds. */
  readonly expiresAt: number
  /** Aborts when the time for the action is over; nothing may be begun after that. */
  readonly signal: AbortSignal
}

/** What only the outside could tell: joins the answer, and what is kept with the lease. */
export interface Acted {
  readonly data?: JsonObject
  readonly internal?: JsonObject
}

/**
 * Goes along with a data reply whose content is lent and not given. Nothing may have happened on the outside yet: `act` does it,
 * under a name that is already in `internal`, after the intent to do so was written. So whatever a crash leaves outside is found
 * again, and taken back by `revoke`.
 */
export interface LeaseGrant extends LeaseLimits {
  /** The one of the module's `leases` that prolongs it and takes it back. */
  readonly kind: string
  readonly renewable: boolean
  /** All that `renew` and `revoke` will need; stays behind the barrier. At most 64 KiB as JSON. */
  readonly internal: JsonObject
  /** The role it was lent under, by which quotas can count. */
  readonly role?: string
  /** Which outside system it lives in, where a mount has several: what one fails to do does not hold up the others. */
  readonly target?: string
  readonly act?: (term: Term) => Promise<Acted | void>
}

/** What a module is told of something it lent. Times are wall milliseconds. */
export interface Lent {
  readonly id: string
  /** The path of the request that it answered. */
  readonly path: string
  readonly issuedAt: number
  readonly expiresAt: number
  readonly internal: JsonObject
  /** False where it is not known whether `act` took place: a process died, or the target never answered. */
  readonly certain: boolean
}

/** What the functions of a `LeaseKind` may use. `store` is the mount's own slice behind the barrier. */
export interface LeaseCtx {
  readonly store: Store
  readonly mount: Mount
  readonly clock: Clock
  readonly random: Random
  readonly bounds: TtlBounds
}

/** A module's answer to a renewal: limits as they are today, and what then has to be done outside, before it counts. */
export interface Renewal extends LeaseLimits {
  readonly act?: (term: Term) => Promise<void>
}

/** How things of one kind are prolonged and taken back. */
export interface LeaseKind {
  /** Throws a Fault to refuse. Without it a renewal keeps to the limits that the lease was made with. */
  readonly renew?: (ctx: LeaseCtx, lease: Lent) => Renewal | Promise<Renewal>
  /**
   * Takes it back on the outside. Must succeed where there is nothing (any more) to take back, since it is called again after a
   * crash, for intents, and sometimes by two processes at once. Throws a Fault to say, in words that may be shown, why it can't.
   */
  readonly revoke: (ctx: LeaseCtx, lease: Lent, signal: AbortSignal) => Promise<void>
}

/** A lease as an answer shows it (`lease_id`, `renewable`, `lease_duration`). */
export interface Leased {
  readonly id: string
  readonly renewable: boolean
  /** Whole seconds from now. */
  readonly ttl: number
}

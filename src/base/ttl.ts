// How long a token or lease may live: the one place where lifetimes are computed, in whole seconds.
import { formatDuration } from './duration.ts'
import { Fault } from './fault.ts'

/** Seconds throughout; 0 means "not set". Times are wall milliseconds. */
export interface TtlWish {
  /** What the client asks for. */
  readonly increment?: number
  /** What the role or method asks for. */
  readonly ttl?: number
  readonly maxTtl?: number
  readonly explicitMaxTtl?: number
  readonly period?: number
  readonly issuedAt: number
}

/** The bounds of a mount, each already resolved against the system's. */
export interface TtlBounds {
  readonly defaultTtl: number
  readonly maxTtl: number
}

export interface Ttl {
  readonly ttl: number
  readonly warnings: readonly string[]
}

/**
 * The lifetime from now on (Vault, "Lease, Renew, and Revoke"; "Token TTLs"). Throws `invalid` past the maximum.
 * @example lifetime({ ttl: 60, issuedAt: now }, { defaultTtl: 3600, maxTtl: 7200 }, now).ttl // 60
 */
export function lifetime(wish: TtlWish, bounds: TtlBounds, now: number): Ttl {
  const { increment = 0, ttl = 0, maxTtl = 0, explicitMaxTtl = 0, period = 0 } = wish
  const max = Math.min(bounds.maxTtl, maxTtl || Number.POSITIVE_INFINITY, explicitMaxTtl || Number.POSITIVE_INFINITY)
  if (period > 0) return periodic(period, max, explicitMaxTtl, wish.issuedAt, now)
  return capped(increment || ttl || bounds.defaultTtl, max, wish.issuedAt, now, [])
}

function periodic(period: number, max: number, explicitMaxTtl: number, issuedAt: number, now: number): Ttl {
  const warnings: string[] = []
  if (period > max) {
    warnings.push(`period of "${human(period)}" exceeded the effective max_ttl of "${human(max)}"; period value is capped accordingly`)
  }
  const ttl = Math.min(period, max)
  return explicitMaxTtl > 0 ? capped(ttl, explicitMaxTtl, issuedAt, now, warnings) : { ttl, warnings }
}

function capped(ttl: number, max: number, issuedAt: number, now: number, warnings: string[]): Ttl {
  const left = Math.floor(issuedAt / 1000) + max - Math.floor(now / 1000)
  if (left <= 0) throw new Fault('invalid', 'past the max TTL, cannot renew')
  if (ttl <= left) return { ttl, warnings }
  return {
    ttl: left,
    warnings: [...warnings, `TTL of "${human(ttl)}" exceeded the effective max_ttl of "${human(left)}"; TTL value is capped accordingly`],
  }
}

/** Without zero elements: `1h`, not `1h0m0s`. */
function human(seconds: number): string {
  return formatDuration(seconds).replace(/m0s$/, 'm').replace(/h0m/, 'h')
}

// How long a token made from a token lives: what the caller asks for and what the role says, within the bounds of the mount.
import { ceilSeconds } from '../base/duration.ts'
import { Fault } from '../base/fault.ts'
import { lifetime } from '../base/ttl.ts'
import type { TokenType } from '../contract/token.ts'
import type { CreateCall } from './create.ts'

interface Chosen {
  readonly ttl: number
  /** What the caller asked for; what the role says is asked anew at each renewal. */
  readonly period: number
  readonly explicitMaxTtl: number
  readonly warnings: readonly string[]
}

/** Throws `invalid` with Vault's texts. */
export function chooseTtl(call: CreateCall, type: TokenType, policies: readonly string[]): Chosen {
  const { input, parent, role, sudo, bounds, now } = call
  const explicitMaxTtl = parsed('explicit_max_ttl', input.explicit_max_ttl)
  const period = parsed('period', input.period)
  if (period > 0 && !sudo) throw new Fault('invalid', 'root or sudo privileges required to create periodic token')
  const ttl = input.ttl === '' ? parsed('lease', input.lease) : parsed('ttl', input.ttl)
  const max = lesser('Explicit max TTL', explicitMaxTtl, role?.explicitMaxTtl ?? 0)
  const each = lesser('Period', period, type === 'batch' ? 0 : (role?.period ?? 0))
  const warnings = [...max.warnings, ...each.warnings]
  if (each.value === 0 && ttl === 0 && policies.includes('root')) {
    if (max.value === 0 && parent.expiresAt !== undefined) {
      throw new Fault('invalid', 'expiring root tokens cannot create non-expiring root tokens')
    }
    return { ttl: max.value, period, explicitMaxTtl, warnings }
  }
  const life = lifetime({ ttl, period: each.value, explicitMaxTtl: max.value, issuedAt: now }, bounds, now)
  return { ttl: life.ttl, period, explicitMaxTtl, warnings: [...warnings, ...life.warnings] }
}

/** Zero says nothing, so a part of a second is one: a short life never becomes the default one. */
function parsed(name: string, raw: string): number {
  const value = ceilSeconds(raw)
  if (value < 0) throw new Fault('invalid', `${name} must be positive`)
  return value
}

/** The lesser of what caller and role say; zero says nothing. */
export function lesser(what: string, asked: number, ofRole: number): { value: number; warnings: readonly string[] } {
  if (asked === 0 || ofRole === 0) return { value: asked + ofRole, warnings: [] }
  const value = Math.min(asked, ofRole)
  return { value, warnings: [`${what} specified both during creation call and in role; using the lesser value of ${value} seconds`] }
}

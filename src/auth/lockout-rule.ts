// Which lockout is in force at a mount: its own settings, then those of its type, then those of all types, then the built-in ones.
import type { Mount } from '../contract/mount.ts'

export interface LockoutRule {
  /** Wrong guesses that lock the name. */
  readonly threshold: number
  /** How long it stays locked after the last of them. */
  readonly lockSeconds: number
  /** Wrong guesses are forgotten when none came for this long. */
  readonly resetSeconds: number
}

export const LOCKOUT: LockoutRule = { threshold: 5, lockSeconds: 900, resetSeconds: 900 }

/** Undefined where nobody is locked out. */
export type LockoutRuleOf = (mount: Pick<Mount, 'type' | 'config'>) => LockoutRule | undefined

/** What the server's configuration says of one type of auth method, or of `all`. */
export type LockoutSetting = Partial<LockoutRule> & { readonly disabled?: boolean }

export interface LockoutSettings {
  readonly byType: Readonly<Record<string, LockoutSetting>>
  /** Overrides all others where it is set. */
  readonly disabled?: boolean | undefined
}

export function lockoutRules({ byType, disabled }: LockoutSettings = { byType: {} }): LockoutRuleOf {
  return ({ type, config: { userLockout: own } }) => {
    const server = { ...LOCKOUT, ...byType['all'], ...(Object.hasOwn(byType, type) ? byType[type] : {}) }
    if (disabled ?? (own?.disabled || server.disabled)) return undefined
    return {
      threshold: own?.threshold || server.threshold,
      lockSeconds: own?.lockSeconds || server.lockSeconds,
      resetSeconds: own?.resetSeconds || server.resetSeconds,
    }
  }
}

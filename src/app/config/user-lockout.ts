// user_lockout "…": when wrong guesses lock a name, for all auth methods or those of one type.
import type { LockoutSetting } from '../../auth/lockout-rule.ts'
import { bool, int, maybe, seconds } from '../../base/fields.ts'
import { type Block, readStanza, refuse } from './stanza.ts'

const TYPES = ['all', 'approle', 'userpass']

const KEYS = {
  lockout_threshold: maybe(int('Wrong guesses that lock a name.')),
  lockout_duration: maybe(seconds('How long it stays locked after the last of them.')),
  lockout_counter_reset: maybe(seconds('Wrong guesses are forgotten when none came for this long.')),
  disable_lockout: maybe(bool('Lock nobody out.')),
}

export const USER_LOCKOUT = { keys: KEYS }

/** By type. */
export function parseLockouts(blocks: readonly Block[]): Readonly<Record<string, LockoutSetting>> {
  const places = new Map<string, string>()
  const byType: Record<string, LockoutSetting> = {}
  for (const block of blocks) {
    const type = block.labels[0]?.toLowerCase() ?? ''
    if (!TYPES.includes(type)) throw refuse(block, `${block.title} is not offered; ${TYPES.join(', ')} are`)
    const twin = places.get(type)
    if (twin !== undefined) throw refuse(block, `user_lockout "${type}" is set already, at ${twin}`)
    places.set(type, block.place)
    byType[type] = parseSetting(block)
  }
  return byType
}

function parseSetting(block: Block): LockoutSetting {
  const {
    lockout_threshold: threshold,
    lockout_duration: lock,
    lockout_counter_reset: reset,
    disable_lockout: disabled,
  } = readStanza(block, USER_LOCKOUT).values
  if (threshold !== undefined && threshold < 1) throw refuse(block, 'lockout_threshold must be at least 1; disable_lockout = true locks nobody out')
  return {
    ...(threshold === undefined ? {} : { threshold }),
    ...(lock === undefined ? {} : { lockSeconds: lock }),
    ...(reset === undefined ? {} : { resetSeconds: reset }),
    ...(disabled === undefined ? {} : { disabled }),
  }
}

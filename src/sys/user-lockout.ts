// `user_lockout_config` of an auth mount: how clients set and see when wrong guesses lock a name there.
import { parseSeconds } from '../base/duration.ts'
import { bool } from '../base/fields.ts'
import { Fault } from '../base/fault.ts'
import type { Json, JsonObject } from '../base/json.ts'
import type { Mount, UserLockout } from '../contract/mount.ts'

const NONE: UserLockout = { threshold: 0, lockSeconds: 0, resetSeconds: 0, disabled: false }

type Change = (raw: Json) => Partial<UserLockout>

const CHANGES: Readonly<Record<string, Change>> = {
  lockout_threshold: (raw) => ({ threshold: toThreshold(raw) }),
  lockout_duration: (raw) => ({ lockSeconds: toSeconds(raw) }),
  lockout_counter_reset_duration: (raw) => ({ resetSeconds: toSeconds(raw) }),
  lockout_disable: (raw) => ({ disabled: bool('').parse(raw) }),
}

const converting = new Fault('invalid', 'unable to convert given user lockout config information')

/** What a mount's setting becomes; what isn't sent stays. `guarded` is whether names can be locked there at all. Throws `invalid`. */
export function changeUserLockout(
  mount: Pick<Mount, 'type'>,
  guarded: boolean,
  before: UserLockout | undefined,
  sent: JsonObject,
): UserLockout | undefined {
  const changes = Object.entries(sent).filter(([, raw]) => raw !== null && raw !== '')
  if (changes.length === 0) return before
  if (!guarded) throw new Fault('invalid', `tuning of user lockout configuration for auth type ${JSON.stringify(mount.type)} not allowed`)
  const changed = changes.map(([key, raw]) => {
    const change = Object.hasOwn(CHANGES, key) ? CHANGES[key] : undefined
    if (!change || typeof raw === 'object') throw converting
    return change(raw)
  })
  return Object.assign({ ...NONE, ...before }, ...changed)
}

function toThreshold(raw: Json): number {
  const text = String(raw)
  const threshold = /^\d+$/.test(text) ? Number(text) : Number.NaN
  if (!Number.isSafeInteger(threshold))
    throw new Fault('invalid', `unable to parse user lockout threshold: ${JSON.stringify(text)} is not a whole number`)
  return threshold
}

/** `system` is as the server has it. */
function toSeconds(raw: Json): number {
  if (raw === 'system') return 0
  const seconds = parseSeconds(typeof raw === 'number' ? raw : String(raw))
  if (seconds < 0) throw new Fault('invalid', `cannot provide negative value '${seconds}'`)
  return seconds
}

export function describeUserLockout({ threshold, lockSeconds, resetSeconds, disabled }: UserLockout): JsonObject {
  return {
    user_lockout_counter_reset_duration: resetSeconds,
    user_lockout_disable: disabled,
    user_lockout_duration: lockSeconds,
    user_lockout_threshold: threshold,
  }
}

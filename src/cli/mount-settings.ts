// What can be set on a mount, of a secrets engine or of an auth method alike.
import { formatDuration } from '../base/duration.ts'
import type { JsonObject } from '../base/json.ts'
import { bool, choice, duration, type FlagValues, int, list, or, pairs, text } from './flag.ts'

/** Of a new mount, and of one that is tuned. */
export const settingFlags = {
  'default-lease-ttl': duration("How long leases and tokens live unless they ask for more; the server's default, unless given."),
  'max-lease-ttl': duration("How long they live at most; the server's maximum, unless given."),
  'audit-non-hmac-request-keys': list('Field of requests that audit records show in plain text. May be given many times.'),
  'audit-non-hmac-response-keys': list('Field of answers that audit records show in plain text. May be given many times.'),
  'listing-visibility': text('"unauth" shows the mount to those who have not logged in, "hidden" does not.'),
  'passthrough-request-headers': list('Request header that the mount may see. May be given many times.'),
  'allowed-response-headers': list('Response header that the mount may set. May be given many times.'),
  options: pairs('Option of the mount, as key=value. May be given many times.'),
  version: int('Version of the engine, where it has several.'),
}

/** Of a new mount only. */
export const enableFlags = {
  ...settingFlags,
  description: or(text('What the mount is for.'), ''),
  path: text('Where to mount it; its type, unless given.'),
  local: bool('Only on this cluster, never replicated.'),
  'seal-wrap': bool('Wrap what it stores by the seal as well.'),
}

/** Of an auth method that is tuned. */
export const lockoutFlags = {
  'user-lockout-threshold': int('Wrong guesses that lock a name out.'),
  'user-lockout-duration': duration('How long a name stays locked out.'),
  'user-lockout-counter-reset-duration': duration('Wrong guesses are forgotten when none came for this long.'),
  'user-lockout-disable': choice('Lock nobody out.'),
}

export type Settings = FlagValues<typeof settingFlags>

/** The lists and texts that were given, by their names in the API. */
export function givenSettings(flags: Settings): JsonObject {
  const lists = {
    audit_non_hmac_request_keys: flags['audit-non-hmac-request-keys'],
    audit_non_hmac_response_keys: flags['audit-non-hmac-response-keys'],
    passthrough_request_headers: flags['passthrough-request-headers'],
    allowed_response_headers: flags['allowed-response-headers'],
  }
  const visibility = flags['listing-visibility']
  return {
    ...Object.fromEntries(Object.entries(lists).flatMap(([name, items]) => (items.length > 0 ? [[name, [...items]]] : []))),
    ...(visibility === undefined ? {} : { listing_visibility: visibility }),
  }
}

export function mountOptions(flags: Settings): JsonObject | null {
  const version = flags.version !== undefined && flags.version > 0 ? { version: String(flags.version) } : undefined
  return flags.options || version ? { ...flags.options, ...version } : null
}

/** The body of a request that mounts. */
export function mountRequest(type: string, flags: FlagValues<typeof enableFlags>, more: JsonObject = {}): JsonObject {
  return {
    type,
    description: flags.description,
    config: {
      default_lease_ttl: formatDuration(flags['default-lease-ttl'] ?? 0),
      max_lease_ttl: formatDuration(flags['max-lease-ttl'] ?? 0),
      ...givenSettings(flags),
      ...more,
    },
    local: flags.local,
    seal_wrap: flags['seal-wrap'],
    options: mountOptions(flags),
  }
}

/** The body of a request that tunes: what was not given stays as it is; `system` goes back to the server's setting. */
export function tuneRequest(flags: Settings & { readonly description: string | undefined }): JsonObject {
  const { 'default-lease-ttl': normal, 'max-lease-ttl': max, description } = flags
  const options = mountOptions(flags)
  return {
    ...(normal ? { default_lease_ttl: ttl(normal) } : {}),
    ...(max ? { max_lease_ttl: ttl(max) } : {}),
    ...(description === undefined ? {} : { description }),
    ...givenSettings(flags),
    ...(options ? { options } : {}),
  }
}

/** What was given of `user_lockout_config`. */
export function lockoutRequest(flags: FlagValues<typeof lockoutFlags>): JsonObject {
  const { 'user-lockout-duration': lasting, 'user-lockout-counter-reset-duration': reset } = flags
  const given = {
    lockout_threshold: flags['user-lockout-threshold']?.toString(),
    lockout_duration: lasting === undefined ? undefined : ttl(lasting),
    lockout_counter_reset_duration: reset === undefined ? undefined : ttl(reset),
    lockout_disable: flags['user-lockout-disable'],
  }
  const changes = Object.entries(given).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]]))
  return changes.length > 0 ? { user_lockout_config: Object.fromEntries(changes) } : {}
}

function ttl(seconds: number): string {
  return seconds < 0 ? 'system' : formatDuration(seconds)
}

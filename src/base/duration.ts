// Durations as Vault reads them (Go's ParseDuration, whole days, bare seconds) and as Go prints them.
import { Fault } from './fault.ts'

const UNIT_MS: Record<string, number> = { ns: 1e-6, us: 1e-3, µs: 1e-3, μs: 1e-3, ms: 1, s: 1000, m: 60_000, h: 3_600_000 }
const PART = /(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h)/y

/** The largest duration accepted: 292 years, as an int64 of nanoseconds holds it. */
const MAX_SECONDS = 9_223_372_036

/**
 * Whole seconds of `"1h30m"`, `"30d"`, `"250ms"` (0), `"3600"` or `3600`; `""` is 0. Throws `invalid` with Vault's wording.
 * @example parseSeconds('1h30m') // 5400
 */
export function parseSeconds(raw: string | number): number {
  const seconds = Math.trunc(toMilliseconds(raw) / 1000)
  if (!Number.isSafeInteger(seconds) || Math.abs(seconds) > MAX_SECONDS) throw invalid(raw)
  return seconds === 0 ? 0 : seconds
}

/** Like `parseSeconds`, but a part of a second is a whole one: what was asked for is not nothing. @example ceilSeconds('250ms') // 1 */
export function ceilSeconds(raw: string): number {
  return parseSeconds(raw) || Math.sign(toMilliseconds(raw))
}

/** Like `parseSeconds`, in milliseconds. */
export function toMilliseconds(raw: string | number): number {
  if (typeof raw === 'number') return raw * 1000
  const text = raw.trim()
  if (text === '') return 0
  if (/^[+-]?\d+$/.test(text)) return Number(text) * 1000
  if (/^[+-]?\d+d$/.test(text)) return Number(text.slice(0, -1)) * 86_400_000
  return goDuration(text)
}

function goDuration(text: string): number {
  const sign = text.startsWith('-') ? -1 : 1
  const body = /^[+-]/.test(text) ? text.slice(1) : text
  if (body === '0') return 0
  let total = 0
  let at = 0
  while (at < body.length) {
    PART.lastIndex = at
    const part = PART.exec(body)
    if (!part) throw unreadable(text, body.slice(at))
    total += Number(part[1]) * (UNIT_MS[part[2] as string] as number)
    at = PART.lastIndex
  }
  if (at === 0) throw invalid(text)
  return (sign * Math.round(total * 1e6)) / 1e6 // whole nanoseconds, so that 4.35m is 261 s
}

/** Go tells a number without a known unit from what is no number at all. */
function unreadable(text: string, rest: string): Fault {
  const unit = /^(?:\d+(?:\.\d*)?|\.\d+)([^\d.]*)/.exec(rest)?.[1]
  if (unit === undefined) return invalid(text)
  return new Fault(
    'invalid',
    unit === ''
      ? `time: missing unit in duration ${JSON.stringify(text)}`
      : `time: unknown unit ${JSON.stringify(unit)} in duration ${JSON.stringify(text)}`,
  )
}

function invalid(raw: string | number): Fault {
  return new Fault('invalid', `time: invalid duration ${JSON.stringify(raw)}`)
}

/** Go's `Duration.String()` of whole seconds. @example formatDuration(12_319) // '3h25m19s' */
export function formatDuration(seconds: number): string {
  const [sign, total] = seconds < 0 ? ['-', -seconds] : ['', seconds]
  const h = Math.floor(total / 3600)
  const m = Math.floor((total % 3600) / 60)
  const s = total % 60
  if (h > 0) return `${sign}${h}h${m}m${s}s`
  return m > 0 ? `${sign}${m}m${s}s` : `${sign}${s}s`
}

/** Requests of one millisecond ask for the same text. */
let lastTime = { ms: 0, text: '1970-01-01T00:00:00Z' }

/** RFC 3339 with nanoseconds, UTC, as Go prints it. @example formatTime(0) // '1970-01-01T00:00:00Z' */
export function formatTime(ms: number): string {
  if (ms === lastTime.ms) return lastTime.text
  const text = new Date(ms).toISOString()
  lastTime = { ms, text: text.endsWith('0Z') ? text.replace(/\.?0+Z$/, 'Z') : text }
  return lastTime.text
}

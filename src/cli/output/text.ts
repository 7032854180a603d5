// Values as Go prints them (%v, %q), for those who read tables with tools made for Vault's.
import { formatDuration } from '../../base/duration.ts'
import { isObject, isRawNumber, type Json } from '../../base/json.ts'

/** @example goText({ b: [1, 'x'], a: null }) // 'map[a:<nil> b:[1 x]]' */
export function goText(value: Json | undefined): string {
  if (value === null || value === undefined) return '<nil>'
  if (isRawNumber(value)) return value.rawJSON
  if (Array.isArray(value)) return `[${value.map(goText).join(' ')}]`
  if (!isObject(value)) return String(value)
  const pairs = Object.keys(value)
    .sort()
    .map((key) => `${key}:${goText(value[key])}`)
  return `map[${pairs.join(' ')}]`
}

/** @example goQuoted(['a', 'b']) // '["a" "b"]' */
export function goQuoted(values: readonly string[] | null): string {
  return `[${(values ?? []).map((value) => JSON.stringify(value)).join(' ')}]`
}

/** What others wrote, without what would move the cursor of a terminal or turn its text around. */
export function printable(text: string): string {
  return text.replaceAll(/\p{C}/gu, (one) => `\\u{${(one.codePointAt(0) ?? 0).toString(16)}}`)
}

/** A duration without its zero parts. @example shortDuration(3600) // '1h' */
export function shortDuration(seconds: number): string {
  const text = formatDuration(seconds)
  return text.replace(/([hm])0s$/, '$1').replace(/h0m$/, 'h')
}

const DURATION_KEY = /^(lease_max|ttl_max)$|^(.*_)?(period|ttl|duration)$/

/** The value of a field; one whose name tells of a duration is shown as such. */
export function fieldText(name: string, value: Json | undefined): string {
  return typeof value === 'number' && Number.isInteger(value) && DURATION_KEY.test(name) ? shortDuration(value) : goText(value)
}

/** `2026-11-24T08:00:00.5Z` as Go's `time.Time.String()` prints it. */
export function goTime(rfc3339: string): string {
  const parts = /^(\S+)T(\S+?)(Z|[+-]\d\d:\d\d)$/.exec(rfc3339)
  if (!parts) return rfc3339
  const zone = (parts[3] as string).replace(':', '')
  return `${parts[1]} ${parts[2]} ${zone === 'Z' ? '+0000 UTC' : `${zone} ${zone}`}`
}

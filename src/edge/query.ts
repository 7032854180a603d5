// Percent-encoded pairs, as a query string and an HTML form carry them.
import { Fault } from '../base/fault.ts'
import type { JsonObject } from '../base/json.ts'

/** A parameter as data: one value as text, several as a list. */
export function parseQuery(raw: string, limit: number): JsonObject {
  if (raw === '') return {}
  return fromPairs(parsePairs(raw, limit), (values) => (values.length === 1 ? (values[0] as string) : values))
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** A form as the JSON that would mean the same; a repeated field's values are joined by commas, as Vault does. */
export function formToJson(body: Buffer, limit: number): Buffer {
  return Buffer.from(JSON.stringify(fromPairs(parsePairs(toText(body), limit), (values) => values.join(','))))
}

/** Clients such as curl send forms with bare spaces and UTF-8. */
function toText(body: Buffer): string {
  try {
    return utf8.decode(body)
  } catch {
    throw new Fault('invalid', 'form is not valid UTF-8')
  }
}

/** Any name may be a key, `__proto__` too. */
function fromPairs(pairs: Map<string, string[]>, toValue: (values: string[]) => string | string[]): JsonObject {
  return Object.fromEntries(Array.from(pairs, ([name, values]) => [name, toValue(values)]))
}

function parsePairs(raw: string, limit: number): Map<string, string[]> {
  const pairs = new Map<string, string[]>()
  // A `;` once separated pairs as well: readers that disagree on it see different requests.
  if (raw.includes(';')) throw new Fault('invalid', 'parameters must not contain a bare semicolon')
  let count = 0
  for (let from = 0; from < raw.length; ) {
    const end = raw.indexOf('&', from)
    const pair = raw.slice(from, end < 0 ? raw.length : end)
    from = end < 0 ? raw.length : end + 1
    if (pair === '') continue
    if (++count > limit) throw new Fault('invalid', `more than ${limit} parameters`)
    const equals = pair.indexOf('=')
    const name = decode(equals < 0 ? pair : pair.slice(0, equals))
    const value = equals < 0 ? '' : decode(pair.slice(equals + 1))
    const values = pairs.get(name)
    if (values) values.push(value)
    else pairs.set(name, [value])
  }
  return pairs
}

function decode(raw: string): string {
  if (!/[%+]/.test(raw)) return raw
  try {
    return decodeURIComponent(raw.replaceAll('+', ' '))
  } catch {
    throw new Fault('invalid', 'parameters are not valid percent-encoded UTF-8')
  }
}

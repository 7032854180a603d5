// JSON as Go's encoder writes it: maps sorted, two spaces, and nothing that HTML would read as markup.
import { isObject, isRawNumber, type Json, type JsonObject } from '../../base/json.ts'

const MARKUP = /[<>&\u2028\u2029]/g

/** Keys stay in the order given: see `sorted`. */
export function toJson(value: unknown): string {
  return JSON.stringify(value, null, 2).replace(MARKUP, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

/** The same value, the keys of every object in order. */
export function sorted(value: Json): Json {
  if (Array.isArray(value)) return value.map(sorted)
  if (!isObject(value) || isRawNumber(value)) return value
  return Object.fromEntries(
    Object.keys(value)
      .sort()
      .map((key) => [key, sorted(value[key] as Json)]),
  )
}

/** What the object has under these keys, named in order with spaces between. @example pick({ b: 1, a: 2 }, 'a b c') // { a: 2, b: 1 } */
export function pick(from: JsonObject, keys: string): JsonObject {
  const present = keys.split(' ').filter((key) => from[key] !== undefined)
  return Object.fromEntries(present.map((key) => [key, sorted(from[key] as Json)]))
}

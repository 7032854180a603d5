// JSON merge patch (RFC 7396): a null removes a key, an object is merged, all else replaces.
import { isObject, type Json, type JsonObject } from '../../base/json.ts'

/** @example mergePatch({ a: 1, b: { c: 2, d: 3 } }, { a: null, b: { c: 4 } }) // { b: { c: 4, d: 3 } } */
export function mergePatch(target: Json | undefined, patch: JsonObject): JsonObject {
  const merged = new Map(isObject(target) ? Object.entries(target) : [])
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) merged.delete(key)
    else merged.set(key, isObject(value) ? mergePatch(merged.get(key), value) : value)
  }
  return Object.fromEntries(merged)
}

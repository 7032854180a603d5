// What a client sent or was told, as a record shows it: every text leaf an HMAC; keys, numbers and booleans as they are.
import { isRawNumber, type Json, type JsonObject } from '../base/json.ts'

/** `clear` names the keys whose own texts are shown, alone or in lists; what lies under a deeper key has that key's rule. */
export function hashLeaves(value: JsonObject, text: (text: string) => string, clear: readonly string[]): JsonObject {
  const out: JsonObject = Object.create(null)
  for (const [key, inner] of Object.entries(value)) out[key] = hashLeaf(inner, text, clear, clear.includes(key))
  return out
}

function hashLeaf(value: Json, text: (text: string) => string, clear: readonly string[], shown: boolean): Json {
  if (typeof value === 'string') return shown ? value : text(value)
  if (typeof value !== 'object' || value === null || isRawNumber(value)) return value
  return Array.isArray(value) ? value.map((inner) => hashLeaf(inner, text, clear, shown)) : hashLeaves(value, text, clear)
}

/** The answer to a list with how many there are in place of their names (Vault's `elide_list_responses`). */
export function withoutNames(data: JsonObject): JsonObject {
  const { keys, key_info: info } = data
  return {
    ...data,
    ...(Array.isArray(keys) ? { keys: keys.length } : {}),
    ...(typeof info === 'object' && info !== null && !Array.isArray(info) ? { key_info: Object.keys(info).length } : {}),
  }
}

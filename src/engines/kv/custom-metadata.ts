// `custom_metadata`: a few short texts that describe a secret, and the bounds they keep.
import { coreFault, Fault } from '../../base/fault.ts'
import { text } from '../../base/fields.ts'
import type { Json, JsonObject } from '../../base/json.ts'

export type CustomMetadata = Readonly<Record<string, string>>

const MAX_KEYS = 64
const MAX_KEY_BYTES = 128
const MAX_VALUE_BYTES = 512
const PRINTABLE = /^[\p{L}\p{M}\p{N}\p{P}\p{S} ]*$/u
const FAILED = 'custom_metadata validation failed'

/** Texts by key, within the bounds. Numbers and booleans become texts, null an empty one (which is refused). */
export function parseCustomMetadata(raw: JsonObject): CustomMetadata {
  const texts = Object.fromEntries(Object.entries(raw).map(([key, value]) => [key, toText(key, value)]))
  check(texts)
  return texts
}

/** Merges a patch: null removes a key. */
export function patchCustomMetadata(before: CustomMetadata | undefined, patch: JsonObject): CustomMetadata {
  const [removed, kept] = [Object.keys(patch).filter((key) => patch[key] === null), Object.entries(patch).filter(([, value]) => value !== null)]
  const merged = new Map(Object.entries(before ?? {}))
  for (const key of removed) merged.delete(key)
  for (const [key, value] of Object.entries(parseCustomMetadata(Object.fromEntries(kept)))) merged.set(key, value)
  const after = Object.fromEntries(merged)
  check(after)
  return after
}

function toText(key: string, raw: Json): string {
  if (raw === null) return ''
  try {
    return text('').parse(raw)
  } catch {
    throw new Fault('invalid', `${FAILED}: value for key ${JSON.stringify(key)} must be a string`)
  }
}

function check(texts: CustomMetadata): void {
  const entries = Object.entries(texts)
  if (entries.length > MAX_KEYS) throw coreFault('invalid', `${FAILED}: payload must contain at most ${MAX_KEYS} keys, provided ${entries.length}`)
  const causes = entries.flatMap(([key, value]) => [...faults(key, value)])
  if (causes.length > 0) throw coreFault('invalid', ...causes)
}

function* faults(key: string, value: string): Generator<string> {
  const name = JSON.stringify(key)
  const [keyBytes, valueBytes] = [Buffer.byteLength(key), Buffer.byteLength(value)]
  if (keyBytes === 0 || keyBytes > MAX_KEY_BYTES) yield `${FAILED}: length of key ${name} is ${keyBytes} but must be 0 < len(key) <= ${MAX_KEY_BYTES}`
  if (valueBytes === 0 || valueBytes > MAX_VALUE_BYTES)
    yield `${FAILED}: length of value for key ${name} is ${valueBytes} but must be 0 < len(value) <= ${MAX_VALUE_BYTES}`
  if (!PRINTABLE.test(key)) yield `${FAILED}: key ${name} (${key}) contains unprintable characters`
  if (!PRINTABLE.test(value)) yield `${FAILED}: value for key ${name} contains unprintable characters`
}

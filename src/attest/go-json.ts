// Messages of attestors as SPIRE's agents write them: JSON in which bytes are base64 (Go's encoding/json).
import { Fault } from '../base/fault.ts'
import { isObject, type Json, type JsonObject, parseJson } from '../base/json.ts'

/** Throws `invalid` for what is no JSON object; `what` says of what. */
export function parseMessage(bytes: Buffer, what: string): JsonObject {
  try {
    const parsed = parseJson(bytes)
    if (isObject(parsed)) return parsed
  } catch (error) {
    if (!(error instanceof Fault)) throw error
  }
  throw new Fault('invalid', `failed to unmarshal ${what}`)
}

export const formatMessage = (message: JsonObject): Buffer => Buffer.from(JSON.stringify(message))

/** Padded base64 in its only form; empty for what is absent. Throws `invalid`. */
export function bytesOf(value: Json | undefined, name: string): Buffer {
  if (value === undefined || value === null) return Buffer.alloc(0)
  const bytes = typeof value === 'string' ? Buffer.from(value, 'base64') : undefined
  if (!bytes || bytes.toString('base64') !== value) throw new Fault('invalid', `${name} is not base64`)
  return bytes
}

/** Throws `invalid` for what is neither absent nor a list of bytes. */
export function bytesListOf(value: Json | undefined, name: string): Buffer[] {
  if (value === undefined || value === null) return []
  if (!Array.isArray(value)) throw new Fault('invalid', `${name} is not a list`)
  return value.map((one) => bytesOf(one, name))
}

/** '' for what is absent. Throws `invalid` for what is no text. */
export function textOf(value: Json | undefined, name: string): string {
  if (value === undefined || value === null) return ''
  if (typeof value !== 'string') throw new Fault('invalid', `${name} is not a text`)
  return value
}

/** Empty for what is no object. */
export const objectOf = (value: Json | undefined): JsonObject => (isObject(value) ? value : {})

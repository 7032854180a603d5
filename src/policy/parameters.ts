// Which parameters a request may carry: required, denied and allowed ones, and the size of a list's page.
import { isObject, isRawNumber, type Json, type JsonObject } from '../base/json.ts'
import type { Limits, Parameters } from './policy.ts'

/** Why a request's parameters are refused. Names only: a value may be a secret. */
export interface ParameterFault {
  readonly why: 'parameter-missing' | 'parameter-denied' | 'parameter-not-allowed'
  readonly parameter: string
}

/** For read, create, update and patch. Undefined where all is permitted. */
export function parameterFault({ required, denied, allowed }: Limits, data: JsonObject): ParameterFault | undefined {
  const missing = required.find((name) => !Object.hasOwn(data, name))
  if (missing !== undefined) return { why: 'parameter-missing', parameter: missing }
  const names = Object.keys(data)
  const refused = denied && denied.size > 0 ? names.find((name) => isDenied(denied, name, data[name] as Json)) : undefined
  if (refused !== undefined) return { why: 'parameter-denied', parameter: refused }
  const foreign = allowed && allowed.size > 0 ? names.find((name) => !isAllowed(allowed, name, data[name] as Json)) : undefined
  return foreign === undefined ? undefined : { why: 'parameter-not-allowed', parameter: foreign }
}

function isDenied(denied: Parameters, name: string, sent: Json): boolean {
  if (denied.has('*')) return true
  const values = denied.get(name.toLowerCase())
  return values !== undefined && (values.length === 0 || values.some((value) => touches(value, sent)))
}

function isAllowed(allowed: Parameters, name: string, sent: Json): boolean {
  const values = allowed.get(name.toLowerCase())
  if (values === undefined) return allowed.has('*')
  return values.length === 0 || isAmong(values, sent)
}

/** A list is allowed as a whole, or if each of its items is. */
function isAmong(values: readonly Json[], sent: Json): boolean {
  if (values.some((value) => equals(value, sent))) return true
  return Array.isArray(sent) && sent.length > 0 && sent.every((item) => isAmong(values, item))
}

/** Denying looks through types: an engine may take `"1"`, `1` and `["1"]` for the same. */
function touches(denied: Json, sent: Json): boolean {
  if (equals(denied, sent) || denied === '*') return true
  if (Array.isArray(sent)) return sent.some((item) => touches(denied, item))
  const text = textOf(sent)
  return text !== undefined && equals(textOf(denied) ?? denied, text)
}

function textOf(value: Json): string | undefined {
  if (isRawNumber(value)) return Number.isSafeInteger(Number(value.rawJSON)) ? String(Number(value.rawJSON)) : value.rawJSON
  return typeof value === 'object' ? undefined : String(value)
}

function equals(value: Json, sent: Json): boolean {
  if (typeof value === 'string') return typeof sent === 'string' && matchesGlob(value, sent)
  if (Array.isArray(value)) return Array.isArray(sent) && value.length === sent.length && value.every((item, i) => same(item, sent[i] as Json))
  return same(value, sent)
}

/** A `*` at the start, the end, or both stands for anything; alone it stands for itself. */
function matchesGlob(glob: string, text: string): boolean {
  const starts = glob.length > 1 && glob.startsWith('*')
  const ends = glob.length > 1 && glob.endsWith('*')
  const inner = glob.slice(Number(starts), ends ? -1 : undefined)
  if (starts && ends) return text.includes(inner)
  if (starts) return text.endsWith(inner)
  return ends ? text.startsWith(inner) : text === glob
}

function same(a: Json, b: Json): boolean {
  if (Array.isArray(a) && Array.isArray(b)) return a.length === b.length && a.every((item, i) => same(item, b[i] as Json))
  if (!isObject(a) || !isObject(b)) return a === b
  const keys = Object.keys(a)
  return keys.length === Object.keys(b).length && keys.every((key) => Object.hasOwn(b, key) && same(a[key] as Json, b[key] as Json))
}

export interface PageVerdict {
  readonly allowed: boolean
  /** What the request's `limit` must become; undefined leaves it. */
  readonly limit?: number
}

/** For list and scan: no page may be larger than the bound. `max` asks for as much as may be had. */
export function permitsPage({ paginationLimit: bound, required }: Limits, data: JsonObject): PageVerdict {
  const sent = Object.hasOwn(data, 'limit') ? data.limit : undefined
  if (bound === 0) return sent === 'max' ? { allowed: true, limit: 0 } : { allowed: true }
  if (sent === undefined) return required.includes('limit') ? { allowed: false } : { allowed: true, limit: bound }
  if (sent === 'max') return { allowed: true, limit: bound }
  const text = textOf(sent) ?? ''
  const size = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN
  if (size === 0) return { allowed: true, limit: bound }
  return { allowed: size <= bound }
}

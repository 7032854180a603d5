// Declared fields: each knows its kind, its doc, and how Vault coerces what clients send into it.
import { parseSeconds } from './duration.ts'
import { Fault } from './fault.ts'
import { isObject, isRawNumber, type Json, type JsonObject } from './json.ts'

export type FieldKind = 'text' | 'bool' | 'int' | 'float' | 'seconds' | 'list' | 'pairs' | 'object' | 'any' | 'time' | 'choice'

/** One parameter of an op. `parse` gets what the client sent (never undefined) and returns the value or throws. */
export interface Field<T> {
  readonly kind: FieldKind
  readonly doc: string
  /** True where a missing value is refused. */
  readonly needed: boolean
  /** True for what UI, CLI and logs must mask. */
  readonly secret: boolean
  /** What a missing value becomes. */
  readonly fallback?: T
  /** The accepted values of a `choice`. */
  readonly choices?: readonly string[]
  parse(raw: Json): T
}

export type Shape = Readonly<Record<string, Field<unknown>>>
export type Values<S extends Shape> = { [K in keyof S]: S[K] extends Field<infer T> ? T : never }

type Parse<T> = (raw: Json) => T

function field<T>(kind: FieldKind, doc: string, parse: Parse<T>): Field<T> {
  return { kind, doc, parse, needed: true, secret: false }
}

/** A field that may be missing. */
export function maybe<T>(of: Field<T>): Field<T | undefined> {
  return { ...of, needed: false }
}

/** A field with a default. */
export function or<T>(of: Field<T>, fallback: T): Field<T> {
  return { ...of, needed: false, fallback }
}

/** A field that is masked wherever it is shown. */
export function secret<T>(of: Field<T>): Field<T> {
  return { ...of, secret: true }
}

export const text = (doc: string): Field<string> => field('text', doc, toText)
export const bool = (doc: string): Field<boolean> => field('bool', doc, toBool)
/** An integer; digits in a string are taken. */
export const int = (doc: string): Field<number> => field('int', doc, toInt)
/** A finite number; one in a string is taken (TypeFloat). */
export const float = (doc: string): Field<number> => field('float', doc, toFloat)
/** A duration of whole seconds, never negative (Vault's TypeDurationSecond). */
export const seconds = (doc: string): Field<number> => field('seconds', doc, toSeconds)
/** Texts as an array, or separated by commas; trimmed, empty ones dropped (TypeCommaStringSlice). */
export const list = (doc: string): Field<string[]> => field('list', doc, toList)
/** Texts by key: an object, or `key=value` texts (TypeKVPairs). */
export const pairs = (doc: string): Field<Record<string, string>> => field('pairs', doc, toPairs)
/** A JSON object, kept as it is. */
export const object = (doc: string): Field<JsonObject> => field('object', doc, toObject)
/** Any JSON value, kept as it is. */
export const any = (doc: string): Field<Json> => field('any', doc, (raw) => raw)
/** A time in milliseconds, from RFC 3339 or seconds since 1970 (TypeTime). */
export const time = (doc: string): Field<number> => field('time', doc, toTime)
/** One of a fixed set of texts. */
export const choice = <const C extends string>(doc: string, choices: readonly C[]): Field<C> => ({
  ...field('choice', doc, (raw) => toChoice(raw, choices)),
  choices,
})

/**
 * The values of a shape. Unknown keys are not looked at here. Throws `invalid` in Vault's wording.
 * @example parseShape({ ttl: or(seconds('…'), 30) }, { ttl: '1m' }) // { ttl: 60 }
 */
export function parseShape<S extends Shape>(shape: S, raw: JsonObject): Values<S> {
  const values: Record<string, unknown> = {}
  for (const [name, of] of Object.entries(shape)) values[name] = parseField(name, of, Object.hasOwn(raw, name) ? raw[name] : undefined)
  return values as Values<S>
}

function parseField<T>(name: string, of: Field<T>, raw: Json | undefined): T | undefined {
  if (raw === undefined || raw === null) {
    if (of.needed) throw new Fault('invalid', `missing ${name}`)
    return of.fallback
  }
  try {
    return of.parse(raw)
  } catch (error) {
    if (!(error instanceof Fault)) throw error
    throw new Fault('invalid', `Field validation failed: error converting input for field "${name}": ${error.message}`)
  }
}

function scalar(raw: Json): string {
  if (typeof raw === 'string') return raw
  if (typeof raw === 'number' || typeof raw === 'boolean') return String(raw)
  if (isRawNumber(raw)) return raw.rawJSON
  throw new Fault('invalid', `expected a string, got ${Array.isArray(raw) ? 'an array' : 'an object'}`)
}

function toText(raw: Json): string {
  const value = typeof raw === 'boolean' ? (raw ? '1' : '0') : scalar(raw)
  if (!value.isWellFormed()) throw new Fault('invalid', 'text is not well-formed Unicode')
  return value
}

function toBool(raw: Json): boolean {
  if (typeof raw === 'boolean') return raw
  const value = scalar(raw)
  if (/^(1|t|T|TRUE|true|True)$/.test(value)) return true
  if (/^(|0|f|F|FALSE|false|False)$/.test(value)) return false
  if (typeof raw === 'number') return raw !== 0
  throw new Fault('invalid', 'cannot parse as bool')
}

/** JSON integers as well, however they are written: `1e3`, `2.0`. */
const INTEGER = /^(?:[+-]?\d+(?:\.0*)?(?:[eE]\+?\d+)?|0[xX][0-9a-fA-F]+)$/

function toInt(raw: Json): number {
  const value = typeof raw === 'boolean' || raw === '' ? Number(raw) : INTEGER.test(scalar(raw)) ? Number(scalar(raw)) : Number.NaN
  if (!Number.isSafeInteger(value)) throw new Fault('invalid', 'cannot parse as int')
  return value
}

const DECIMAL = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/

function toFloat(raw: Json): number {
  const value = typeof raw === 'boolean' || raw === '' ? Number(raw) : DECIMAL.test(scalar(raw)) ? Number(scalar(raw)) : Number.NaN
  if (!Number.isFinite(value)) throw new Fault('invalid', 'cannot parse value as float')
  return value
}

function toSeconds(raw: Json): number {
  const value = parseSeconds(typeof raw === 'number' ? raw : scalar(raw))
  if (value < 0) throw new Fault('invalid', `cannot provide negative value '${value}'`)
  return value
}

function toList(raw: Json): string[] {
  const items = Array.isArray(raw) ? raw.map(toText) : toText(raw).split(',')
  return items.map((item) => item.trim()).filter((item) => item !== '')
}

function toPairs(raw: Json): Record<string, string> {
  if (isObject(raw)) return Object.fromEntries(Object.entries(raw).map(([key, value]) => [key, value === null ? '' : toText(value)]))
  if (raw === '') return {}
  const items = Array.isArray(raw) ? raw.map(toText) : [toText(raw)]
  return Object.fromEntries(items.map(toPair))
}

function toPair(item: string): [string, string] {
  const at = item.indexOf('=')
  if (at < 1) throw new Fault('invalid', 'expected key=value pairs')
  return [item.slice(0, at), item.slice(at + 1)]
}

function toObject(raw: Json): JsonObject {
  if (isObject(raw)) return raw
  throw new Fault('invalid', 'expected a map')
}

const RFC3339 = /^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(?:\.\d+)?(?:[Zz]|[+-]\d\d:\d\d)$/

function toTime(raw: Json): number {
  const value = scalar(raw)
  const ms = /^\d+(?:\.\d+)?$/.test(value) ? Number(value) * 1000 : RFC3339.test(value) ? Date.parse(value) : Number.NaN
  if (Number.isNaN(ms)) throw new Fault('invalid', 'cannot parse as time')
  return ms
}

function toChoice<C extends string>(raw: Json, choices: readonly C[]): C {
  const value = toText(raw)
  const found = choices.find((one) => one === value)
  if (found === undefined) throw new Fault('invalid', `must be one of ${choices.join(', ')}`)
  return found
}

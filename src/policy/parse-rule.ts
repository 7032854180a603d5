// One stanza of a policy: capabilities, their terms, and the wildcards of the path.
import { toMilliseconds } from '../base/duration.ts'
import { Fault } from '../base/fault.ts'
import { time } from '../base/fields.ts'
import type { HclBody, HclName } from '../base/hcl.ts'
import { toObject } from '../base/hcl-object.ts'
import { isObject, type Json } from '../base/json.ts'
import type { Capability } from '../contract/call.ts'
import { BIT, isCapability } from './capability.ts'
import type { Limits, Parameters, Rule } from './policy.ts'
import { isTemplated } from './template.ts'

export const RULE_KEYS = [
  'comment',
  'policy',
  'capabilities',
  'allowed_parameters',
  'denied_parameters',
  'required_parameters',
  'min_wrapping_ttl',
  'max_wrapping_ttl',
  'pagination_limit',
  'subscribe_event_types',
  'expiration',
] as const

type Stanza = Partial<Record<(typeof RULE_KEYS)[number], Json>>

/** The words that policies had before there were capabilities. */
const SHORTHAND: Readonly<Record<string, readonly Capability[]>> = {
  deny: ['deny'],
  read: ['read', 'list'],
  write: ['create', 'read', 'update', 'delete', 'list'],
  sudo: ['create', 'read', 'update', 'delete', 'list', 'sudo'],
}

const DENIED: Limits = {
  bits: BIT.deny,
  allowed: undefined,
  denied: undefined,
  required: [],
  minWrapTtl: 0,
  maxWrapTtl: 0,
  paginationLimit: 0,
  events: [],
}

export function parseRule({ text, line }: HclName, body: HclBody): Rule {
  const path = text.startsWith('/') ? text.slice(1) : text
  const templated = isTemplated(path)
  if (path.includes('+*')) throw new Fault('invalid', `invalid use of wildcards ('+*' is forbidden)`)
  const stanza: Stanza = toObject(body)
  return { path, templated, line, expiresAt: toExpiry(stanza.expiration), ...toLimits(stanza) }
}

function toLimits(stanza: Stanza): Limits {
  const limits = {
    bits: toBits(stanza),
    allowed: toParameters('allowed_parameters', stanza.allowed_parameters),
    denied: toParameters('denied_parameters', stanza.denied_parameters),
    required: toTexts('required_parameters', stanza.required_parameters).map((name) => name.toLowerCase()),
    minWrapTtl: toSeconds('min_wrapping_ttl', stanza.min_wrapping_ttl),
    maxWrapTtl: toSeconds('max_wrapping_ttl', stanza.max_wrapping_ttl),
    paginationLimit: toCount('pagination_limit', stanza.pagination_limit),
    events: toTexts('subscribe_event_types', stanza.subscribe_event_types),
  }
  if (limits.maxWrapTtl !== 0 && limits.maxWrapTtl < limits.minWrapTtl)
    throw new Fault('invalid', 'max_wrapping_ttl cannot be less than min_wrapping_ttl')
  return limits.bits & BIT.deny ? DENIED : limits
}

function toBits({ policy, capabilities }: Stanza): number {
  const shorthand = policy === undefined || policy === '' ? [] : typeof policy === 'string' && Object.hasOwn(SHORTHAND, policy) && SHORTHAND[policy]
  if (!shorthand) throw new Fault('invalid', `invalid policy ${shown(policy)}`)
  let bits = 0
  for (const name of [...shorthand, ...toTexts('capabilities', capabilities)]) {
    if (!isCapability(name)) throw new Fault('invalid', `invalid capability ${shown(name)}`)
    bits |= BIT[name]
  }
  return bits
}

function toTexts(key: string, raw: Json | undefined): string[] {
  if (raw === undefined) return []
  const texts = Array.isArray(raw) && raw.map((item) => (typeof item === 'number' ? String(item) : item))
  if (texts && texts.every((item) => typeof item === 'string')) return texts
  throw new Fault('invalid', `${key}: expected a list of strings`)
}

function toParameters(key: string, raw: Json | undefined): Parameters | undefined {
  if (raw === undefined) return undefined
  const [values, ...more] = Array.isArray(raw) ? raw : []
  if (!isObject(values) || more.length > 0) throw new Fault('invalid', `${key}: expected one map of lists`)
  const parameters = new Map<string, readonly Json[]>()
  for (const [name, list] of Object.entries(values)) {
    const lower = name.toLowerCase()
    if (!Array.isArray(list)) throw new Fault('invalid', `${key}: expected a list of values for ${shown(name)}`)
    if (parameters.has(lower)) throw new Fault('invalid', `${key}: ${shown(name)} is set twice`)
    parameters.set(lower, list)
  }
  return parameters
}

function toSeconds(key: string, raw: Json | undefined): number {
  if (raw === undefined) return 0
  if (typeof raw !== 'number' && typeof raw !== 'string') throw new Fault('invalid', `error parsing ${key}: could not parse duration from input`)
  try {
    const seconds = toMilliseconds(raw) / 1000
    if (seconds >= 0 && Number.isFinite(seconds)) return seconds
  } catch (error) {
    if (!(error instanceof Fault)) throw error
    throw new Fault('invalid', `error parsing ${key}: ${error.message}`)
  }
  throw new Fault('invalid', `error parsing ${key}: cannot provide negative value ${shown(raw)}`)
}

function toCount(key: string, raw: Json | undefined): number {
  const count = raw === undefined ? 0 : typeof raw === 'string' && /^\d+$/.test(raw) ? Number(raw) : raw
  if (typeof count === 'number' && Number.isSafeInteger(count) && count >= 0) return count
  throw new Fault('invalid', `${key}: expected a whole number, 0 or more`)
}

const expiration = time('When the rule ends.')

function toExpiry(raw: Json | undefined): number {
  if (raw === undefined || raw === '') return Number.POSITIVE_INFINITY
  try {
    return expiration.parse(raw)
  } catch {
    throw new Fault('invalid', 'invalid expiration time: could not parse string as date and time')
  }
}

function shown(value: Json | undefined): string {
  const text = JSON.stringify(value)
  return text.length > 80 ? `${text.slice(0, 80).toWellFormed()}…` : text
}

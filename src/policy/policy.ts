// A policy as it was parsed: rules in the order of the text, templates not yet filled in.
import type { Json } from '../base/json.ts'

export interface Policy {
  readonly name: string
  readonly text: string
  readonly rules: readonly Rule[]
}

/** The stanza of one path. */
export interface Rule extends Limits {
  /** As written, without a leading slash: may hold `{{…}}`, `+` segments and a `*` at its end. */
  readonly path: string
  readonly templated: boolean
  /** Where it begins in the text. */
  readonly line: number
  /** Wall milliseconds from which on the rule is void; Infinity for never. */
  readonly expiresAt: number
}

/** What a rule grants, and on which terms. */
export interface Limits {
  /** Capability bits; `deny` is alone. */
  readonly bits: number
  readonly allowed: Parameters | undefined
  readonly denied: Parameters | undefined
  /** Lower-cased. */
  readonly required: readonly string[]
  /** Seconds, maybe fractions; 0 is no bound. */
  readonly minWrapTtl: number
  readonly maxWrapTtl: number
  /** The largest page of a list; 0 is no bound. */
  readonly paginationLimit: number
  /** Types of events, with `*` for any text, that `subscribe` lets through. */
  readonly events: readonly string[]
}

/** Values by lower-cased parameter name; an empty list stands for any value. */
export type Parameters = ReadonlyMap<string, readonly Json[]>

// The tree that HCL and JSON texts become, with the places and spellings that messages and formatting need.
import { faultAt, type Place } from './hcl-cursor.ts'

export interface HclBody extends Place {
  readonly kind: 'body'
  readonly items: readonly HclItem[]
  /** Where it is closed. */
  readonly end: Place
}

/** `key = value`, or a block: `key "label" … { … }`. */
export interface HclItem {
  /** The key, then the labels; never empty. */
  readonly names: readonly HclName[]
  /** True for `key = value`, false for a block. */
  readonly assigned: boolean
  readonly value: HclValue
}

export interface HclName extends Place {
  readonly text: string
  /** As it was written, with its quotes if any. */
  readonly raw: string
}

export type HclValue = HclLiteral | HclList | HclBody

export interface HclLiteral extends Place {
  readonly kind: 'literal'
  readonly value: string | number | boolean
  readonly raw: string
  readonly end: Place
}

export interface HclList extends Place {
  readonly kind: 'list'
  readonly items: readonly HclValue[]
  readonly end: Place
}

const MAX_DEPTH = 64
const MAX_VALUES = 100_000

/** Bounds what a small text can make a parser hold. */
export class Budget {
  #values = 0

  spend(place: Place, depth = 0): void {
    if (depth > MAX_DEPTH) throw faultAt(place, `nested deeper than ${MAX_DEPTH} levels`)
    if (++this.#values > MAX_VALUES) throw faultAt(place, `more than ${MAX_VALUES} values`)
  }
}

/** A piece of the text that is safe to echo: short. */
export function shown(text: string): string {
  return text.length > 60 ? `${text.slice(0, 60).toWellFormed()}…` : text
}

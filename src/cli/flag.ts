// The kinds of flags that commands declare; help, completion and parsing are derived from the declarations.
import { ceilSeconds } from '../base/duration.ts'
import { Fault } from '../base/fault.ts'

export type FlagKind = 'text' | 'bool' | 'int' | 'duration' | 'list' | 'pairs'

export interface Flag<T> {
  readonly kind: FlagKind
  readonly doc: string
  /** What it is when neither given nor in the environment. */
  readonly fallback: T
  readonly aliases: readonly string[]
  /** Environment variable, without prefix. */
  readonly env?: string
  /** Left out of help and completion. */
  readonly hidden?: boolean
  readonly choices?: readonly string[]
  /** `before` is what earlier uses of the flag made. Throws a Fault that says what is wrong with the text. */
  parse(raw: string, before: T): T
}

export type Flags = Readonly<Record<string, Flag<never> | Flag<unknown>>>
export type FlagValues<F extends Flags> = { readonly [K in keyof F]: F[K] extends Flag<infer T> ? T : never }
type Pairs = Readonly<Record<string, string>>

const bare = { aliases: [] as readonly string[] }

export const text = (doc: string): Flag<string | undefined> => ({ ...bare, kind: 'text', doc, fallback: undefined, parse: (raw) => raw })
export const bool = (doc: string): Flag<boolean> => ({ ...bare, kind: 'bool', doc, fallback: false, parse: toBool })
/** A switch that tells "not given" from false. */
export const choice = (doc: string): Flag<boolean | undefined> => ({ ...bare, kind: 'bool', doc, fallback: undefined, parse: toBool })
export const int = (doc: string): Flag<number | undefined> => ({ ...bare, kind: 'int', doc, fallback: undefined, parse: toInt })
/** Seconds; `system` is -1. */
export const duration = (doc: string): Flag<number | undefined> => ({ ...bare, kind: 'duration', doc, fallback: undefined, parse: toSeconds })
/** May be given many times. */
export const list = (doc: string): Flag<readonly string[]> => ({
  ...bare,
  kind: 'list',
  doc,
  fallback: [],
  parse: (raw, before) => [...before, raw.trim()],
})
/** `key=value`, may be given many times. */
export const pairs = (doc: string): Flag<Pairs | undefined> => ({ ...bare, kind: 'pairs', doc, fallback: undefined, parse: toPairs })

/** With a default. */
export function or<T>(flag: Flag<T | undefined>, fallback: T): Flag<T> {
  return { ...flag, fallback, parse: (raw, before) => flag.parse(raw, before) as T }
}

/** Also known by these names. */
export function also<T>(flag: Flag<T>, ...aliases: string[]): Flag<T> {
  return { ...flag, aliases }
}

/** Also read from this environment variable. */
export function orEnv<T>(flag: Flag<T>, env: string): Flag<T> {
  return { ...flag, env }
}

/** Takes these texts only. */
export function oneOf(flag: Flag<string | undefined>, ...choices: string[]): Flag<string | undefined> {
  return {
    ...flag,
    choices,
    parse(raw) {
      if (choices.includes(raw.toLowerCase())) return raw.toLowerCase()
      throw new Fault('invalid', `must be one of ${choices.join(', ')}`)
    },
  }
}

export function hidden<T>(flag: Flag<T>): Flag<T> {
  return { ...flag, hidden: true }
}

function toBool(raw: string): boolean {
  if (/^(1|t|T|true|TRUE|True)$/.test(raw)) return true
  if (/^(0|f|F|false|FALSE|False)$/.test(raw)) return false
  throw new Fault('invalid', 'must be true or false')
}

function toInt(raw: string): number {
  const value = /^[+-]?\d+$/.test(raw.trim()) ? Number(raw) : Number.NaN
  if (!Number.isSafeInteger(value)) throw new Fault('invalid', 'must be a whole number')
  return value
}

/** Zero stands for "not said", so a part of a second is one. */
function toSeconds(raw: string): number {
  return raw === 'system' ? -1 : ceilSeconds(raw)
}

function toPairs(raw: string, before: Pairs | undefined): Pairs {
  const at = raw.indexOf('=')
  if (at < 0) throw new Fault('invalid', `missing = in KV pair: ${JSON.stringify(raw)}`)
  return { ...before, [raw.slice(0, at)]: raw.slice(at + 1) }
}

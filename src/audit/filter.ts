// Which records a device takes: Vault's filter expressions over five facts of a request (a part of go-bexpr's grammar).
import { Fault } from '../base/fault.ts'

export interface Facts {
  readonly mount_type: string
  readonly mount_point: string
  /** Path of the namespace, '' for the root. */
  readonly namespace: string
  readonly operation: string
  readonly path: string
}

export type Filter = (facts: Facts) => boolean

const FACTS = ['mount_point', 'mount_type', 'namespace', 'operation', 'path'] as const
type Fact = (typeof FACTS)[number]

/** Filters are written by hand; this bounds what a parser that calls itself may be given. */
const MAX_LENGTH = 2_048
const TOKEN = /\s*(?:([()])|(==|!=)|"((?:[^"\\]|\\.)*)"|`([^`]*)`|([^\s()"`=!]+))/y

interface Token {
  readonly kind: 'sign' | 'text' | 'word'
  readonly value: string
}

/**
 * Throws `invalid` where the text is no filter. Expressions: `FACT == VALUE`, `!=`, `contains`, `not contains`, `is empty`,
 * `is not empty`, `VALUE in FACT`, `VALUE not in FACT`, joined by `and`, `or`, `not` and parentheses; values may be quoted.
 * @example parseFilter('mount_type == kv and not (operation == "list")')({ mount_type: 'kv', operation: 'read', … }) // true
 */
export function parseFilter(source: string): Filter {
  if (source.length > MAX_LENGTH) throw problem('it is too long')
  const cursor = new Cursor(tokenise(source))
  const filter = either(cursor)
  const rest = cursor.take()
  if (rest) throw problem(`${JSON.stringify(rest.value)} is out of place`)
  return filter
}

function problem(what: string): Fault {
  return new Fault('invalid', `cannot parse the audit filter: ${what}`)
}

function tokenise(source: string): Token[] {
  const tokens: Token[] = []
  const text = source.trim()
  for (TOKEN.lastIndex = 0; TOKEN.lastIndex < text.length; ) {
    const at = TOKEN.lastIndex
    const [, bracket, sign, quoted, raw, word] = TOKEN.exec(text) ?? []
    if (bracket ?? sign) tokens.push({ kind: 'sign', value: (bracket ?? sign) as string })
    else if (quoted !== undefined) tokens.push({ kind: 'text', value: quoted.replace(/\\(.)/g, '$1') })
    else if (raw !== undefined) tokens.push({ kind: 'text', value: raw })
    else if (word !== undefined) tokens.push({ kind: 'word', value: word })
    else throw problem(`${JSON.stringify(text.slice(at, at + 20))} is out of place`)
  }
  return tokens
}

class Cursor {
  readonly #tokens: readonly Token[]
  #at = 0

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens
  }

  take(): Token | undefined {
    return this.#tokens[this.#at++]
  }

  /** Takes these words or signs where they come next, all or none. */
  takes(...values: readonly string[]): boolean {
    const next = this.#tokens.slice(this.#at, this.#at + values.length)
    if (!values.every((value, n) => next[n]?.kind !== 'text' && next[n]?.value === value)) return false
    this.#at += values.length
    return true
  }
}

function either(cursor: Cursor): Filter {
  const left = both(cursor)
  if (!cursor.takes('or')) return left
  const right = either(cursor)
  return (facts) => left(facts) || right(facts)
}

function both(cursor: Cursor): Filter {
  const left = one(cursor)
  if (!cursor.takes('and')) return left
  const right = both(cursor)
  return (facts) => left(facts) && right(facts)
}

function one(cursor: Cursor): Filter {
  if (cursor.takes('not')) {
    const inner = one(cursor)
    return (facts) => !inner(facts)
  }
  if (!cursor.takes('(')) return comparison(cursor)
  const inner = either(cursor)
  if (!cursor.takes(')')) throw problem('a parenthesis is not closed')
  return inner
}

function comparison(cursor: Cursor): Filter {
  const first = value(cursor)
  if (cursor.takes('in')) return contains(fact(cursor.take()), first.value)
  if (cursor.takes('not', 'in')) return not(contains(fact(cursor.take()), first.value))
  const name = fact(first)
  if (cursor.takes('is', 'empty')) return (facts) => facts[name] === ''
  if (cursor.takes('is', 'not', 'empty')) return (facts) => facts[name] !== ''
  if (cursor.takes('==')) return equals(name, value(cursor).value)
  if (cursor.takes('!=')) return not(equals(name, value(cursor).value))
  if (cursor.takes('contains')) return contains(name, value(cursor).value)
  if (cursor.takes('not', 'contains')) return not(contains(name, value(cursor).value))
  if (cursor.takes('matches') || cursor.takes('not', 'matches')) throw problem('"matches" is not supported; "contains" is')
  throw problem(`a comparison is missing after ${name}`)
}

function value(cursor: Cursor): Token {
  const token = cursor.take()
  if (!token || token.kind === 'sign') throw problem('a value is missing')
  return token
}

function fact(token: Token | undefined): Fact {
  const name = token?.value.replace(/^\//, '')
  const found = FACTS.find((one) => one === name)
  if (found === undefined) throw problem(`${JSON.stringify(token?.value ?? '')} is none of ${FACTS.join(', ')}`)
  return found
}

function equals(name: Fact, wanted: string): Filter {
  return (facts) => facts[name] === wanted
}

function contains(name: Fact, part: string): Filter {
  return (facts) => facts[name].includes(part)
}

function not(filter: Filter): Filter {
  return (facts) => !filter(facts)
}

// HCL 1, the configuration language of policies and servers, as an ordered tree; JSON where the text starts with a brace.
import { faultAt, type Place } from './hcl-cursor.ts'
import { parseHclJson } from './hcl-json.ts'
import { heredocOf, numberOf, textOf } from './hcl-literal.ts'
import { scanHcl, type Token } from './hcl-tokens.ts'
import { Budget, type HclBody, type HclItem, type HclList, type HclName, type HclValue, shown } from './hcl-tree.ts'

export type { HclBody, HclItem, HclList, HclLiteral, HclName, HclValue } from './hcl-tree.ts'

/**
 * Parses HCL 1 or its JSON form. Repeated keys are kept, in order. Throws `invalid` with `line:column: what`,
 * also past a bound on length, nesting and number of values.
 * @example parseHcl('path "kv/*" { capabilities = ["read"] }').items[0]?.names.map(({ text }) => text) // ['path', 'kv/*']
 */
export function parseHcl(text: string): HclBody {
  const source = text.replaceAll('\r\n', '\n')
  return /^\s*\{/.test(source) ? parseHclJson(source) : new Parser(source).file()
}

class Parser {
  readonly #scan: () => Token
  readonly #budget = new Budget()
  #token: Token

  constructor(text: string) {
    this.#scan = scanHcl(text)
    this.#token = this.#next()
  }

  file(): HclBody {
    const items = this.#items('end', 0)
    return { kind: 'body', items, line: 1, column: 1, end: placeOf(this.#token) }
  }

  /** The coming token without comments. */
  #next(): Token {
    let token = this.#scan()
    while (token.kind === 'comment') token = this.#scan()
    this.#token = token
    return token
  }

  #items(close: '}' | 'end', depth: number): HclItem[] {
    const items: HclItem[] = []
    while (this.#token.kind !== close) {
      items.push(this.#item(depth))
      if (this.#token.kind === ',') this.#next()
    }
    return items
  }

  #item(depth: number): HclItem {
    const names: HclName[] = []
    for (; this.#token.kind === 'name' || this.#token.kind === 'text'; this.#next()) names.push(this.#name())
    const { kind } = this.#token
    const labels = names.map(({ raw }) => raw).join(' ')
    if (names.length === 0) throw this.#fault(`expected a key, got ${found(this.#token)}`)
    if (kind === '=' && names.length > 1) throw this.#fault(`expected '{' after '${shown(labels)}', got '='`)
    if (kind !== '=' && kind !== '{') throw faultAt(names[0] as HclName, `key '${shown(labels)}' expected start of object ('{') or assignment ('=')`)
    if (kind === '=') this.#next()
    return { names, assigned: kind === '=', value: this.#value(depth) }
  }

  #name(): HclName {
    const { kind, raw, line, column } = this.#token
    this.#budget.spend(this.#token)
    return { text: kind === 'text' ? textOf(raw, this.#token) : raw, raw, line, column }
  }

  #value(depth: number): HclValue {
    const token = this.#token
    this.#budget.spend(token, depth)
    if (token.kind === '{') return this.#body(token, depth)
    if (token.kind === '[') return this.#list(token, depth)
    const value = literalOf(token)
    if (value === undefined) throw this.#fault(`expected a value, got ${found(token)}`)
    this.#next()
    return { kind: 'literal', value, raw: token.raw, ...placeOf(token), end: { line: token.endLine, column: token.column } }
  }

  #body({ line, column }: Place, depth: number): HclBody {
    this.#next()
    const items = this.#items('}', depth + 1)
    const end = placeOf(this.#token)
    this.#next()
    return { kind: 'body', items, line, column, end }
  }

  #list({ line, column }: Place, depth: number): HclList {
    const items: HclValue[] = []
    for (let token = this.#next(); token.kind !== ']'; token = this.#token) {
      if (token.kind === ',') this.#next()
      else {
        items.push(this.#value(depth + 1))
        if (this.#token.kind !== ',' && this.#token.kind !== ']') throw this.#fault(`expected ',' or ']', got ${found(this.#token)}`)
      }
    }
    const end = placeOf(this.#token)
    this.#next()
    return { kind: 'list', items, line, column, end }
  }

  #fault(message: string) {
    return faultAt(this.#token, message)
  }
}

function placeOf({ line, column }: Place): Place {
  return { line, column }
}

function literalOf(token: Token): string | number | boolean | undefined {
  if (token.kind === 'text') return textOf(token.raw, token)
  if (token.kind === 'heredoc') return heredocOf(token.raw)
  if (token.kind === 'number') return numberOf(token.raw, token)
  return token.kind === 'bool' ? token.raw === 'true' : undefined
}

/** The kind of a token, never its content: that may be a secret. */
function found({ kind }: Token): string {
  return kind.length === 1 ? `'${kind}'` : kind === 'end' ? 'end of text' : `a ${kind}`
}

// The JSON form of HCL: the same tree, with repeated keys kept in order and every value's place.
import { Cursor, type Place } from './hcl-cursor.ts'
import { Budget, type HclBody, type HclItem, type HclList, type HclName, type HclValue } from './hcl-tree.ts'

const SPACE = /[ \t\r\n]*/y
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what JSON refuses in strings
const STRING = /"[^"\\\u0000-\u001f]*(?:\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})[^"\\\u0000-\u001f]*)*"/y
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y
const WORD = /(?:true|false|null)(?![A-Za-z0-9_])/y
const MARK = /[{}[\],:]/y
const WORDS: Readonly<Record<string, boolean | string>> = { true: true, false: false, null: '' }

/** Parses one JSON object (RFC 8259); `null` reads as an empty text. Throws `invalid` with `line:column: what`. */
export function parseHclJson(text: string): HclBody {
  const parser = new JsonParser(text)
  return parser.file()
}

class JsonParser {
  readonly #cursor: Cursor
  readonly #budget = new Budget()

  constructor(text: string) {
    this.#cursor = new Cursor(text)
  }

  file(): HclBody {
    this.#expect('{')
    const body = this.#body(this.#cursor.place, 0)
    this.#cursor.take(SPACE)
    if (this.#cursor.at < this.#cursor.text.length) throw this.#cursor.fault('expected end of text')
    return body
  }

  #body({ line, column }: Place, depth: number): HclBody {
    const items: HclItem[] = []
    this.#each('}', () => {
      const name = this.#name()
      this.#expect(':')
      items.push(...itemsOf(name, this.#value(depth + 1)))
    })
    return { kind: 'body', items, line, column, end: this.#cursor.place }
  }

  #list({ line, column }: Place, depth: number): HclList {
    const items: HclValue[] = []
    this.#each(']', () => void items.push(this.#value(depth + 1)))
    return { kind: 'list', items, line, column, end: this.#cursor.place }
  }

  #each(close: '}' | ']', one: () => void): void {
    if (this.#took(close)) return
    do one()
    while (this.#took(','))
    this.#expect(close)
  }

  #name(): HclName {
    this.#cursor.take(SPACE)
    const place = this.#cursor.place
    const raw = this.#string()
    if (raw === undefined) throw this.#cursor.fault('expected a quoted key')
    this.#budget.spend(place)
    return { text: unquote(raw), raw, ...place }
  }

  #value(depth: number): HclValue {
    this.#cursor.take(SPACE)
    const place = this.#cursor.place
    this.#budget.spend(place, depth)
    if (this.#took('{')) return this.#body(place, depth)
    if (this.#took('[')) return this.#list(place, depth)
    const raw = this.#string() ?? this.#cursor.take(NUMBER) ?? this.#cursor.take(WORD)
    if (raw === undefined) throw this.#cursor.fault('expected a value')
    const value = raw.startsWith('"') ? unquote(raw) : (WORDS[raw] ?? Number(raw))
    if (typeof value === 'number' && !(/[.eE]/.test(raw) ? Number.isFinite(value) : Number.isSafeInteger(value)))
      throw this.#cursor.fault('number out of range')
    return { kind: 'literal', value, raw, ...place, end: place }
  }

  #string(): string | undefined {
    const raw = this.#cursor.take(STRING)
    if (raw !== undefined && !unquote(raw).isWellFormed()) throw this.#cursor.fault('text is not well-formed Unicode')
    return raw
  }

  #took(mark: string): boolean {
    this.#cursor.take(SPACE)
    if (this.#cursor.text[this.#cursor.at] !== mark) return false
    this.#cursor.take(MARK)
    return true
  }

  #expect(mark: string): void {
    if (!this.#took(mark)) throw this.#cursor.fault(`expected '${mark}'`)
  }
}

/** Objects are blocks; an object of nothing but objects stands for labels, as does a list of objects for repeated blocks. */
function itemsOf(name: HclName, value: HclValue): HclItem[] {
  if (value.kind === 'body' && value.items.length > 0 && value.items.every((item) => item.value.kind === 'body'))
    return value.items.map((item) => ({ ...item, names: [name, ...item.names] }))
  if (value.kind === 'list' && value.items.length > 0 && value.items.every(({ kind }) => kind === 'body'))
    return value.items.flatMap((item) => itemsOf(name, item))
  return [{ names: [name], assigned: value.kind !== 'body', value }]
}

function unquote(raw: string): string {
  return JSON.parse(raw) as string
}

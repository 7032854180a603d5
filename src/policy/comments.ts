// The comments of an HCL text, handed out in order as formatting passes their places.
import type { Place } from '../base/hcl-cursor.ts'
import { scanHcl, type Token } from '../base/hcl-tokens.ts'

export class Comments {
  readonly #all: Token[] = []
  #next = 0

  constructor(text: string) {
    const scan = scanHcl(text)
    for (let token = scan(); token.kind !== 'end'; token = scan()) if (token.kind === 'comment') this.#all.push(token)
  }

  /** Those before a place, in groups of adjacent lines; the last group belongs to what starts on the line after it. */
  before(place: Place): { readonly apart: string[][]; readonly lead: string[] } {
    const groups: Token[][] = []
    for (let one = this.#peek(); one && isBefore(one, place); one = this.#peek()) {
      const group = groups.at(-1)
      if (group && (group.at(-1) as Token).endLine + 1 >= one.line) group.push(one)
      else groups.push([one])
      this.#next++
    }
    const last = groups.at(-1)?.at(-1)
    const lead = last && last.endLine + 1 >= place.line ? (groups.pop() as Token[]) : []
    return { apart: groups.map(texts), lead: texts(lead) }
  }

  /** The one that stands behind what ended on a line, if it comes before a place. */
  trailing(line: number, place: Place): string | undefined {
    const one = this.#peek()
    if (one?.line !== line || !isBefore(one, place)) return undefined
    this.#next++
    return one.raw.trimEnd()
  }

  /** Whether any stands before a place. */
  anyBefore(place: Place): boolean {
    const one = this.#peek()
    return one !== undefined && isBefore(one, place)
  }

  #peek(): Token | undefined {
    return this.#all[this.#next]
  }
}

function isBefore(a: Place, b: Place): boolean {
  return a.line < b.line || (a.line === b.line && a.column < b.column)
}

function texts(group: readonly Token[]): string[] {
  return group.map(({ raw }) => raw.trimEnd())
}

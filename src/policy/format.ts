// Policy texts in their canonical form, as `policy fmt` writes them: two-space indent, aligned `=`, comments kept.
import { Fault } from '../base/fault.ts'
import { type HclBody, type HclItem, type HclList, type HclValue, parseHcl } from '../base/hcl.ts'
import type { Place } from '../base/hcl-cursor.ts'
import { Comments } from './comments.ts'
import { parsePolicy } from './parse.ts'

/** Throws `invalid` for what is no policy, or is one in JSON. */
export function formatPolicy(text: string): string {
  parsePolicy('', text)
  if (/^\s*\{/.test(text)) throw new Fault('invalid', 'a policy in JSON has no canonical form')
  const source = text.replaceAll('\r\n', '\n')
  const blocks = new Formatter(new Comments(source)).chunks(parseHcl(source).items, END, 0, false)
  return blocks.length === 0 ? '' : `${blocks.join('\n\n')}\n`
}

const END: Place = { line: Number.POSITIVE_INFINITY, column: 0 }

/** An item with the comments around it, ready to be put under others. */
interface Piece {
  readonly apart: readonly string[][]
  readonly lead: readonly string[]
  readonly head: string
  readonly assigned: boolean
  readonly value: string
  readonly note: string | undefined
  /** Where it was: its key's line. */
  readonly line: number
  /** `key {}` */
  readonly hollow: boolean
}

class Formatter {
  readonly #comments: Comments

  constructor(comments: Comments) {
    this.#comments = comments
  }

  /** What blank lines separate: comments that stand apart, and runs of items. `aligned` runs are of adjacent one-line items. */
  chunks(items: readonly HclItem[], end: Place, depth: number, aligned: boolean): string[] {
    const pieces = items.map((item, i) => this.#piece(item, items[i + 1]?.names[0] ?? end, depth))
    const rest = this.#comments.before(end)
    const chunks: string[] = []
    for (let i = 0; i < pieces.length; ) {
      let next = i + 1
      while (next < pieces.length && joins(pieces[next - 1] as Piece, pieces[next] as Piece, aligned)) next++
      chunks.push(...(pieces[i] as Piece).apart.map((group) => lines(group, depth)), run(pieces.slice(i, next), depth))
      i = next
    }
    return [...chunks, ...[...rest.apart, rest.lead].filter((group) => group.length > 0).map((group) => lines(group, depth))]
  }

  #piece({ names, assigned, value }: HclItem, next: Place, depth: number): Piece {
    const [key] = names as [HclItem['names'][number]]
    const { apart, lead } = this.#comments.before(key)
    const inner = this.#comments.before(value)
    const text = this.#value(value, depth)
    return {
      apart,
      lead: [...lead, ...inner.apart.flat(), ...inner.lead],
      head: names.map(({ raw }) => raw).join(' '),
      assigned,
      value: text,
      note: this.#comments.trailing(value.end.line, next),
      line: key.line,
      hollow: !assigned && text === '{}',
    }
  }

  #value(value: HclValue, depth: number): string {
    if (value.kind === 'body') return this.#body(value, depth)
    if (value.kind === 'list') return this.#list(value, depth)
    return value.raw.trimEnd()
  }

  #body({ items, end }: HclBody, depth: number): string {
    const chunks = this.chunks(items, end, depth + 1, true)
    return chunks.length === 0 ? '{}' : `{\n${chunks.join('\n\n')}\n${indent(depth)}}`
  }

  #list(list: HclList, depth: number): string {
    const { end, items } = list
    const literal = items.every(({ kind, line }) => kind === 'literal' && line === list.line)
    const heredoc = items.some(isHeredoc)
    if (literal && !heredoc && !this.#comments.anyBefore(end)) return `[${items.map((item) => this.#value(item, depth)).join(', ')}]`
    const rows = items.map((item, i) => this.#row(item, items[i + 1] ?? end, depth + 1))
    const widest = Math.max(0, ...rows.map(({ value }) => (value.includes('\n') ? 0 : value.length)))
    const rest = this.#comments.before(end)
    const body = rows.map(({ lead, value, note }, i) => {
      const comma = isHeredoc(items[i]) ? `\n${indent(depth + 1)},` : ','
      const text = `${indent(depth + 1)}${value}${comma}${note === undefined ? '' : ` ${' '.repeat(Math.max(0, widest - value.length))}${note}`}`
      const gap = i > 0 && (lead.length > 0 || (rows[i - 1]?.lead.length ?? 0) > 0) ? '\n' : ''
      return lead.length > 0 ? `${gap}${lines(lead, depth + 1)}\n${text}` : gap + text
    })
    const tail = [...rest.apart.flat(), ...rest.lead]
    return `[\n${[...body, ...(tail.length > 0 ? [lines(tail, depth + 1)] : [])].join('\n')}\n${indent(depth)}]`
  }

  #row(item: HclValue, next: Place, depth: number): { readonly lead: string[]; readonly value: string; readonly note: string | undefined } {
    const { apart, lead } = this.#comments.before(item)
    const value = this.#value(item, depth)
    return { lead: [...apart.flat(), ...lead], value, note: this.#comments.trailing(item.end.line, next) }
  }
}

function isHeredoc(value: HclValue | undefined): boolean {
  return value?.kind === 'literal' && value.raw.startsWith('<<')
}

/** At the top only empty blocks may follow one another without a blank line; within a block, one-line items that did. */
function joins(before: Piece, after: Piece, aligned: boolean): boolean {
  if (after.line !== before.line + 1 || after.apart.length > 0 || after.lead.length > 0) return false
  if (!aligned) return before.hollow && after.hollow && before.lead.length === 0
  return before.lead.length < 2 && !before.value.includes('\n') && !after.value.includes('\n')
}

function run(pieces: readonly Piece[], depth: number): string {
  const key = Math.max(...pieces.map(({ head, assigned }) => (assigned ? head.length : 0)))
  const value = Math.max(...pieces.map(({ value }) => value.length))
  return pieces.map((piece) => print(piece, depth, key, pieces.length > 1 ? value : 0)).join('\n')
}

function print({ lead, head, assigned, value, note }: Piece, depth: number, keyWidth: number, valueWidth: number): string {
  const text = assigned ? `${head.padEnd(keyWidth)} = ${value}` : `${head} ${value}`
  const padding = ' '.repeat(Math.max(0, valueWidth - value.length))
  const whole = indent(depth) + text + (note === undefined ? '' : ` ${padding}${note}`)
  return lead.length > 0 ? `${lines(lead, depth)}\n${whole}` : whole
}

function lines(texts: readonly string[], depth: number): string {
  return texts.map((text) => indent(depth) + text).join('\n')
}

function indent(depth: number): string {
  return '  '.repeat(depth)
}

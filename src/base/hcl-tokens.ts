// HCL 1 text as tokens, comments among them, each as it was written.
import { Cursor, faultAt, type Place } from './hcl-cursor.ts'

export type TokenKind = 'name' | 'bool' | 'number' | 'text' | 'heredoc' | 'comment' | 'end' | '{' | '}' | '[' | ']' | ',' | '='

export interface Token extends Place {
  readonly kind: TokenKind
  readonly raw: string
  readonly endLine: number
}

const SPACE = /[ \t\r\n]*/y
const NAME = /[\p{L}_][\p{L}\p{Nd}_.-]*/uy
const NUMBER = /-?(?:0[xX][0-9a-fA-F]+|\d+(?:\.\d*)?(?:[eE][+-]?\d+)?)|\.\d+(?:[eE][+-]?\d+)?/y
const COMMENT = /#[^\n]*|\/\/[^\n]*|\/\*[^]*?\*\//y
const MARK = /[{}[\],=]/y
const HEREDOC = /<<-?[\p{L}\p{Nd}_]+\n/uy
const INDENT = /^[ \t\v\f\r]*/
const ESCAPE = /\\(?:[abfnrtv\\"]|[0-7]{3}|x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8})/y

/** The next token, again and again; 'end' when there is none. Throws `invalid` for what is no token. */
export function scanHcl(text: string): () => Token {
  const cursor = new Cursor(text)
  return () => {
    cursor.take(SPACE)
    const place = cursor.place
    const start = cursor.at
    const kind = scanToken(cursor)
    const raw = text.slice(start, cursor.at)
    const endLine = kind === 'heredoc' ? cursor.place.line - Number(raw.endsWith('\n')) : cursor.place.line
    return { kind: kind === 'name' && (raw === 'true' || raw === 'false') ? 'bool' : kind, raw, ...place, endLine }
  }
}

function scanToken(cursor: Cursor): TokenKind {
  if (cursor.at === cursor.text.length) return 'end'
  if (cursor.take(NAME) !== undefined) return 'name'
  if (cursor.take(NUMBER) !== undefined) return 'number'
  if (cursor.take(COMMENT) !== undefined) return 'comment'
  const mark = cursor.take(MARK)
  if (mark !== undefined) return mark as TokenKind
  if (cursor.text[cursor.at] === '"') return scanText(cursor)
  if (cursor.text[cursor.at] === '<') return scanHeredoc(cursor)
  throw cursor.fault(cursor.text.startsWith('/*', cursor.at) ? 'comment not terminated' : 'illegal character')
}

/** Within `${…}`, which HCL leaves to others to interpolate, quotes and line breaks are part of the text. */
function scanText(cursor: Cursor): TokenKind {
  const { text } = cursor
  let braces = 0
  for (let i = cursor.at + 1; i < text.length; i++) {
    const char = text[i]
    if (char === '\\') i = endOfEscape(cursor, i) - 1
    else if (braces > 0) braces += char === '{' ? 1 : char === '}' ? -1 : 0
    else if (char === '\n') break
    else if (char === '"') {
      cursor.moveTo(i + 1)
      return 'text'
    } else if (char === '$' && text[i + 1] === '{') {
      braces = 1
      i++
    }
  }
  throw cursor.fault('literal not terminated')
}

function endOfEscape(cursor: Cursor, from: number): number {
  ESCAPE.lastIndex = from
  if (ESCAPE.test(cursor.text)) return ESCAPE.lastIndex
  cursor.moveTo(from)
  throw cursor.fault('illegal char escape')
}

/** Up to the first line that is the marker alone, however far that is indented. */
function scanHeredoc(cursor: Cursor): TokenKind {
  const { text, place } = cursor
  const head = cursor.take(HEREDOC)
  if (head === undefined) throw cursor.fault('invalid heredoc anchor')
  const marker = markerOf(head)
  for (let line = cursor.at; line < text.length; ) {
    const newline = text.indexOf('\n', line)
    const end = newline < 0 ? text.length : newline
    if (text.slice(line, end).replace(INDENT, '') === marker) {
      cursor.moveTo(Math.min(end + 1, text.length))
      return 'heredoc'
    }
    line = end + 1
  }
  throw faultAt(place, 'heredoc not terminated')
}

/** `EOF` of a heredoc that starts with `<<-EOF`. */
export function markerOf(heredoc: string): string {
  return heredoc.slice(heredoc.startsWith('<<-') ? 3 : 2, heredoc.indexOf('\n'))
}

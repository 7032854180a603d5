// What the literals of HCL 1 mean: quoted texts with escapes, heredocs, numbers.
import { faultAt, type Place } from './hcl-cursor.ts'
import { markerOf } from './hcl-tokens.ts'

const NAMED: Readonly<Record<string, string>> = { a: '\x07', b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v', '\\': '\\', '"': '"' }

/** A quoted text. What stands within `${…}` is kept as it is written, escapes included. */
export function textOf(raw: string, place: Place): string {
  const inner = raw.slice(1, -1)
  if (!inner.includes('\\')) return inner
  let value = ''
  let braces = 0
  for (let i = 0; i < inner.length; i++) {
    const char = inner[i] as string
    if (char === '\\' && braces === 0) {
      const escape = escapeAt(inner, i)
      value += unescape(escape, place)
      i += escape.length - 1
      continue
    }
    if (braces > 0) braces += char === '{' ? 1 : char === '}' ? -1 : 0
    else if (inner.startsWith('${', i)) {
      braces = 1
      value += char
      i++
    }
    value += inner[i]
  }
  return value
}

const ESCAPE = /\\(?:[0-7]{3}|x..|u.{4}|U.{8}|.)/y

function escapeAt(text: string, at: number): string {
  ESCAPE.lastIndex = at
  return (ESCAPE.exec(text) as RegExpExecArray)[0]
}

function unescape(escape: string, place: Place): string {
  const named = NAMED[escape.slice(1)]
  if (named !== undefined) return named
  const octal = /^\\[0-7]/.test(escape)
  const code = octal ? Number.parseInt(escape.slice(1), 8) : Number.parseInt(escape.slice(2), 16)
  // A single byte from 0x80 on is no text, nor is half a surrogate pair.
  const whole = octal || escape[1] === 'x' ? code < 0x80 : code <= 0x10ffff && !(code >= 0xd800 && code <= 0xdfff)
  if (!whole) throw faultAt(place, 'escape is not a character')
  return String.fromCodePoint(code)
}

/** The lines between the markers. `<<-` takes the indent of the closing marker off, if every line has it. */
export function heredocOf(raw: string): string {
  const body = raw.slice(raw.indexOf('\n') + 1, raw.lastIndexOf(markerOf(raw)))
  if (!raw.startsWith('<<-')) return body
  const lines = body.split('\n')
  const indent = lines.at(-1) as string
  if (!lines.every((line) => line.startsWith(indent))) return body.slice(0, body.length - indent.length)
  return lines.map((line) => line.slice(indent.length)).join('\n')
}

/** Decimal, hexadecimal (`0x1f`) or octal (`0655`) integers, and decimal fractions. */
export function numberOf(raw: string, place: Place): number {
  const [sign, digits] = raw.startsWith('-') ? [-1, raw.slice(1)] : [1, raw]
  const octal = /^0\d+$/.test(digits)
  if (octal && /[89]/.test(digits)) throw faultAt(place, 'illegal octal number')
  const value = sign * (octal ? Number.parseInt(digits, 8) : Number(digits))
  const exact = /[.eE]/.test(digits) && !/^0[xX]/.test(digits) ? Number.isFinite(value) : Number.isSafeInteger(value)
  if (!exact) throw faultAt(place, 'number out of range')
  return value === 0 ? 0 : value
}

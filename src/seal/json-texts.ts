// Takes the text of one member out of a JSON object's bytes and blanks it there, so that what is left may be parsed as usual.
import { wipeable } from '../crypto/wipeable.ts'

const QUOTE = 0x22
const BACKSLASH = 0x5c
const COLON = 0x3a
const BLANK = 0x2d
const OPEN = [0x7b, 0x5b]
const CLOSE = [0x7d, 0x5d]

export interface Taking {
  /** Every text that is no member's name is overwritten, not only those that are taken. */
  readonly all: boolean
  /** How deep the object lies whose members are meant: 1, the outermost, unless given. */
  readonly depth?: number
}

/**
 * The unescaped texts of the outermost object's members of that name (in any case), in order. They are overwritten in
 * place. Whether it is JSON at all is for the parser to say. The caller wipes
 * what it gets.
 */
export function takeTexts(json: Buffer, name: string, { all, depth: wantedDepth = 1 }: Taking): Buffer[] {
  const taken: Buffer[] = []
  let depth = 0
  let member = ''
  for (let i = 0; i < json.length; i++) {
    const byte = json[i] as number
    if (OPEN.includes(byte)) depth++
    else if (CLOSE.includes(byte)) depth--
    else if (byte === QUOTE) {
      const end = endOfText(json, i + 1)
      const text = json.subarray(i + 1, end)
      if (isName(json, end + 1)) member = depth === wantedDepth ? nameOf(text) : member
      else {
        const wanted = depth === wantedDepth && member === name
        if (wanted) taken.push(unescaped(text))
        if (wanted || all) text.fill(BLANK)
      }
      i = end
    }
  }
  return taken
}

/** Where the closing quote is, or the end of all. */
function endOfText(json: Buffer, from: number): number {
  let i = from
  while (i < json.length && json[i] !== QUOTE) i += json[i] === BACKSLASH ? 2 : 1
  return Math.min(i, json.length)
}

function isName(json: Buffer, from: number): boolean {
  let i = from
  while (json[i] === 0x20 || json[i] === 0x09 || json[i] === 0x0a || json[i] === 0x0d) i++
  return json[i] === COLON
}

function nameOf(text: Buffer): string {
  try {
    return JSON.parse(`"${text}"`).toLowerCase()
  } catch {
    return ''
  }
}

/** Undoes `\/` and `\u00xx`, which some printers write for the letters of base64; any other escape stays and fits no key. */
function unescaped(text: Buffer): Buffer {
  const plain = wipeable(text.length)
  let end = 0
  for (let i = 0; i < text.length; i++) {
    const next = text[i] === BACKSLASH ? text[i + 1] : undefined
    const code = next === 0x75 ? Number(`0x${text.toString('latin1', i + 2, i + 6)}`) : Number.NaN
    if (next === 0x2f) plain[end++] = text[++i] as number
    else if (code < 0x80) {
      plain[end++] = code
      i += 5
    } else plain[end++] = text[i] as number
  }
  return plain.subarray(0, end)
}

// JSON without loss: a number that a double can't hold keeps its text, so that what was stored comes back as it was sent.
import { Fault } from './fault.ts'

/** A number kept as its source text (`1.0`, `9007199254740993`, `1e400`); `JSON.stringify` prints it unchanged. */
export interface RawNumber {
  readonly rawJSON: string
}

export type Json = null | boolean | number | string | RawNumber | Json[] | JsonObject
export interface JsonObject {
  [key: string]: Json
}

/** Bounds that are checked on the bytes, before anything is allocated. */
export interface JsonLimits {
  /** Nesting of arrays and objects. */
  readonly depth: number
  /** Values and keys in all. */
  readonly values: number
  /** Bytes of one string, as written. */
  readonly stringBytes: number
}

export const JSON_LIMITS: JsonLimits = { depth: 300, values: 100_000, stringBytes: 1 << 20 }

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
const { rawJSON, isRawJSON } = JSON as unknown as { rawJSON(text: string): RawNumber; isRawJSON(value: unknown): value is RawNumber }

export { isRawJSON as isRawNumber }

/** Parses UTF-8 JSON (RFC 8259). Of duplicate keys the last wins. Throws `invalid`, or `too-large` past a limit. */
export function parseJson(bytes: Uint8Array, limits: JsonLimits = JSON_LIMITS): Json {
  const lossy = scanJson(bytes, limits)
  try {
    const text = utf8.decode(bytes)
    return lossy ? JSON.parse(text, keepNumber) : JSON.parse(text)
  } catch (error) {
    throw new Fault('invalid', `failed to parse JSON input: ${error instanceof SyntaxError ? 'invalid JSON' : 'invalid UTF-8'}`)
  }
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !isRawJSON(value)
}

function keepNumber(_key: string, value: unknown, context?: { source?: string }): unknown {
  const source = context?.source
  return typeof value === 'number' && source !== undefined && String(value) !== source ? rawJSON(source) : value
}

const QUOTE = 0x22
const BACKSLASH = 0x5c
const SHORT = 32

/** Walks the bytes once: enforces the limits, and tells whether any number might not survive `JSON.parse`. */
export function scanJson(bytes: Uint8Array, limits: JsonLimits): boolean {
  let depth = 0
  let values = 0
  let lossy = false
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i] as number
    if (byte === QUOTE) {
      const end = endOfString(bytes, i + 1)
      if (end - i - 1 > limits.stringBytes) throw new Fault('too-large', `JSON string is longer than ${limits.stringBytes} bytes`)
      i = end
      values++
    } else if (byte === 0x7b || byte === 0x5b) {
      if (++depth > limits.depth) throw new Fault('invalid', `JSON is nested deeper than ${limits.depth} levels`)
      values++
    } else if (byte === 0x7d || byte === 0x5d) depth--
    else if (byte === 0x2d || (byte >= 0x30 && byte <= 0x39)) {
      const end = endOfNumber(bytes, i + 1)
      lossy ||= end - i > 15 || !isPlainInteger(bytes, i, end)
      i = end - 1
      values++
    } else if (byte === 0x74 || byte === 0x66 || byte === 0x6e) values++ // true, false, null: no other letter of theirs is one of these
    if (values > limits.values) throw new Fault('too-large', `JSON has more than ${limits.values} values`)
  }
  return lossy
}

/** The closing quote, or the end of the bytes where there is none. Short strings are walked, which costs less than a search. */
function endOfString(bytes: Uint8Array, from: number): number {
  const near = Math.min(from + SHORT, bytes.length)
  for (let i = from; i < near; i++) {
    if (bytes[i] === BACKSLASH) i++
    else if (bytes[i] === QUOTE) return i
  }
  return searchEnd(bytes, from)
}

function searchEnd(bytes: Uint8Array, from: number): number {
  for (let i = from; ; ) {
    const quote = bytes.indexOf(QUOTE, i)
    if (quote < 0) return bytes.length
    let escapes = 0
    while (quote - 1 - escapes >= from && bytes[quote - 1 - escapes] === BACKSLASH) escapes++
    if (escapes % 2 === 0) return quote
    i = quote + 1
  }
}

/** Digits, sign, point and exponent; what is malformed is left for the parser to refuse. */
function endOfNumber(bytes: Uint8Array, from: number): number {
  let i = from
  for (; i < bytes.length; i++) {
    const byte = bytes[i] as number
    const inNumber = (byte >= 0x30 && byte <= 0x39) || byte === 0x2e || byte === 0x2b || byte === 0x2d || byte === 0x65 || byte === 0x45
    if (!inNumber) break
  }
  return i
}

/** True for what prints back to the same text: `0`, `12`, `-3`, but not `-0`, `1.0` or `1e3`. */
function isPlainInteger(bytes: Uint8Array, from: number, end: number): boolean {
  const first = bytes[from] === 0x2d ? from + 1 : from
  for (let i = first; i < end; i++) if ((bytes[i] as number) < 0x30 || (bytes[i] as number) > 0x39) return false
  return !(bytes[from] === 0x2d && bytes[first] === 0x30)
}

// Hex and base64 (RFC 4648) from bytes to bytes, for secrets that must never become a string; no table is indexed by a secret.
import { wipeable } from './wipeable.ts'

const EQUALS = 0x3d

/** Writes lower-case hex; returns the offset after it. */
export function writeHex(target: Buffer, at: number, bytes: Uint8Array): number {
  let end = at
  for (const byte of bytes) {
    target[end++] = hexDigit(byte >> 4)
    target[end++] = hexDigit(byte & 15)
  }
  return end
}

/** Writes padded base64; returns the offset after it. */
export function writeBase64(target: Buffer, at: number, bytes: Uint8Array): number {
  let end = at
  for (let i = 0; i < bytes.length; i += 3) {
    const [a, b = 0, c = 0] = bytes.subarray(i, i + 3) as unknown as [number, number?, number?]
    const left = bytes.length - i
    target[end++] = base64Letter(a >> 2)
    target[end++] = base64Letter(((a & 3) << 4) | (b >> 4))
    target[end++] = left > 1 ? base64Letter(((b & 15) << 2) | (c >> 6)) : EQUALS
    target[end++] = left > 2 ? base64Letter(c & 63) : EQUALS
  }
  return end
}

/** Undefined for what isn't hex. */
export function readHex(text: Uint8Array): Buffer | undefined {
  if (text.length % 2 !== 0) return undefined
  const bytes = wipeable(text.length / 2)
  for (let i = 0; i < bytes.length; i++) {
    const value = (hexValue(text[2 * i] as number) << 4) | hexValue(text[2 * i + 1] as number)
    if (value < 0) return wiped(bytes)
    bytes[i] = value
  }
  return bytes
}

/** Undefined for what isn't padded base64 of the standard alphabet. */
export function readBase64(text: Uint8Array): Buffer | undefined {
  if (text.length % 4 !== 0) return undefined
  const padding = text.at(-1) !== EQUALS ? 0 : text.at(-2) !== EQUALS ? 1 : 2
  const bytes = wipeable((text.length / 4) * 3 - padding)
  let held = 0
  let end = 0
  for (let i = 0; i < text.length - padding; i++) {
    const value = base64Value(text[i] as number)
    if (value < 0) return wiped(bytes)
    held = ((held << 6) | value) & 0xffff
    const spare = (6 * (i + 1)) % 8
    if (i % 4 !== 0) bytes[end++] = held >> spare
  }
  return bytes
}

function wiped(bytes: Buffer): undefined {
  bytes.fill(0)
}

function hexDigit(value: number): number {
  return value < 10 ? 0x30 + value : 0x57 + value
}

function hexValue(digit: number): number {
  if (digit >= 0x30 && digit <= 0x39) return digit - 0x30
  const lower = digit | 0x20
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1
}

function base64Letter(value: number): number {
  if (value < 26) return 0x41 + value
  if (value < 52) return 0x47 + value
  if (value < 62) return value - 4
  return value === 62 ? 0x2b : 0x2f
}

function base64Value(letter: number): number {
  if (letter >= 0x41 && letter <= 0x5a) return letter - 0x41
  if (letter >= 0x61 && letter <= 0x7a) return letter - 0x47
  if (letter >= 0x30 && letter <= 0x39) return letter + 4
  return letter === 0x2b ? 62 : letter === 0x2f ? 63 : -1
}

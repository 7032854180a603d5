// Key shares on the wire: read from and printed to JSON as bytes, so that no share ever becomes a string.
import { Fault } from '../base/fault.ts'
import { isObject, type Json, type JsonObject, parseJson } from '../base/json.ts'
import { readBase64, readHex, writeBase64, writeHex } from '../crypto/byte-text.ts'
import { SHARE_OVERHEAD } from '../crypto/shamir.ts'
import { wipeable } from '../crypto/wipeable.ts'
import { takeTexts } from './json-texts.ts'
import { KEY_BYTES } from './keyring.ts'

export interface UnsealBody {
  readonly key?: Buffer
  readonly reset: boolean
  readonly migrate: boolean
}

/** Lengths at which hex is taken for hex: a text of another length that happens to be hex is base64, as Vault reads it. */
const HEX_BYTES = { min: KEY_BYTES / 2, max: KEY_BYTES + SHARE_OVERHEAD }

/**
 * Reads the body of sys/unseal and blanks its texts in place. Member names are taken in any case, the last of several wins.
 * The key is absent where `reset` is set; the caller wipes it. Throws `invalid`.
 */
export function parseUnsealBody(body: Buffer): UnsealBody {
  const texts = takeTexts(body, 'key', { all: true })
  try {
    const { key, reset, migrate } = membersOf(body)
    const flags = { reset: toFlag('reset', reset), migrate: toFlag('migrate', migrate) }
    if (flags.reset) return flags
    if (key === undefined || key === null || key === '') {
      throw new Fault('invalid', "'key' must be specified in request body as JSON, or 'reset' set to true")
    }
    return { key: toKey(typeof key === 'string' ? texts.at(-1) : undefined), ...flags }
  } finally {
    for (const text of texts) text.fill(0)
  }
}

export interface ShareBody {
  /** The caller wipes it. Undefined where none was sent. */
  readonly key: Buffer | undefined
  /** The other members, their names in lower case. */
  readonly members: JsonObject
}

/** Reads a body that may have a key share as `key`, and blanks that in place. Throws `invalid`. */
export function parseShareBody(body: Buffer): ShareBody {
  const texts = takeTexts(body, 'key', { all: false })
  try {
    const { key, ...members } = membersOf(body)
    const none = key === undefined || key === null || key === ''
    return { key: none ? undefined : toKey(typeof key === 'string' ? texts.at(-1) : undefined), members }
  } finally {
    for (const text of texts) text.fill(0)
  }
}

function membersOf(body: Buffer): JsonObject {
  const members = isBlank(body) ? {} : parseJson(body)
  if (!isObject(members)) throw new Fault('invalid', 'failed to parse JSON input: expected an object')
  return Object.fromEntries(Object.entries(members).map(([name, value]) => [name.toLowerCase(), value]))
}

/** A JSON object whose first members are lists of shares in hex and base64, in one buffer that the caller wipes; the shares stay its own. */
export function printShares(lists: Readonly<Record<string, readonly Buffer[]>>, members: JsonObject): Buffer {
  const rest = Object.entries(members).map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`)
  const tail = Buffer.from(`${rest.length > 0 ? `,${rest.join()}` : ''}}\n`)
  const all = Object.values(lists).flat()
  const names = Object.keys(lists).reduce((sum, name) => sum + 2 * name.length + 32, 0)
  const room = all.reduce((sum, share) => sum + 2 * share.length + 4 * Math.ceil(share.length / 3) + 6, 0)
  const out = wipeable(room + names + tail.length)
  let end = 0
  for (const [index, [name, shares]] of Object.entries(lists).entries()) {
    end += out.write(`${index === 0 ? '{' : ','}"${name}":[`, end)
    end = writeList(out, end, shares, writeHex)
    end += out.write(`],"${name}_base64":[`, end)
    end = writeList(out, end, shares, writeBase64)
    end += out.write(']', end)
  }
  end += tail.copy(out, end)
  return out.subarray(0, end)
}

function writeList(out: Buffer, at: number, shares: readonly Buffer[], write: typeof writeHex): number {
  let end = at
  for (const [index, share] of shares.entries()) {
    end += out.write(index === 0 ? '"' : ',"', end)
    end = write(out, end, share)
    end += out.write('"', end)
  }
  return end
}

function toKey(text: Buffer | undefined): Buffer {
  const hex = text && readHex(text)
  if (hex && hex.length >= HEX_BYTES.min && hex.length <= HEX_BYTES.max) return hex
  hex?.fill(0)
  const key = text && readBase64(text)
  if (!key) throw new Fault('invalid', "'key' must be a valid hex or base64 string")
  return key
}

function toFlag(name: string, value: Json | undefined): boolean {
  if (value === undefined || value === null) return false
  if (typeof value !== 'boolean') throw new Fault('invalid', `failed to parse JSON input: '${name}' must be a boolean`)
  return value
}

function isBlank(body: Buffer): boolean {
  return body.every((byte) => byte === 0x20 || byte === 0x09 || byte === 0x0a || byte === 0x0d)
}

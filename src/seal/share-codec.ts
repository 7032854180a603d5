// Key shares on the wire: read from and printed to JSON as bytes, so that no share ever becomes a string.
import { Fault } from '../base/fault.ts'
import { isObject, type Json, parseJson } from '../base/json.ts'
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
  const texts = takeTexts(body, 'key')
  try {
    const members = isBlank(body) ? {} : parseJson(body)
    if (!isObject(members)) throw new Fault('invalid', 'failed to parse JSON input: expected an object')
    const { key, reset, migrate } = Object.fromEntries(Object.entries(members).map(([name, value]) => [name.toLowerCase(), value]))
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

/** The body of sys/init's answer, in one buffer that the caller wipes; the shares stay the caller's too. */
export function printInitReply(shares: readonly Buffer[], rootToken: string): Buffer {
  const tail = Buffer.from(`],"root_token":${JSON.stringify(rootToken)}}\n`)
  const room = shares.reduce((sum, share) => sum + 2 * share.length + 4 * Math.ceil(share.length / 3) + 6, 0)
  const out = wipeable(room + tail.length + 64)
  let end = out.write('{"keys":[', 0)
  end = writeList(out, end, shares, writeHex)
  end += out.write('],"keys_base64":[', end)
  end = writeList(out, end, shares, writeBase64)
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

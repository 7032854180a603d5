// The metadata of a secret ID as clients send it in one text: JSON, `key=value` pairs, or either in base64.
import { Fault } from '../../base/fault.ts'
import { isObject, parseJson } from '../../base/json.ts'

type Metadata = Record<string, string>

const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/

/** Throws `invalid`. @example parseMetadata('{"team":"web"}') // { team: 'web' } */
export function parseMetadata(raw: string): Metadata {
  const text = raw.trim()
  const plain = BASE64.test(text) ? Buffer.from(text, 'base64') : Buffer.from(text)
  const metadata = fromJson(plain) ?? fromPairs(plain.toString())
  for (const [key, value] of Object.entries(metadata)) {
    if (key !== '' && value === '') throw invalid(`invalid value for key ${JSON.stringify(key)}`)
  }
  return metadata
}

function fromJson(bytes: Uint8Array): Metadata | undefined {
  const value = tryParse(bytes)
  if (!isObject(value)) return undefined
  return Object.values(value).every((one) => typeof one === 'string') ? (value as Metadata) : undefined
}

function tryParse(bytes: Uint8Array): unknown {
  try {
    return parseJson(bytes)
  } catch {
    return undefined
  }
}

/** Pairs are lower-cased whole, as Vault always did. */
function fromPairs(text: string): Metadata {
  const items = text
    .toLowerCase()
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '')
  return Object.fromEntries(items.map(toPair))
}

function toPair(item: string): [string, string] {
  const [key = '', value = '', ...rest] = item.split('=').map((part) => part.trim())
  if (rest.length > 0 || !item.includes('=')) throw invalid('failed to parse the input: invalid <key,value> format')
  if (key === '' || value === '') {
    throw invalid(`failed to parse the input: invalid <key,value> pair: key: ${JSON.stringify(key)} value: ${JSON.stringify(value)}`)
  }
  return [key, value]
}

function invalid(cause: string): Fault {
  return new Fault('invalid', `failed to parse metadata: ${cause}`)
}

// What a snapshot is: a gzipped tar of the store's records in parts, what it is a snapshot of, and the checksums of both.
import { isObject, type JsonObject, parseJson } from '../base/json.ts'
import { type Key, MAX_KEY_BYTES, MAX_VALUE_BYTES } from '../store/store.ts'
import { broken } from './tar.ts'

export const FORMAT = 1
export const META = 'meta.json'
export const SUMS = 'SHA256SUMS'
/** The checksums under the barrier: proof that whoever made the snapshot held its keys. */
export const SEALED_SUMS = 'SHA256SUMS.sealed'
/** What the sealed checksums are bound to, as a record is to its key. */
export const SUMS_PLACE = 'snapshot/SHA256SUMS'

/** From this size on a part is full; one more record may make it larger. */
export const PART_BYTES = 1 << 20
export const FILE_BYTES = PART_BYTES + MAX_VALUE_BYTES + MAX_KEY_BYTES + 8

export const partName = (n: number): string => (n === 0 ? 'state.bin' : `state.bin.${n}`)

/** What a snapshot says of itself; the fields of Vault's own, and ours. */
export interface SnapshotMeta {
  readonly Version: 1
  readonly ID: string
  /** The revision that it shows. */
  readonly Index: number
  readonly Term: 1
  readonly Signet: {
    readonly format: typeof FORMAT
    /** RFC 3339. */
    readonly taken: string
    readonly version: string
  }
}

export function parseMeta(content: Buffer): SnapshotMeta {
  const meta = parseJson(content)
  const own = isObject(meta) ? meta['Signet'] : undefined
  if (!isObject(meta) || !isObject(own)) throw broken('it was not made by Signet')
  if (own['format'] !== FORMAT) throw broken(`it is of format ${String(own['format'])}; this version reads format ${FORMAT}`)
  if (!Number.isSafeInteger(meta['Index']) || typeof own['taken'] !== 'string' || typeof own['version'] !== 'string')
    throw broken(`${META} is not as it should be`)
  return meta as JsonObject & SnapshotMeta
}

/** `<hex>  <name>`, a line each, as sha256sum writes and checks them. */
export function printSums(sums: ReadonlyMap<string, string>): Buffer {
  return Buffer.from([...sums].map(([name, sum]) => `${sum}  ${name}\n`).join(''))
}

export function parseSums(content: Buffer): Map<string, string> {
  const lines = content.toString('latin1').split('\n').slice(0, -1)
  const pairs = lines.map((line) => /^([0-9a-f]{64}) {2}(\S+)$/.exec(line))
  if (pairs.some((pair) => pair === null)) throw broken(`${SUMS} is not as it should be`)
  return new Map(pairs.map((pair) => [pair?.[2] as string, pair?.[1] as string]))
}

/** A key with its value, or with none where it was removed after an earlier record of it. */
export interface SnapshotRecord {
  readonly key: Key
  readonly value: Buffer | undefined
}

const REMOVED = 0xffff_ffff

export function encodeRecord({ key, value }: SnapshotRecord): Buffer {
  const name = Buffer.from(key)
  const lengths = Buffer.alloc(8)
  lengths.writeUInt32BE(name.length, 0)
  lengths.writeUInt32BE(value ? value.length : REMOVED, 4)
  return Buffer.concat(value ? [lengths, name, value] : [lengths, name])
}

export function* decodeRecords(part: Buffer): Generator<SnapshotRecord> {
  for (let at = 0; at < part.length; ) {
    if (at + 8 > part.length) throw broken('a record is cut short')
    const [keyBytes, valueBytes] = [part.readUInt32BE(at), part.readUInt32BE(at + 4)]
    const size = valueBytes === REMOVED ? 0 : valueBytes
    const keyEnd = at + 8 + keyBytes
    if (keyBytes === 0 || keyBytes > MAX_KEY_BYTES || size > MAX_VALUE_BYTES || keyEnd + size > part.length) throw broken('a record is cut short')
    const key = part.toString('utf8', at + 8, keyEnd)
    yield { key, value: valueBytes === REMOVED ? undefined : part.subarray(keyEnd, keyEnd + size) }
    at = keyEnd + size
  }
}

// Reading a snapshot: its records as they pass, and at the end whether it was whole and what it says of itself.
import { createHash } from 'node:crypto'
import {
  FILE_BYTES,
  decodeRecords,
  META,
  parseMeta,
  parseSums,
  partName,
  SEALED_SUMS,
  type SnapshotMeta,
  type SnapshotRecord,
  SUMS,
} from './format.ts'
import { gunzipped } from './gzip.ts'
import { broken, readTar } from './tar.ts'

export interface ReadSnapshot {
  readonly meta: SnapshotMeta
  /** The checksums as they stand in the snapshot, and as they were sealed. */
  readonly sums: Buffer
  readonly sealedSums: Buffer
  readonly parts: number
}

/**
 * Hands over the records of each part, in order, and resolves when the checksums of all have been compared.
 * Until then nothing of what was handed over may count. Throws `invalid` for whatever is not a whole snapshot.
 */
export async function readSnapshot(
  source: AsyncIterable<Uint8Array>,
  take: (records: readonly SnapshotRecord[]) => Promise<void>,
): Promise<ReadSnapshot> {
  const found = new Map<string, string>()
  const rest = new Map<string, Buffer>()
  let parts = 0
  for await (const { name, content } of readTar(gunzipped(source), FILE_BYTES)) {
    if (found.has(name) || rest.has(name)) throw broken(`${JSON.stringify(name)} is in it twice`)
    if (name === partName(parts)) {
      parts++
      await take([...decodeRecords(content)])
    } else if (name !== META && name !== SUMS && name !== SEALED_SUMS) throw broken(`unexpected file ${JSON.stringify(name)}`)
    else rest.set(name, Buffer.from(content))
    if (name !== SUMS && name !== SEALED_SUMS) found.set(name, createHash('sha256').update(content).digest('hex'))
  }
  const [meta, sums, sealedSums] = [META, SUMS, SEALED_SUMS].map((name) => rest.get(name))
  if (!meta || !sums || !sealedSums || parts === 0) throw broken('a file is missing from it')
  checkSums(parseSums(sums), found)
  return { meta: parseMeta(meta), sums, sealedSums, parts }
}

function checkSums(claimed: ReadonlyMap<string, string>, found: ReadonlyMap<string, string>): void {
  for (const name of new Set([...claimed.keys(), ...found.keys()])) {
    if (claimed.get(name) !== found.get(name)) throw broken(`the checksum of ${name} does not match`)
  }
}

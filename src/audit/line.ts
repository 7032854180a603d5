// What a written line says of its place in a chain, read back from its bytes.
import type { Head, Occasion } from './chain.ts'

export interface Link {
  readonly id: string
  readonly seq: number
  readonly prev: string
  /** Set for a checkpoint. */
  readonly checkpoint: Checkpoint | undefined
}

export interface Checkpoint {
  readonly occasion: Occasion
  readonly device: string
  readonly others: readonly Head[]
  /** Hash of a half line that was found before it. */
  readonly torn: string | undefined
  readonly keyId: string
  readonly signature: string
  /** Bytes of the line that are signed, from its start. */
  readonly signedBytes: number
}

const START = Buffer.from(',"chain":{"id":"')
const ID = '"id":"([0-9A-Za-z]{1,64})"'
const SEQ = '"seq":([1-9]\\d{0,14})'
const PLAIN = new RegExp(`^,"chain":\\{${ID},${SEQ},"prev":"([\\w-]{43}|)"(\\}\\}$|,)`)
const TEXT = String.raw`"(?:[ !#-[\]-\uffff]|\\(?:["\\/bfnrt]|u[\dA-Fa-f]{4}))*"`
const SIGNED = new RegExp(
  String.raw`^"occasion":"(open|reopen|mend|mark|end)","device":(${TEXT}),"others":(\[[^\]]*\])(?:,"torn":"([\w-]{43})")?,"key":"([\w-]{16})","sig":"([\w-]{86})"\}\}$`,
)
const SIGNATURE_BYTES = ',"sig":"'.length + 86 + '"}}'.length

/** Undefined for what no chain wrote like this. `line` comes without its end. */
export function readLink(line: Buffer): Link | undefined {
  const at = line.lastIndexOf(START)
  if (at < 0) return undefined
  const text = line.toString('utf8', at)
  const [whole = '', id = '', seq = '', prev = '', end] = PLAIN.exec(text) ?? []
  if (end === undefined) return undefined
  const checkpoint = end === ',' ? readCheckpoint(text.slice(whole.length), line.length) : undefined
  return end === ',' && !checkpoint ? undefined : { id, seq: Number(seq), prev, checkpoint }
}

function readCheckpoint(text: string, lineBytes: number): Checkpoint | undefined {
  const [, occasion, device = '', others = '', torn, keyId = '', signature = ''] = SIGNED.exec(text) ?? []
  if (occasion === undefined) return undefined
  const heads = readHeads(others)
  const signedBytes = lineBytes - SIGNATURE_BYTES
  return heads && { occasion: occasion as Occasion, device: JSON.parse(device) as string, others: heads, torn, keyId, signature, signedBytes }
}

function readHeads(text: string): Head[] | undefined {
  const parts = new RegExp(`^\\{${ID},${SEQ},"hash":"([\\w-]{43})"\\}$`)
  const heads = text === '[]' ? [] : text.slice(1, -1).split(/(?<=\}),/)
  const read = heads.map((one) => parts.exec(one))
  if (read.includes(null)) return undefined
  return read.map((found) => ({ id: found?.[1] ?? '', seq: Number(found?.[2]), hash: found?.[3] ?? '' }))
}

// The chain that ties the lines of one process on one device together: each line names its place and the hash of the one before.
import { hash, type KeyObject } from 'node:crypto'
import { formatTime } from '../base/duration.ts'
import { signText } from '../crypto/signature.ts'

/** How far a chain had come: the number and hash of a line. */
export interface Head {
  readonly id: string
  readonly seq: number
  /** SHA-256 of the line without its end, in base64url; '' before the first line. */
  readonly hash: string
}

/**
 * Why a checkpoint stands where it does: a chain or a file begins, a half line was found before it, time has passed, or the
 * chain ends in good order.
 */
export type Occasion = 'open' | 'reopen' | 'mend' | 'mark' | 'end'

export interface Signer {
  readonly key: KeyObject
  /** Names the key, so that it could be changed one day. */
  readonly keyId: string
}

export interface CheckpointFacts {
  readonly occasion: Occasion
  /** Path of the device. */
  readonly device: string
  /** What is known of the device's chains, this one left out: none can have ended sooner. */
  readonly others: readonly Head[]
  /** Hash of the half line that was found before it. */
  readonly torn?: string
  /** Wall milliseconds. */
  readonly now: number
}

/** What is signed starts with it, so that the signature means nothing elsewhere. */
export const SIGNED_AS = 'signet audit checkpoint 1\n'

export interface Chain {
  readonly head: Head
  /** The record, which is a JSON object, as the chain's next line, with its end. */
  link(record: string): Buffer
  checkpoint(facts: CheckpointFacts): Buffer
  /** Forgets the lines after `head`: they were not written. */
  back(head: Head): void
}

export function openChain(id: string, { key, keyId }: Signer): Chain {
  let head: Head = { id, seq: 0, hash: '' }

  /** `object` is a JSON object, or one that still lacks its end. */
  function place(object: string): string {
    return `${object},"chain":{"id":"${id}","seq":${head.seq + 1},"prev":"${head.hash}"`
  }

  function advance(line: string): Buffer {
    const bytes = Buffer.from(line)
    head = { id, seq: head.seq + 1, hash: lineHash(bytes.subarray(0, -1)) }
    return bytes
  }

  return {
    get head() {
      return head
    },
    link: (record) => advance(`${place(record.slice(0, -1))}}}\n`),
    checkpoint({ occasion, device, others, torn, now }) {
      const mended = torn === undefined ? '' : `,"torn":"${torn}"`
      const facts = `,"occasion":"${occasion}","device":${JSON.stringify(device)},"others":${headsText(others)}${mended},"key":"${keyId}"`
      const signed = `${place(`{"time":"${formatTime(now)}","type":"checkpoint"`)}${facts}`
      return advance(`${signed},"sig":"${signText(key, SIGNED_AS + signed)}"}}\n`)
    },
    back(to) {
      head = to
    },
  }
}

function headsText(heads: readonly Head[]): string {
  return JSON.stringify(heads.map(({ id, seq, hash }) => ({ id, seq, hash })))
}

/** `line` comes without its end. */
export function lineHash(line: Uint8Array): string {
  return hash('sha256', line, 'base64url')
}

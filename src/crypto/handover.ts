// Handing secret bytes to another process: sealed to a key that the receiver makes for the occasion, so that whatever
// copies the way in between leaves in memory tell nothing once both ends have dropped their halves.
import { createPublicKey, diffieHellman, generateKeyPairSync, hkdfSync, type KeyObject } from 'node:crypto'
import { gcmOpen, gcmSeal, NONCE_BYTES, TAG_BYTES } from './gcm.ts'

/** The receiver's side, made for one occasion. */
export interface Handover {
  /** For the sender; no secret. */
  readonly publicKey: Buffer
  /** The bytes, which the caller wipes. Throws for what was not sealed to this key. */
  open(sealed: Uint8Array): Buffer
}

/** Each sealing has a key of its own, so the nonce may be the same for all. */
const NONCE = Buffer.alloc(NONCE_BYTES)
const NO_AAD = Buffer.alloc(0)

export function openHandover(): Handover {
  const own = generateKeyPairSync('x25519')
  const publicKey = encode(own.publicKey)
  return {
    publicKey,
    open(sealed) {
      const bytes = Buffer.from(sealed.buffer, sealed.byteOffset, sealed.length)
      const sender = bytes.subarray(0, publicKey.length)
      const key = agree(own.privateKey, decode(sender), [sender, publicKey])
      try {
        const opened = gcmOpen(key, NONCE, bytes.subarray(publicKey.length), NO_AAD)
        if (!opened) throw new Error('bytes were sealed to another key')
        return opened
      } finally {
        key.fill(0)
      }
    },
  }
}

/** The sender's side. */
export function handOver(publicKey: Uint8Array, bytes: Uint8Array): Buffer {
  const own = generateKeyPairSync('x25519')
  const sender = encode(own.publicKey)
  const receiver = Buffer.from(publicKey)
  const key = agree(own.privateKey, decode(receiver), [sender, receiver])
  const sealed = Buffer.alloc(sender.length + bytes.length + TAG_BYTES)
  sealed.set(sender)
  gcmSeal(key, NONCE, bytes, NO_AAD, sealed, sender.length)
  key.fill(0)
  return sealed
}

function agree(privateKey: KeyObject, publicKey: KeyObject, transcript: readonly Buffer[]): Buffer {
  const shared = diffieHellman({ privateKey, publicKey })
  try {
    return Buffer.from(hkdfSync('sha256', shared, Buffer.concat(transcript), 'signet handover', 32))
  } finally {
    shared.fill(0)
  }
}

function encode(key: KeyObject): Buffer {
  return key.export({ format: 'der', type: 'spki' })
}

function decode(key: Buffer): KeyObject {
  return createPublicKey({ key, format: 'der', type: 'spki' })
}

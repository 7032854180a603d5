// Shamir's secret sharing over GF(2^8) in Vault's layout: a share is one y byte for each byte of the secret, then its x.
import { combine, split } from 'shamir-secret-sharing'
import type { Random } from '../base/ports.ts'
import { OFF_HEAP_BYTES, wipeable, wipeableCopy } from './wipeable.ts'

/** How much longer a share is than the secret, unless it is the only one: that is the secret itself. */
export const SHARE_OVERHEAD = 1

/**
 * Any `threshold` (2 … shares) of the `shares` (2 … 255) give the secret back; fewer tell nothing. A sole share is a copy.
 * The caller wipes what it gets.
 */
export async function splitSecret(secret: Uint8Array, shares: number, threshold: number, random: Random): Promise<Buffer[]> {
  if (shares === 1) return [wipeableCopy(secret)]
  const mask = newMask(secret.length, random)
  const parts = await split(plain(masked(secret, mask)), shares, threshold)
  return unmasked(parts, mask)
}

/**
 * The secret, if the shares belong together and are enough; otherwise bytes that mean nothing, so check them against something.
 * Throws an Error for shares that can't be of one split.
 */
export async function combineShares(shares: readonly Uint8Array[], random: Random): Promise<Buffer> {
  const [first] = shares
  if (!first) throw new Error('no parts')
  if (shares.length === 1) return wipeableCopy(first)
  const xs = new Set(shares.map((share) => share.at(-1)))
  // x = 0 is the secret's own place: such a share was never given out, and would decide the result alone.
  if (xs.has(0)) throw new Error('part without an x coordinate')
  if (xs.size < shares.length) throw new Error('duplicate part detected')
  const mask = newMask(first.length - SHARE_OVERHEAD, random)
  const secret = await combine(shares.map((share) => plain(masked(share, mask))))
  return unmasked([secret], mask)[0] as Buffer
}

// The library looks bytes up in tables, and leaves its arrays where they can't be wiped. So it only ever sees masked bytes: the
// shares of `secret XOR mask` are the shares of `secret`, each XOR mask, for a polynomial plus a constant takes it on everywhere.

function newMask(size: number, random: Random): Buffer {
  return random.bytes(Math.max(size, OFF_HEAP_BYTES)).subarray(0, size)
}

/** What is longer than the mask, the x of a share, stays. */
function masked(bytes: Uint8Array, mask: Uint8Array): Buffer {
  const result = wipeable(bytes.length)
  for (let i = 0; i < bytes.length; i++) result[i] = (bytes[i] as number) ^ (mask[i] ?? 0)
  return result
}

function unmasked(results: readonly Uint8Array[], mask: Buffer): Buffer[] {
  const clear = results.map((result) => masked(result, mask))
  mask.fill(0)
  return clear
}

/** The library refuses subclasses such as Buffer; this is the same memory without one. */
function plain(bytes: Buffer): Uint8Array {
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length)
}

// Request ids: UUIDs of version 4 (RFC 9562 §5.4), many from one draw of randomness.
import type { Random } from '../base/ports.ts'

const BYTES = 16
const DRAW = 64

/** Ids tell requests apart and guard nothing, so a draw may serve many. */
export function openIds(random: Random): () => string {
  let pool: Buffer = Buffer.alloc(0)
  let at = 0
  return () => {
    if (at === pool.length) {
      pool = random.bytes(BYTES * DRAW)
      at = 0
    }
    pool[at + 6] = ((pool[at + 6] as number) & 0x0f) | 0x40
    pool[at + 8] = ((pool[at + 8] as number) & 0x3f) | 0x80
    const hex = pool.toString('hex', at, at + BYTES)
    at += BYTES
    return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
  }
}

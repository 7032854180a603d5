// New random keys, in locked memory from the start.
import type { Random } from '../base/ports.ts'
import { type Locked, openLocked } from '../crypto/locked.ts'
import { KEY_BYTES } from './keyring.ts'

/** Room for so many keys, one behind the other; the caller closes it. */
export function freshKeys(count: number, random: Random): Locked {
  const fresh = openLocked(count * KEY_BYTES)
  const bytes = random.bytes(fresh.bytes.length)
  fresh.bytes.set(bytes)
  bytes.fill(0)
  return fresh
}

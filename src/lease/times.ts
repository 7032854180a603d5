// How long each step of lending and taking back may take, and when it is tried again. Milliseconds.
import type { Random } from '../base/ports.ts'
import { MAX_TRIES } from './lease.ts'

/** An action on the outside gets so long. */
export const ACT_MS = 60_000
/** After so long an intent's action can no longer be under way in any process. */
export const INTENT_MS = 90_000
/** A request that left just before its process gave up has reached the target, or never will, after so long. */
export const AGAIN_MS = 10 * 60_000
/** One try to take something back gets so long. */
export const REVOKE_MS = 30_000
/** While a process takes something back for a client who waits, nobody else begins to. */
export const CLAIM_MS = REVOKE_MS + 5_000

const FIRST_MS = 10_000
const RARELY_MS = 24 * 60 * 60_000

/** The wait after so many failures: doubled each time, then once a day; by up to a half more or less, so that tries spread out. */
export function backoff(tries: number, random: Random): number {
  const base = tries >= MAX_TRIES ? RARELY_MS : FIRST_MS * 2 ** (tries - 1)
  return Math.round(base * (0.5 + random.bytes(4).readUInt32BE() / 0xffffffff))
}

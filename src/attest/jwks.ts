// Keys that somebody publishes for the tokens they sign (RFC 7517), fetched when needed and kept for a while.
import type { KeyObject } from 'node:crypto'
import { Fault } from '../base/fault.ts'
import { isObject, type JsonObject, parseJson } from '../base/json.ts'
import type { Outbound } from '../base/outbound.ts'
import type { Clock } from '../base/ports.ts'
import { publicKeyOfJwk } from '../crypto/jws.ts'
import { isAcceptable } from '../crypto/signing-key.ts'

interface Fetched {
  readonly keys: ReadonlyMap<string, KeyObject>
  /** Monotonic milliseconds. */
  readonly at: number
}

export interface Jwks {
  /** Throws `unavailable` where nobody answers, `denied` for a key that is not there. */
  key(outbound: Outbound, clock: Clock, url: string, kid: string): Promise<KeyObject>
}

const KEEP_MS = 3_600_000
/** A key id that is unknown is looked for anew, but not at the pace of those who invent them. */
const AGAIN_MS = 60_000
const MAX_URLS = 16
const MAX_BYTES = 1 << 18
const TIMEOUT_MS = 10_000

/** A cache of what is public, one for each process. */
export function openJwks(): Jwks {
  const known = new Map<string, Fetched>()

  async function fetched(outbound: Outbound, clock: Clock, url: string): Promise<Fetched> {
    const answer = await outbound({ method: 'GET', url, timeoutMs: TIMEOUT_MS, maxBytes: MAX_BYTES }).catch((): undefined => undefined)
    const keys = answer?.status === 200 ? keysOf(answer.body) : undefined
    if (!keys) throw new Fault('unavailable', 'the keys to check the token by cannot be had')
    if (known.size >= MAX_URLS) known.clear()
    const fresh = { keys, at: clock.monotonic() }
    known.set(url, fresh)
    return fresh
  }

  return {
    async key(outbound, clock, url, kid) {
      const before = known.get(url)
      const age = before ? clock.monotonic() - before.at : KEEP_MS
      const isGood = before && age < (before.keys.has(kid) ? KEEP_MS : AGAIN_MS)
      const key = (isGood ? before : await fetched(outbound, clock, url)).keys.get(kid)
      if (!key) throw new Fault('denied', 'the token is signed by an unknown key')
      return key
    },
  }
}

/** Undefined for what is no set of keys; those of other kinds are passed over. */
function keysOf(body: Buffer): Map<string, KeyObject> | undefined {
  try {
    const parsed = parseJson(body)
    if (!isObject(parsed) || !Array.isArray(parsed['keys'])) return undefined
    return new Map(parsed['keys'].filter(isObject).flatMap(entryOf))
  } catch (error) {
    if (error instanceof Fault) return undefined
    throw error
  }
}

function entryOf(jwk: JsonObject): [string, KeyObject][] {
  const { kid } = jwk
  const key = publicKeyOfJwk(jwk)
  return typeof kid === 'string' && key && isAcceptable(key) ? [[kid, key]] : []
}

// How one device shows texts: as HMACs under its own key, or as they are; and what it keeps of tokens that call again and again.
import type { Token } from '../contract/token.ts'
import { hmacSha256 } from '../crypto/hmac.ts'
import { secretKey } from '../crypto/secret-key.ts'
import { namespaceIdOf } from '../store/layout.ts'
import { clientId } from './client-id.ts'

export interface Hasher {
  /** `hmac-sha256:<hex>`, unless the device shows everything. */
  text(text: string): string
  /** The same, for what names a token without being one. */
  accessor(text: string): string
  /** The hashes of a token that calls, kept for its next call. */
  caller(token: Token, id: string): CallerHashes
  /** Shows how many names a list has instead of the names. */
  readonly elides: boolean
}

export interface CallerHashes {
  readonly id: string
  /** '' for a token that has none. */
  readonly accessor: string
  readonly clientId: string
  /** The `auth` block as JSON text, by the policies that granted. */
  readonly auth: Map<string, string>
}

/** What a device's options say about its records. */
export interface Showing {
  /** Everything as it is (`log_raw`). */
  readonly raw: boolean
  readonly hmacAccessor: boolean
  readonly elides: boolean
}

/** `salt` is the device's HMAC key in hex. */
export function openHasher(salt: string, { raw, hmacAccessor, elides }: Showing): Hasher {
  const key = secretKey(Buffer.from(salt, 'hex'))
  const callers = new WeakMap<Token, CallerHashes>()
  const text = raw ? (of: string) => of : (of: string) => `hmac-sha256:${hmacSha256(key, of)}`
  const accessor = hmacAccessor ? (of: string) => (of === '' ? '' : text(of)) : (of: string) => of
  return {
    text,
    accessor,
    elides,
    caller(token, id) {
      const known = callers.get(token)
      if (known) return known
      const hashes = {
        id: text(id),
        accessor: accessor(token.accessor),
        clientId: clientId(token, namespaceIdOf(token.hash)),
        auth: new Map<string, string>(),
      }
      callers.set(token, hashes)
      return hashes
    },
  }
}

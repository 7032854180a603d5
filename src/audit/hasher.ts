// The HMACs of one device, and those of tokens that call again and again.
import { hmacSha256 } from '../crypto/hmac.ts'
import { secretKey } from '../crypto/secret-key.ts'
import type { Token } from '../contract/token.ts'
import type { CallerHashes, Hasher } from './record.ts'

/** `salt` is the device's HMAC key in hex. */
export function openHasher(salt: string): Hasher {
  const key = secretKey(Buffer.from(salt, 'hex'))
  const callers = new WeakMap<Token, CallerHashes>()
  const text = (of: string) => `hmac-sha256:${hmacSha256(key, of)}`
  return {
    text,
    caller(token, id) {
      const known = callers.get(token)
      if (known) return known
      const hashes = { id: text(id), accessor: text(token.accessor), auth: new Map<string, string>() }
      callers.set(token, hashes)
      return hashes
    },
  }
}

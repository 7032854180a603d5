// Public keys as clients send them: a JWK (RFC 7517), or the text of one.
import { any } from '../../base/fields.ts'
import { Fault } from '../../base/fault.ts'
import { isObject, type Json, parseJson } from '../../base/json.ts'
import { type BoundKey, boundKeyOf } from '../../crypto/wit-svid.ts'

export const jwkField = any('The public key that the token is bound to, as a JWK (RFC 7517) or the text of one; alg may be left out of EC keys.')

/** Throws `invalid`, without a word of what was sent. */
export function boundKeyIn(value: Json): BoundKey {
  const jwk = typeof value === 'string' ? parsed(value) : value
  if (!isObject(jwk)) throw new Fault('invalid', 'jwk: expected a JSON object')
  return boundKeyOf(jwk)
}

function parsed(text: string): Json {
  try {
    return parseJson(Buffer.from(text))
  } catch (error) {
    if (error instanceof Fault) return null
    throw error
  }
}

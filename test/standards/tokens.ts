// Tokens that say what they are told, well signed, by every algorithm that an SVID may be signed with.
import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto'

export interface Pair {
  readonly publicKey: KeyObject
  readonly privateKey: KeyObject
}

export const RSA: Pair = generateKeyPairSync('rsa', { modulusLength: 2048 })
export const [P256, P384, P521] = ['P-256', 'P-384', 'P-521'].map((namedCurve) => generateKeyPairSync('ec', { namedCurve })) as [Pair, Pair, Pair]

/** The table of JWT-SVID.md §2.1 and of WIT-SVID.md §2.3. */
export const ALGORITHMS: Readonly<Record<string, { readonly keys: Pair; readonly padding?: number }>> = {
  ...Object.fromEntries(['RS256', 'RS384', 'RS512'].map((alg) => [alg, { keys: RSA, padding: 1 }])),
  ...Object.fromEntries(['PS256', 'PS384', 'PS512'].map((alg) => [alg, { keys: RSA, padding: 6 }])),
  ES256: { keys: P256 },
  ES384: { keys: P384 },
  ES512: { keys: P521 },
}

export const b64 = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')

/** By the key `k`, unless the header says another. */
export function token(header: object, claims: object, alg = 'ES256'): string {
  const { keys, padding } = ALGORITHMS[alg] ?? { keys: P256 }
  const signed = `${b64({ alg, kid: 'k', ...header })}.${b64(claims)}`
  const how = padding === undefined ? { key: keys.privateKey, dsaEncoding: 'ieee-p1363' as const } : { key: keys.privateKey, padding, saltLength: -1 }
  return `${signed}.${sign(`sha${alg.slice(2)}`, Buffer.from(signed), padding === 1 ? { key: keys.privateKey, padding } : how).toString('base64url')}`
}

/** What a token says. */
export function partsOf(text: string): { header: any; claims: any } {
  const [header, claims] = text.split('.', 2).map((part) => JSON.parse(Buffer.from(part, 'base64url').toString()))
  return { header, claims }
}

// Shares and tokens for the eyes of one person: encrypted with that person's OpenPGP public key (Vault, "PGP, GPG, and Keybase").
import { Fault } from '../base/fault.ts'
import { writeHex } from '../crypto/byte-text.ts'
import { wipeable } from '../crypto/wipeable.ts'

/** Keys are in base64, binary or armored. Both throw `invalid` for what is no public key that encrypts. */
export interface Pgp {
  /** In lower-case hex. */
  fingerprint(key: string): Promise<string>
  encrypt(key: string, message: Uint8Array): Promise<Buffer>
}

/** For where nobody can be asked for: refuses every key. */
export const noPgp: Pgp = { fingerprint: refuse, encrypt: refuse }

function refuse(): Promise<never> {
  return Promise.reject(new Fault('invalid', 'PGP encryption is not available'))
}

/** One key for each share, or none at all. Throws `invalid`; returns the fingerprints. */
export function checkPgpKeys(pgp: Pgp, keys: readonly string[], shares: number, what: string): Promise<string[]> {
  if (keys.length > 0 && keys.length !== shares) throw new Fault('invalid', what)
  return Promise.all(keys.map((key) => pgp.fingerprint(key)))
}

/** Each share in hex, encrypted with the key in its place. */
export function encryptShares(pgp: Pgp, keys: readonly string[], shares: readonly Uint8Array[]): Promise<Buffer[]> {
  return Promise.all(
    shares.map(async (share, index) => {
      const hex = wipeable(2 * share.length)
      writeHex(hex, 0, share)
      try {
        return await pgp.encrypt(keys[index] as string, hex)
      } finally {
        hex.fill(0)
      }
    }),
  )
}

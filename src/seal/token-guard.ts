// What keeps a token that is made for share holders from other eyes on its way: a one-time password, or a PGP key.
import { Fault } from '../base/fault.ts'
import { base62 } from '../base/ids.ts'
import type { Random } from '../base/ports.ts'
import type { Pgp } from './pgp.ts'

/** One of the two is '': the one-time password, or the PGP key and its fingerprint. */
export interface Guard {
  readonly otp: string
  readonly pgpKey: string
  readonly fingerprint: string
}

/** The client's one-time password of this length, its PGP key, or a password of our own where it sent neither. Throws `invalid`. */
export async function guardFor(otp: string, pgpKey: string, length: number, { pgp, random }: { pgp: Pgp; random: Random }): Promise<Guard> {
  if (otp !== '' && Buffer.byteLength(otp) !== length) throw new Fault('invalid', 'OTP string has incorrect length')
  if (otp === '' && pgpKey !== '') return { otp: '', pgpKey, fingerprint: await pgp.fingerprint(pgpKey) }
  return { otp: otp || base62(random, length), pgpKey: '', fingerprint: '' }
}

/** In base64: encrypted, or as the XOR with the password and then without padding. Throws `invalid` for a key that can't encrypt. */
export async function guardToken(token: string, { otp, pgpKey }: Guard, pgp: Pgp): Promise<string> {
  if (pgpKey !== '') return (await pgp.encrypt(pgpKey, Buffer.from(token))).toString('base64')
  return xor(Buffer.from(token), Buffer.from(otp)).toString('base64').replace(/=+$/, '')
}

/** What `guardToken` made with a password. Throws `invalid`. */
export function decodeToken(encoded: string, otp: string): string {
  if (!/^[A-Za-z0-9+/]*$/.test(encoded) || encoded.length % 4 === 1) throw new Fault('invalid', "error decoding base64'd token: illegal base64 data")
  return xor(Buffer.from(encoded, 'base64'), Buffer.from(otp)).toString()
}

function xor(a: Buffer, b: Buffer): Buffer {
  if (a.length !== b.length) {
    throw new Fault('invalid', `error xoring token: length of byte slices is not equivalent: ${a.length} != ${b.length}`)
  }
  return Buffer.from(a.map((byte, at) => byte ^ (b[at] as number)))
}

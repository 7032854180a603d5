// The other half of OpenSSH's keys: public keys as they go over the wire, and signatures by private ones.
import { createPublicKey, type KeyObject, sign } from 'node:crypto'
import { Fault } from '../base/fault.ts'
import type { SshSignature } from './ssh.ts'

const CURVES: Readonly<Record<string, { readonly name: string; readonly hash: string } | undefined>> = {
  'P-256': { name: 'nistp256', hash: 'sha256' },
  'P-384': { name: 'nistp384', hash: 'sha384' },
  'P-521': { name: 'nistp521', hash: 'sha512' },
}

/** Text or bytes after their length (RFC 4251 §5). */
export function sshString(value: string | Uint8Array): Buffer {
  const bytes = Buffer.from(value as Uint8Array)
  const head = Buffer.alloc(4)
  head.writeUInt32BE(bytes.length)
  return Buffer.concat([head, bytes])
}

/** A positive number without leading zeros, from its bytes. */
export function sshNumber(bytes: Buffer): Buffer {
  const from = bytes.findIndex((byte) => byte !== 0)
  const short = from < 0 ? Buffer.alloc(0) : bytes.subarray(from)
  return sshString((short[0] ?? 0) >= 0x80 ? Buffer.concat([Buffer.of(0), short]) : short)
}

/** The public half as on the wire. Throws `invalid` for kinds that OpenSSH has not. */
export function sshPublicKey(key: KeyObject): Buffer {
  const { kty, crv = '', x = '', y = '', n = '', e = '' } = createPublicKey(key).export({ format: 'jwk' })
  const bytes = (text: string) => Buffer.from(text, 'base64url')
  if (kty === 'RSA') return Buffer.concat([sshString('ssh-rsa'), sshNumber(bytes(e)), sshNumber(bytes(n))])
  if (kty === 'OKP' && crv === 'Ed25519') return Buffer.concat([sshString('ssh-ed25519'), sshString(bytes(x))])
  const curve = CURVES[crv]
  if (!curve) throw new Fault('invalid', 'the key is of a kind that SSH has not')
  const point = Buffer.concat([Buffer.of(4), bytes(x), bytes(y)])
  return Buffer.concat([sshString(`ecdsa-sha2-${curve.name}`), sshString(curve.name), sshString(point)])
}

/** RSA keys sign by SHA-512 (RFC 8332), others by what is theirs. */
export function signSsh(key: KeyObject, message: Buffer): SshSignature {
  if (key.asymmetricKeyType === 'rsa') return { format: 'rsa-sha2-512', blob: sign('sha512', message, key) }
  if (key.asymmetricKeyType === 'ed25519') return { format: 'ssh-ed25519', blob: sign(null, message, key) }
  const curve = CURVES[String(createPublicKey(key).export({ format: 'jwk' }).crv)]
  if (!curve) throw new Fault('invalid', 'the key is of a kind that SSH has not')
  const both = sign(curve.hash, message, { key, dsaEncoding: 'ieee-p1363' })
  const numbers = [both.subarray(0, both.length / 2), both.subarray(both.length / 2)]
  return { format: `ecdsa-sha2-${curve.name}`, blob: Buffer.concat(numbers.map(sshNumber)) }
}

// OpenSSH's private key files (PROTOCOL.key), unencrypted as keys of hosts are; other PEM as Node reads it.
import { createPrivateKey, type JsonWebKey, type KeyObject } from 'node:crypto'
import { Fault } from '../base/fault.ts'
import { SSH_CURVES, SshReader } from './ssh.ts'

const MAGIC = Buffer.from('openssh-key-v1\0')
const BLOCK = /-----BEGIN OPENSSH PRIVATE KEY-----([A-Za-z0-9+/=\s]+)-----END OPENSSH PRIVATE KEY-----/

/** Throws `invalid` for what is no private key, and for one that is encrypted. */
export function parseSshPrivateKey(pem: string): KeyObject {
  const block = BLOCK.exec(pem)?.[1]
  try {
    return block === undefined ? createPrivateKey(pem) : createPrivateKey({ key: jwkOf(Buffer.from(block, 'base64')), format: 'jwk' })
  } catch (error) {
    if (error instanceof Fault) throw error
    throw new Fault('invalid', 'malformed private key')
  }
}

function jwkOf(file: Buffer): JsonWebKey {
  const outer = new SshReader(file)
  if (!outer.take(MAGIC.length).equals(MAGIC)) throw new Fault('invalid', 'malformed private key')
  const ciphers = [outer.text(), outer.text()]
  outer.string() // how the password becomes a key
  if (ciphers.some((one) => one !== 'none')) throw new Fault('invalid', 'the private key is encrypted')
  if (outer.uint32() !== 1) throw new Fault('invalid', 'the file has more than one private key')
  outer.string() // the public key
  const inner = new SshReader(outer.string())
  if (inner.uint32() !== inner.uint32()) throw new Fault('invalid', 'malformed private key')
  const kind = inner.text()
  if (kind === 'ssh-ed25519') return ed25519(inner)
  return kind === 'ssh-rsa' ? rsa(inner) : ecdsa(inner)
}

const url = (bytes: Buffer): string => bytes.toString('base64url')

function ed25519(reader: SshReader): JsonWebKey {
  const x = reader.string()
  return { kty: 'OKP', crv: 'Ed25519', x: url(x), d: url(reader.string().subarray(0, 32)) }
}

function ecdsa(reader: SshReader): JsonWebKey {
  const curve = SSH_CURVES[reader.text()]
  if (!curve) throw new Fault('invalid', 'the private key is of a kind that is not accepted')
  const { crv, size } = curve
  const point = reader.string()
  const number = reader.mpint()
  const d = Buffer.concat([Buffer.alloc(Math.max(0, size - number.length)), number])
  return { kty: 'EC', crv, x: url(point.subarray(1, 1 + size)), y: url(point.subarray(1 + size)), d: url(d) }
}

/** The file leaves out the exponents for the two primes. */
function rsa(reader: SshReader): JsonWebKey {
  const [n, e, d, qi, p, q] = Array.from({ length: 6 }, () => reader.mpint()) as [Buffer, Buffer, Buffer, Buffer, Buffer, Buffer]
  const number = (bytes: Buffer) => BigInt(`0x${bytes.toString('hex')}`)
  const exponent = (prime: Buffer) => {
    const hex = (number(d) % (number(prime) - 1n)).toString(16)
    return url(Buffer.from(hex.padStart(hex.length + (hex.length % 2), '0'), 'hex'))
  }
  return { kty: 'RSA', n: url(n), e: url(e), d: url(d), p: url(p), q: url(q), dp: exponent(p), dq: exponent(q), qi: url(qi) }
}

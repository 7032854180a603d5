// OpenSSH's public keys, certificates and signatures (RFC 4253 §6.6, RFC 5656, RFC 8709, PROTOCOL.certkeys): read strictly, one form for each.
import { createPublicKey, type JsonWebKey, type KeyObject, verify } from 'node:crypto'
import { Fault } from '../base/fault.ts'
import { ByteReader } from './byte-reader.ts'
import { isAcceptable } from './signing-key.ts'

/** Fields of RFC 4251 §5. Throws `invalid` where they end early. */
export class SshReader extends ByteReader {
  constructor(bytes: Buffer) {
    super(bytes, malformed)
  }

  string(): Buffer {
    return this.take(this.uint32())
  }

  text(): string {
    return this.string().toString('utf8')
  }

  /** A positive number in its only form, without leading zeros. */
  mpint(): Buffer {
    const bytes = this.string()
    const first = bytes[0] ?? 0
    if (bytes.length === 0 || first >= 0x80 || (first === 0 && (bytes[1] ?? 0) < 0x80)) throw malformed()
    return first === 0 ? bytes.subarray(1) : bytes
  }
}

function malformed(): Fault {
  return new Fault('invalid', 'malformed SSH key, certificate or signature')
}

/** By their names in SSH. */
export const SSH_CURVES: Readonly<Record<string, { readonly crv: string; readonly size: number; readonly hash: string } | undefined>> = {
  nistp256: { crv: 'P-256', size: 32, hash: 'sha256' },
  nistp384: { crv: 'P-384', size: 48, hash: 'sha384' },
  nistp521: { crv: 'P-521', size: 66, hash: 'sha512' },
}

const CERTIFICATE = '-cert-v01@openssh.com'
const ECDSA = 'ecdsa-sha2-'

/** A public key with the name of its kind: `ssh-ed25519`. */
export interface SshKey {
  readonly kind: string
  readonly key: KeyObject
}

export interface SshCertificate {
  readonly key: SshKey
  readonly serial: bigint
  readonly kind: 'user' | 'host'
  readonly keyId: string
  readonly principals: readonly string[]
  /** Seconds since 1970; the last moment is no longer part of it. */
  readonly validAfter: bigint
  readonly validBefore: bigint
  readonly criticalOptions: readonly string[]
  /** Key of the authority, as on the wire. */
  readonly authority: Buffer
  /** What the authority signed, and its signature as on the wire. */
  readonly signed: Buffer
  readonly signature: Buffer
}

/** From the wire, whole. Throws `invalid`. */
export function parseSshKey(blob: Buffer): SshKey {
  const reader = new SshReader(blob)
  const found = readKey(reader, reader.text())
  reader.end()
  return found
}

/** From a line as in `authorized_keys` or a `.pub` file: kind, base64, and maybe a comment. Throws `invalid`. */
export function parseSshKeyLine(line: string): Buffer {
  const [kind, base64 = ''] = line.trim().split(/\s+/)
  const blob = Buffer.from(base64, 'base64')
  if (blob.toString('base64') !== base64 || parseSshKey(blob).kind !== kind) throw malformed()
  return blob
}

function readKey(reader: SshReader, kind: string): SshKey {
  const key = keyOf(jwkOf(reader, kind))
  if (!isAcceptable(key)) throw new Fault('invalid', 'the SSH key is of a kind or size that is not accepted')
  return { kind, key }
}

function jwkOf(reader: SshReader, kind: string): JsonWebKey {
  const url = (bytes: Buffer) => bytes.toString('base64url')
  if (kind === 'ssh-rsa') {
    const e = url(reader.mpint())
    return { kty: 'RSA', n: url(reader.mpint()), e }
  }
  if (kind === 'ssh-ed25519') return { kty: 'OKP', crv: 'Ed25519', x: url(reader.string()) }
  const name = kind.slice(ECDSA.length)
  const curve = kind.startsWith(ECDSA) ? SSH_CURVES[name] : undefined
  if (!curve || reader.text() !== name) throw new Fault('invalid', `SSH keys of kind "${kind.slice(0, 60)}" are not accepted`)
  const point = reader.string()
  if (point.length !== 2 * curve.size + 1 || point[0] !== 4) throw malformed()
  return { kty: 'EC', crv: curve.crv, x: url(point.subarray(1, 1 + curve.size)), y: url(point.subarray(1 + curve.size)) }
}

function keyOf(jwk: JsonWebKey): KeyObject {
  try {
    return createPublicKey({ key: jwk, format: 'jwk' })
  } catch {
    throw malformed()
  }
}

/** From the wire, whole. Throws `invalid`; nothing of it is verified. */
export function parseSshCertificate(blob: Buffer): SshCertificate {
  const reader = new SshReader(blob)
  const name = reader.text()
  if (!name.endsWith(CERTIFICATE)) throw new Fault('invalid', 'the SSH key is no certificate')
  reader.string() // the nonce
  const key = readKey(reader, name.slice(0, -CERTIFICATE.length))
  const serial = reader.uint64()
  const kind = [undefined, 'user', 'host'][reader.uint32()] as 'user' | 'host' | undefined
  if (!kind) throw malformed()
  const keyId = reader.text()
  const principals = texts(reader.string())
  const [validAfter, validBefore] = [reader.uint64(), reader.uint64()]
  const criticalOptions = optionNames(reader.string())
  optionNames(reader.string()) // extensions
  reader.string() // reserved
  const authority = reader.string()
  const signed = blob.subarray(0, reader.at)
  const signature = reader.string()
  reader.end()
  return { key, serial, kind, keyId, principals, validAfter, validBefore, criticalOptions, authority, signed, signature }
}

function texts(packed: Buffer): string[] {
  const found: string[] = []
  for (const reader = new SshReader(packed); !reader.atEnd; ) found.push(reader.text())
  return found
}

function optionNames(packed: Buffer): string[] {
  const found: string[] = []
  for (const reader = new SshReader(packed); !reader.atEnd; reader.string()) found.push(reader.text())
  return found
}

export interface SshSignature {
  readonly format: string
  readonly blob: Buffer
}

/** From the wire, whole. Throws `invalid`. */
export function parseSshSignature(packed: Buffer): SshSignature {
  const reader = new SshReader(packed)
  const signature = { format: reader.text(), blob: reader.string() }
  reader.end()
  return signature
}

const RSA_HASHES: Readonly<Record<string, string | undefined>> = { 'rsa-sha2-256': 'sha256', 'rsa-sha2-512': 'sha512' }

/**
 * Whether `key` made the signature, by an algorithm that is this key's. `sha1` also takes `ssh-rsa`: only for what the signer could
 * not choose, since two texts of one SHA-1 can be made but not one for a given text. Throws `invalid` for a malformed signature.
 */
export function isSshSigned({ kind, key }: SshKey, message: Buffer, { format, blob }: SshSignature, sha1 = false): boolean {
  if (kind === 'ssh-rsa') {
    const hash = sha1 && format === 'ssh-rsa' ? 'sha1' : RSA_HASHES[format]
    return hash !== undefined && verify(hash, message, key, blob)
  }
  if (format !== kind) return false
  if (kind === 'ssh-ed25519') return verify(null, message, key, blob)
  const curve = SSH_CURVES[kind.slice(ECDSA.length)]
  return curve !== undefined && verify(curve.hash, message, { key, dsaEncoding: 'ieee-p1363' }, twoNumbers(blob, curve.size))
}

function twoNumbers(blob: Buffer, size: number): Buffer {
  const reader = new SshReader(blob)
  const numbers = [reader.mpint(), reader.mpint()]
  reader.end()
  if (numbers.some(({ length }) => length > size)) throw malformed()
  return Buffer.concat(numbers.map((number) => Buffer.concat([Buffer.alloc(size - number.length), number])))
}

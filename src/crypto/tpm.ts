// Structures of TPM 2.0 (Part 2): public areas of keys, what a TPM attests to, and signatures; read strictly.
import { createPublicKey, hash, type JsonWebKey, type KeyObject, constants, verify } from 'node:crypto'
import { Fault } from '../base/fault.ts'
import { ByteReader } from './byte-reader.ts'
import { isAcceptable } from './signing-key.ts'

/** TPM_ALG_ID of hashes: SHA-1 is not among them. */
const HASHES: Readonly<Record<number, string | undefined>> = { 0x0b: 'sha256', 0x0c: 'sha384', 0x0d: 'sha512' }
const ALG = { rsa: 0x01, null: 0x10, rsassa: 0x14, rsapss: 0x16, ecc: 0x23 } as const
/** TPM_ECC_CURVE. */
const CURVES: Readonly<Record<number, { readonly crv: string; readonly size: number } | undefined>> = {
  3: { crv: 'P-256', size: 32 },
  4: { crv: 'P-384', size: 48 },
  5: { crv: 'P-521', size: 66 },
}
const USUAL_EXPONENT = 65_537
/** TPM_GENERATED_VALUE: nothing that came from outside of the TPM and was signed by a restricted key begins so. */
const GENERATED = 0xff544347
const ATTEST_CERTIFY = 0x8017
/** Clock, counts, whether the clock is safe, and the version of the firmware. */
const CLOCK_AND_FIRMWARE_BYTES = 17 + 8

/** Bits of TPMA_OBJECT. */
export const ATTRIBUTE = {
  fixedTpm: 1 << 1,
  fixedParent: 1 << 4,
  sensitiveDataOrigin: 1 << 5,
  restricted: 1 << 16,
  decrypt: 1 << 17,
  sign: 1 << 18,
} as const

/** Fields of Part 2. Throws `invalid` where they end early. */
export class TpmReader extends ByteReader {
  constructor(bytes: Buffer) {
    super(bytes, malformed)
  }

  /** A TPM2B: bytes after their length. */
  sized(): Buffer {
    return this.take(this.uint16())
  }
}

function malformed(): Fault {
  return new Fault('invalid', 'malformed structure of a TPM')
}

/** A key as its TPM describes it (TPMT_PUBLIC). */
export interface TpmPublic {
  readonly key: KeyObject
  /** Bits of `ATTRIBUTE`. */
  readonly attributes: number
  /** The key's name: the hash of all of this, after the number of the hash. */
  readonly name: Buffer
  readonly nameHash: string
  /** Bits of the cipher by which a storage key guards what is below it; 0 for others. */
  readonly cipherBits: number
}

export const hasAttributes = ({ attributes }: TpmPublic, ...bits: number[]): boolean => bits.every((bit) => (attributes & bit) !== 0)

/** Throws `invalid` for what is malformed, and for kinds of keys and hashes that are not taken. */
export function parseTpmPublic(bytes: Buffer): TpmPublic {
  const reader = new TpmReader(bytes)
  const type = reader.uint16()
  const nameAlgorithm = reader.uint16()
  const nameHash = hashOf(nameAlgorithm)
  const attributes = reader.uint32()
  reader.sized() // policy
  const cipherBits = readCipher(reader)
  const jwk = type === ALG.rsa ? readRsa(reader) : type === ALG.ecc ? readEcc(reader) : undefined
  if (!jwk) throw new Fault('invalid', 'the key of the TPM is of a kind that is not accepted')
  reader.end()
  const name = Buffer.concat([bytes.subarray(2, 4), hash(nameHash, bytes, 'buffer')])
  return { key: keyOf(jwk), attributes, name, nameHash, cipherBits }
}

function hashOf(algorithm: number): string {
  const found = HASHES[algorithm]
  if (!found) throw new Fault('invalid', 'a hash of the TPM is of a kind that is not accepted')
  return found
}

function readCipher(reader: TpmReader): number {
  if (reader.uint16() === ALG.null) return 0
  const bits = reader.uint16()
  reader.uint16() // mode
  return bits
}

/** Which scheme a key is bound to says the signature itself, and what it says must fit the key. */
function readScheme(reader: TpmReader): void {
  if (reader.uint16() !== ALG.null) reader.uint16()
}

function readRsa(reader: TpmReader): JsonWebKey {
  readScheme(reader)
  reader.uint16() // bits
  const exponent = Buffer.alloc(4)
  exponent.writeUInt32BE(reader.uint32() || USUAL_EXPONENT)
  return { kty: 'RSA', n: reader.sized().toString('base64url'), e: exponent.subarray(exponent.findIndex((byte) => byte !== 0)).toString('base64url') }
}

function readEcc(reader: TpmReader): JsonWebKey {
  readScheme(reader)
  const curve = CURVES[reader.uint16()]
  readScheme(reader) // of key derivation
  const [x, y] = [reader.sized(), reader.sized()]
  if (!curve || x.length > curve.size || y.length > curve.size) throw malformed()
  const padded = (number: Buffer) => Buffer.concat([Buffer.alloc(curve.size - number.length), number]).toString('base64url')
  return { kty: 'EC', crv: curve.crv, x: padded(x), y: padded(y) }
}

function keyOf(jwk: JsonWebKey): KeyObject {
  let key: KeyObject
  try {
    key = createPublicKey({ key: jwk, format: 'jwk' })
  } catch {
    throw malformed()
  }
  if (!isAcceptable(key)) throw new Fault('invalid', 'the key of the TPM is of a size that is not accepted')
  return key
}

/** The name of the key that a TPM certifies to hold (TPMS_ATTEST of TPM2_Certify). Throws `invalid` for what attests to anything else. */
export function certifiedName(attest: Buffer): Buffer {
  const reader = new TpmReader(attest)
  if (reader.uint32() !== GENERATED || reader.uint16() !== ATTEST_CERTIFY) throw new Fault('invalid', 'no TPM certifies a key by this')
  reader.sized() // who signs
  reader.sized() // what it was asked to repeat
  reader.take(CLOCK_AND_FIRMWARE_BYTES)
  const name = reader.sized()
  reader.sized() // the name with those of all above it
  reader.end()
  return name
}

/** Whether an RSA key signed a message, from TPMT_SIGNATURE. Throws `invalid` for what is malformed. */
export function isTpmSigned(key: KeyObject, message: Buffer, signature: Buffer): boolean {
  const reader = new TpmReader(signature)
  const scheme = reader.uint16()
  const digest = hashOf(reader.uint16())
  const bytes = reader.sized()
  reader.end()
  if (key.asymmetricKeyType !== 'rsa') return false
  if (scheme === ALG.rsassa) return verify(digest, message, key, bytes)
  const pss = { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_AUTO }
  return scheme === ALG.rsapss && verify(digest, message, pss, bytes)
}

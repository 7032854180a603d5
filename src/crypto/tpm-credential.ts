// A secret that only one TPM can open, and only while it holds one certain key (TPM 2.0, Part 1, "Credential Protection").
import { constants, createCipheriv, createHmac, hash, publicEncrypt } from 'node:crypto'
import type { Random } from '../base/ports.ts'
import type { TpmPublic } from './tpm.ts'

export interface Credential {
  /** TPMS_ID_OBJECT: what guards the secret, and the secret. */
  readonly blob: Buffer
  /** The seed of all keys, for the TPM's endorsement key alone. */
  readonly encryptedSeed: Buffer
}

/** Seals `secret` for the TPM with the endorsement key `endorsement`, which opens it if it holds the key of that name. */
export function makeCredential(endorsement: TpmPublic, name: Buffer, secret: Buffer, random: Random): Credential {
  const { key, nameHash, cipherBits } = endorsement
  const digestBits = hash(nameHash, '', 'buffer').length * 8
  const seed = random.bytes(digestBits / 8)
  const how = { key, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: nameHash, oaepLabel: Buffer.from('IDENTITY\0') }
  const encryptedSeed = publicEncrypt(how, seed)
  const cipherKey = derive(nameHash, seed, 'STORAGE', name, cipherBits)
  const cipher = createCipheriv(`aes-${cipherBits}-cfb`, cipherKey, Buffer.alloc(16))
  const encrypted = Buffer.concat([cipher.update(sized(secret)), cipher.final()])
  const macKey = derive(nameHash, seed, 'INTEGRITY', Buffer.alloc(0), digestBits)
  const mac = createHmac(nameHash, macKey).update(encrypted).update(name).digest()
  for (const one of [seed, cipherKey, macKey]) one.fill(0)
  return { blob: Buffer.concat([sized(mac), encrypted]), encryptedSeed }
}

/** KDFa (Part 1, "Key Derivation Function"): HMACs that count, which is SP 800-108. As many bits as one hash has, at most. */
function derive(digest: string, key: Buffer, label: string, context: Buffer, bits: number): Buffer {
  const counter = Buffer.from([0, 0, 0, 1])
  const length = Buffer.alloc(4)
  length.writeUInt32BE(bits)
  return createHmac(digest, key)
    .update(counter)
    .update(`${label}\0`)
    .update(context)
    .update(length)
    .digest()
    .subarray(0, bits / 8)
}

function sized(bytes: Buffer): Buffer {
  const head = Buffer.alloc(2)
  head.writeUInt16BE(bytes.length)
  return Buffer.concat([head, bytes])
}

// `seal "pkcs11"`: a key in a hardware security module, which never gives it out.
import { Fault } from '../../base/fault.ts'
import { choice, maybe, or, secret, text, type Values } from '../../base/fields.ts'
import type { Random } from '../../base/ports.ts'
import { NONCE_BYTES, TAG_BYTES } from '../../crypto/gcm.ts'
import { wipeableCopy } from '../../crypto/wipeable.ts'
import type { Wrapper } from '../wrapper.ts'
import { addressOf, type Mechanism, openPkcs11, type Pkcs11Library, ulong } from './pkcs11-library.ts'

/** Name, CKM_ value, and CKG_MGF1_ value of what OAEP may hash with. */
const HASHES = {
  sha1: [0x220, 1],
  sha224: [0x255, 5],
  sha256: [0x250, 2],
  sha384: [0x260, 3],
  sha512: [0x270, 4],
} as const

const AES_GCM = 0x1087
const RSA_OAEP = 0x9

/** Mechanisms by the names and numbers that they may be asked for with. */
const MECHANISMS: Readonly<Record<string, number>> = {
  AES_GCM,
  CKM_AES_GCM: AES_GCM,
  '0x1087': AES_GCM,
  '4231': AES_GCM,
  RSA_PKCS_OAEP: RSA_OAEP,
  CKM_RSA_PKCS_OAEP: RSA_OAEP,
  '0x0009': RSA_OAEP,
  '0x9': RSA_OAEP,
  '9': RSA_OAEP,
}

export const pkcs11Shape = {
  lib: text('Path of the PKCS#11 library.'),
  slot: or(text('Number of the slot; this or token_label.'), ''),
  token_label: or(text('Label of the token; this or slot.'), ''),
  pin: secret(text('PIN of the user.')),
  key_label: or(text('Label of the key; this or key_id, or both.'), ''),
  key_id: or(text('Id of the key, in hex.'), ''),
  mechanism: maybe(text('AES_GCM or RSA_PKCS_OAEP; by the kind of the key, unless given.')),
  rsa_oaep_hash: or(choice('What OAEP hashes with.', ['sha1', 'sha224', 'sha256', 'sha384', 'sha512']), 'sha256'),
}

/** Environment variables, by the parameters that they stand in for. */
export const pkcs11Env = {
  lib: ['BAO_HSM_LIB', 'VAULT_HSM_LIB'],
  slot: ['BAO_HSM_SLOT', 'VAULT_HSM_SLOT'],
  token_label: ['BAO_HSM_TOKEN_LABEL', 'VAULT_HSM_TOKEN_LABEL'],
  pin: ['BAO_HSM_PIN', 'VAULT_HSM_PIN'],
  key_label: ['BAO_HSM_KEY_LABEL', 'VAULT_HSM_KEY_LABEL'],
  key_id: ['BAO_HSM_KEY_ID', 'VAULT_HSM_KEY_ID'],
  mechanism: ['BAO_HSM_MECHANISM', 'VAULT_HSM_MECHANISM'],
  rsa_oaep_hash: ['BAO_HSM_RSA_OAEP_HASH', 'VAULT_HSM_RSA_OAEP_HASH'],
}

const CLASS = 0x0
const LABEL = 0x3
const ID = 0x102
const PUBLIC_KEY = 2
const PRIVATE_KEY = 3
const SECRET_KEY = 4

/** What a key is used with: its handles, and how. */
interface Use {
  readonly mechanism: number
  readonly encrypting: bigint
  readonly decrypting: bigint
}

/** Throws `invalid` for parameters that can't be used. */
export function pkcs11Seal(values: Values<typeof pkcs11Shape>, { random }: { random: Random }): Wrapper {
  const wanted = settle(values)
  const library = openLibrary(values.lib)

  /** A device may have been away: after any failure the library starts anew. */
  const withKey = <T>(run: (library: Pkcs11Library, session: bigint, use: Use) => Promise<T>): Promise<T> =>
    library.inTurn(async () => {
      try {
        await library.initialize()
        const slot = await findSlot(library, values)
        return await library.session(slot, values.pin, async (session) => run(library, session, await findKey(library, session, wanted)))
      } catch (error) {
        await library.finalize().catch(() => {})
        throw error
      }
    })

  return {
    type: 'pkcs11',
    wrap: (key) =>
      withKey(async (device, session, { mechanism, encrypting }) => {
        const iv = random.bytes(NONCE_BYTES)
        const input = wipeableCopy(key)
        try {
          const sealed = await device.encrypt(session, toMechanism(mechanism, iv, values.rsa_oaep_hash), encrypting, input)
          const parts = mechanism === AES_GCM ? [iv, sealed] : [sealed]
          return { keyId: `${wanted.label}#${wanted.id}`, text: Buffer.concat(parts).toString('base64') }
        } finally {
          input.fill(0)
        }
      }),
    unwrap: ({ text: wrapped }) =>
      withKey((device, session, { mechanism, decrypting }) => {
        const whole = Buffer.from(wrapped, 'base64')
        const at = mechanism === AES_GCM ? NONCE_BYTES : 0
        const how = toMechanism(mechanism, whole.subarray(0, at), values.rsa_oaep_hash)
        return device.decrypt(session, how, decrypting, wipeableCopy(whole.subarray(at)))
      }),
  }
}

interface Wanted {
  readonly label: string
  /** In hex. */
  readonly id: string
  readonly mechanism: number | undefined
}

function settle(values: Values<typeof pkcs11Shape>): Wanted {
  const { slot, token_label: token, key_label: label, key_id: given, mechanism: name } = values
  if ((slot === '') === (token === '')) throw new Fault('invalid', 'slot or token_label is needed, and only one of them')
  if (slot !== '' && !/^(\d+|0x[0-9a-fA-F]+)$/.test(slot)) throw new Fault('invalid', 'slot must be a number')
  const id = given.replace(/^0x/, '').toLowerCase()
  if (!/^([0-9a-f]{2})*$/.test(id)) throw new Fault('invalid', 'key_id must be hex')
  if (label === '' && id === '') throw new Fault('invalid', 'key_label or key_id is needed')
  const mechanism = name === undefined ? undefined : MECHANISMS[name]
  if (name !== undefined && mechanism === undefined)
    throw new Fault('invalid', `mechanism ${JSON.stringify(name)} is not offered; AES_GCM and RSA_PKCS_OAEP are`)
  return { label, id, mechanism }
}

function openLibrary(path: string): Pkcs11Library {
  try {
    return openPkcs11(path)
  } catch (error) {
    throw new Fault('invalid', `${path} can't be loaded as a PKCS#11 library: ${(error as Error).message}`)
  }
}

async function findSlot(library: Pkcs11Library, { slot, token_label: label }: Values<typeof pkcs11Shape>): Promise<bigint> {
  if (slot !== '') return BigInt(slot)
  for (const one of await library.slots()) if ((await library.tokenLabel(one)) === label) return one
  throw new Error(`no slot has a token with the label ${JSON.stringify(label)}`)
}

async function findKey(library: Pkcs11Library, session: bigint, wanted: Wanted): Promise<Use> {
  const find = (kind: number) => findOne(library, session, wanted, kind)
  const aes = wanted.mechanism === RSA_OAEP ? undefined : await find(SECRET_KEY)
  if (aes !== undefined) return { mechanism: AES_GCM, encrypting: aes, decrypting: aes }
  const [encrypting, decrypting] = wanted.mechanism === AES_GCM ? [] : [await find(PUBLIC_KEY), await find(PRIVATE_KEY)]
  if (encrypting === undefined || decrypting === undefined) throw new Error('the token has no such key')
  return { mechanism: RSA_OAEP, encrypting, decrypting }
}

async function findOne(library: Pkcs11Library, session: bigint, { label, id }: Wanted, kind: number): Promise<bigint | undefined> {
  const named = [...(label === '' ? [] : [[LABEL, Buffer.from(label)] as const]), ...(id === '' ? [] : [[ID, Buffer.from(id, 'hex')] as const])]
  const found = await library.find(session, [[CLASS, ulong(kind)], ...named])
  if (found.length > 1) throw new Error('the token has several such keys; give key_label and key_id')
  return found[0]
}

function toMechanism(mechanism: number, iv: Buffer, hash: keyof typeof HASHES): Mechanism {
  const [algorithm, mgf] = HASHES[hash]
  const own = wipeableCopy(iv)
  const inner =
    mechanism === AES_GCM
      ? ulong(addressOf(own), own.length, 8 * own.length, 0, 0, 8 * TAG_BYTES) // CK_GCM_PARAMS
      : ulong(algorithm, mgf, 1, 0, 0) // CK_RSA_PKCS_OAEP_PARAMS, CKZ_DATA_SPECIFIED
  return { bytes: ulong(mechanism, addressOf(inner), inner.length), kept: [own, inner] }
}

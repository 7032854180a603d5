// OpenPGP by OpenPGP.js, which is loaded only where somebody asks for it.
import { Fault } from '../base/fault.ts'
import type { Pgp } from '../seal/pgp.ts'

export const openPgp: Pgp = {
  async fingerprint(key) {
    await encryptFor(key, Buffer.alloc(0))
    return (await readKey(key)).getFingerprint()
  },
  encrypt: encryptFor,
}

async function encryptFor(key: string, message: Uint8Array): Promise<Buffer> {
  const { createMessage, encrypt } = await load()
  const encryptionKeys = await readKey(key)
  const encrypted = await encrypt({ message: await createMessage({ binary: message }), encryptionKeys, format: 'binary' })
  return Buffer.from(encrypted)
}

const ARMOR = /-----BEGIN PGP PUBLIC KEY BLOCK-----/

/** Throws `invalid` for what is no public key, is revoked or expired, or doesn't encrypt. */
async function readKey(text: string) {
  const openpgp = await load()
  try {
    const bytes = Buffer.from(text, 'base64')
    const armored = ARMOR.test(text) ? text : ARMOR.test(bytes.toString('latin1')) ? bytes.toString() : undefined
    const key = await (armored === undefined ? openpgp.readKey({ binaryKey: bytes }) : openpgp.readKey({ armoredKey: armored }))
    if (key.isPrivate()) throw new Error('this is a private key; keep it to yourself')
    await key.getEncryptionKey()
    return key
  } catch (error) {
    throw new Fault('invalid', `error parsing PGP key: ${(error as Error).message}`)
  }
}

async function load() {
  try {
    return await import('openpgp')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw error
    throw new Fault('invalid', 'PGP encryption is not available: the package openpgp is not installed; it is one of the optional ones')
  }
}

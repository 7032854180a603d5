// tpm_devid, the node's side: its TPM says where the device's key lies, and opens what only this TPM can open.
import { createHash } from 'node:crypto'
import { bytesOf, formatMessage, parseMessage } from '../../attest/go-json.ts'
import { Fault } from '../../base/fault.ts'
import { isObject } from '../../base/json.ts'
import { fromPem } from '../../crypto/certificate.ts'
import { DerReader, integer, sequence } from '../../crypto/der.ts'
import { TpmReader } from '../../crypto/tpm.ts'
import type { NodeAttestation } from '../attestation.ts'
import type { NodePorts, TpmLink } from './ports.ts'
import { HIERARCHY, type TpmCommands, tpmCommands } from './tpm-commands.ts'

export interface TpmDevIdSettings {
  /** Device of the TPM, or socket of one in software. */
  readonly device: string
  /** PEM of the device's certificate, and maybe what lies above it. */
  readonly certificate: string
  /** TPMT_PUBLIC and the private area of its key, with or without their lengths before them. */
  readonly publicArea: string
  readonly privateArea: string
  readonly passwords: { readonly key: string; readonly owner: string; readonly endorsement: string }
}

const hex = (text: string): Buffer => Buffer.from(text.replace(/\s+/g, ''), 'hex')
/** AES-128 in CFB mode guards what is below; no scheme of its own. */
const GUARD = '0006 0080 0043 0010'
/** Templates that TCG's profiles name: of storage roots H-1 and H-2, of endorsement keys L-1; of an attestation key as SPIRE makes it. */
const TEMPLATE = {
  rsaRoot: hex(`0001 000b 00030472 0000 ${GUARD} 0800 00000000 0000`),
  eccRoot: hex(`0023 000b 00030472 0000 ${GUARD} 0003 0010 0000 0000`),
  endorsement: Buffer.concat([
    hex('0001 000b 000300b2 0020 837197674484b3f81a90cc8d46a5d724fd52d76e06520b64f2a1da1b331469aa'),
    hex(`${GUARD} 0800 00000000 0100`),
    Buffer.alloc(256),
  ]),
  attestation: hex('0001 000b 00050072 0000 0010 0014 000b 0800 00000000 0000'),
} as const
const ENDORSEMENT_CERTIFICATE = 0x01c00002
const RSA = 0x0001

/** One attempt: the connection, and the keys that are loaded by it. */
interface Attempt {
  readonly link: TpmLink
  readonly tpm: TpmCommands
  readonly loaded: Set<number>
}

interface Keys {
  readonly device: number
  readonly attestation: number
  readonly endorsement: number
}

type Ports = Pick<NodePorts, 'random' | 'readText' | 'readBytes' | 'openTpm'>

export function tpmDevId(ports: Ports, settings: TpmDevIdSettings): NodeAttestation {
  const { passwords } = settings
  let attempt: Attempt | undefined
  let keys: Keys | undefined
  return {
    type: 'tpm_devid',
    async payload() {
      const link = await ports.openTpm(settings.device)
      attempt = { link, tpm: tpmCommands(link), loaded: new Set() }
      const made = await load(attempt, settings, {
        publicArea: bare(ports.readBytes(settings.publicArea)),
        privateArea: bare(ports.readBytes(settings.privateArea)),
      })
      keys = made
      const { tpm } = attempt
      const { attest, signature } = await tpm.certify(made.device, passwords.key, made.attestation)
      const certificate = new DerReader(await tpm.readMemory(ENDORSEMENT_CERTIFICATE, passwords.owner)).next().whole // something may follow
      const text = (bytes: Buffer) => bytes.toString('base64')
      return formatMessage({
        DevIDCert: fromPem(ports.readText(settings.certificate)).map(text),
        DevIDPub: text(made.publicAreas.device),
        EKCert: text(certificate),
        EKPub: text(made.publicAreas.endorsement),
        AKPub: text(made.publicAreas.attestation),
        CertifiedDevID: text(attest),
        CertificationSignature: text(signature),
      })
    },
    async answer(challenge) {
      const { DevID, CredActivation } = parseMessage(challenge, 'challenges')
      if (!attempt || !keys || !isObject(CredActivation)) throw new Fault('invalid', 'received empty credential activation challenge from server')
      const { tpm } = attempt
      const digest = createHash('sha256').update(bytesOf(DevID, 'DevID')).digest()
      const signed = plainSignature(await tpm.sign(keys.device, passwords.key, digest))
      const [credential, secret] = [bytesOf(CredActivation['Credential'], 'Credential'), bytesOf(CredActivation['Secret'], 'Secret')]
      const nonce = ports.random.bytes(32)
      const opened = await tpm.activate(keys.attestation, keys.endorsement, credential, secret, passwords.endorsement, nonce)
      return formatMessage({ DevID: signed.toString('base64'), CredActivation: opened.toString('base64') })
    },
    async end() {
      const ended = attempt
      attempt = undefined
      keys = undefined
      if (!ended) return
      // Where this fails the system's resource manager forgets them with the connection.
      await Promise.allSettled(Array.from(ended.loaded, (handle) => ended.tpm.flush(handle)))
      ended.link.close()
    },
  }
}

interface Areas {
  readonly publicArea: Buffer
  readonly privateArea: Buffer
}

/** Never more than three keys at once, since some TPMs hold no more. */
async function load({ tpm, loaded }: Attempt, { passwords }: TpmDevIdSettings, { publicArea, privateArea }: Areas) {
  const keep = (handle: number) => {
    loaded.add(handle)
    return handle
  }
  const root = publicArea.readUInt16BE() === RSA ? TEMPLATE.rsaRoot : TEMPLATE.eccRoot
  const parent = keep((await tpm.createPrimary(HIERARCHY.owner, passwords.owner, root)).handle)
  const device = keep(await tpm.load(parent, privateArea, publicArea))
  const made = await tpm.create(parent, TEMPLATE.attestation)
  const attestation = keep(await tpm.load(parent, made.privateArea, made.publicArea))
  await tpm.flush(parent)
  loaded.delete(parent)
  const endorsed = await tpm.createPrimary(HIERARCHY.endorsement, passwords.endorsement, TEMPLATE.endorsement)
  const endorsement = keep(endorsed.handle)
  const publicAreas = { device: publicArea, attestation: made.publicArea, endorsement: endorsed.publicArea }
  return { device, attestation, endorsement, publicAreas }
}

/** Tools write areas with their length before them, SPIRE's provisioning without. */
function bare(file: Buffer): Buffer {
  if (file.length < 2) throw new Fault('invalid', 'the key of the device is malformed')
  return file.readUInt16BE() === file.length - 2 ? file.subarray(2) : file
}

const ECDSA = 0x18

/** As certificates are checked by: an RSA signature as it is, of ECDSA the two numbers in DER. */
function plainSignature(signature: Buffer): Buffer {
  const reader = new TpmReader(signature)
  const scheme = reader.uint16()
  reader.uint16() // hash
  const first = reader.sized()
  return scheme === ECDSA ? sequence(integer(first), integer(reader.sized())) : first
}

// tpm_devid: the node owns a device identity (IEEE 802.1AR) whose key lies in a TPM, and that TPM is one of a known maker.
import { timingSafeEqual, verify, type X509Certificate } from 'node:crypto'
import { text, type Values } from '../../base/fields.ts'
import { Fault } from '../../base/fault.ts'
import { type AttestCtx, nodeAttestor } from '../../contract/attestor.ts'
import { ATTRIBUTE, certifiedName, hasAttributes, isTpmSigned, parseTpmPublic, type TpmPublic } from '../../crypto/tpm.ts'
import { makeCredential } from '../../crypto/tpm-credential.ts'
import { openPresented, verifyPath, type VerifiedLeaf } from '../../crypto/x509-path.ts'
import { commonNamesOf } from '../../crypto/x509-reading.ts'
import { parseAuthorities } from '../ca-bundle.ts'
import { fingerprint } from '../fingerprint.ts'
import { bytesListOf, bytesOf, formatMessage, parseMessage } from '../go-json.ts'
import { newNonce } from '../nonces.ts'

const TYPE = 'tpm_devid'

const settings = {
  devid_ca: text('PEM of the authorities of device identities.'),
  endorsement_ca: text('PEM of the authorities of endorsement keys, of the makers of TPMs; those between as well.'),
}

interface Config {
  readonly devIdAuthorities: readonly X509Certificate[]
  readonly endorsementAuthorities: readonly X509Certificate[]
}

/** Keys as their TPM describes them, and what it says of them. */
interface Evidence {
  readonly chain: readonly Buffer[]
  readonly devId: TpmPublic
  readonly attestationKey: TpmPublic
  readonly endorsement: TpmPublic
  readonly endorsementCertificate: Buffer
  readonly certified: Buffer
  readonly signature: Buffer
}

export const tpmDevId = nodeAttestor({
  type: TYPE,
  doc: 'A device identity whose key lies in a TPM.',
  settings,
  configure: ({ devid_ca, endorsement_ca }: Values<typeof settings>): Config => ({
    devIdAuthorities: parseAuthorities(devid_ca, 'devid_ca'),
    endorsementAuthorities: parseAuthorities(endorsement_ca, 'endorsement_ca'),
  }),
  parse,
  async *verify(ctx, config, evidence) {
    const verified = verifyPath(openPresented(evidence.chain), config.devIdAuthorities, ctx.clock.now())
    checkResidence(ctx, config, evidence, verified.leaf)
    const nonce = newNonce(ctx.random)
    const secret = newNonce(ctx.random)
    const { blob, encryptedSeed } = makeCredential(evidence.endorsement, evidence.attestationKey.name, secret, ctx.random)
    const activation = { Credential: blob.toString('base64'), Secret: encryptedSeed.toString('base64') }
    checkAnswer(verified.leaf, nonce, secret, yield formatMessage({ DevID: nonce.toString('base64'), CredActivation: activation }))
    return { path: fingerprint(verified.leaf), selectors: selectorsOf(verified), canReattest: true }
  },
})

function parse(payload: Buffer): Evidence {
  const message = parseMessage(payload, 'attestation data')
  const bytes = (name: string) => {
    const found = bytesOf(message[name], name)
    if (found.length === 0) throw new Fault('invalid', `missing ${name}`)
    return found
  }
  return {
    chain: bytesListOf(message['DevIDCert'], 'DevIDCert'),
    devId: parseTpmPublic(bytes('DevIDPub')),
    attestationKey: parseTpmPublic(bytes('AKPub')),
    endorsement: parseTpmPublic(bytes('EKPub')),
    endorsementCertificate: bytes('EKCert'),
    certified: bytes('CertifiedDevID'),
    signature: bytes('CertificationSignature'),
  }
}

const { fixedTpm, fixedParent, sensitiveDataOrigin, restricted, decrypt, sign } = ATTRIBUTE

/**
 * The endorsement key is of a maker's TPM; whether the attestation key lies in the same TPM, the answer to the challenge will show. The
 * attestation key signs nothing but what its TPM made, so what it certifies of the device's key is true: it never leaves this TPM.
 */
function checkResidence({ clock }: AttestCtx, config: Config, evidence: Evidence, leaf: X509Certificate): void {
  const { devId, attestationKey, endorsement, certified, signature } = evidence
  const certificate = openPresented([evidence.endorsementCertificate])
  const { leaf: maker } = verifyPath(certificate, config.endorsementAuthorities, clock.now())
  if (!maker.publicKey.equals(endorsement.key)) throw refused('the endorsement key is not that of its certificate')
  if (!leaf.publicKey.equals(devId.key)) throw refused('the key of the device is not that of its certificate')
  const isCipherKnown = endorsement.cipherBits === 128 || endorsement.cipherBits === 256
  if (endorsement.key.asymmetricKeyType !== 'rsa' || !isCipherKnown) throw new Fault('invalid', 'endorsement keys are RSA keys with AES')
  if (!hasAttributes(endorsement, fixedTpm, fixedParent, restricted, decrypt)) throw refused('the endorsement key is none')
  if (!hasAttributes(attestationKey, fixedTpm, fixedParent, sensitiveDataOrigin, restricted, sign)) throw refused('the attestation key is none')
  if (!hasAttributes(devId, fixedTpm, fixedParent, sensitiveDataOrigin, sign)) throw refused('the key of the device could be elsewhere as well')
  if (!isTpmSigned(attestationKey.key, certified, signature)) throw refused('the attestation key did not sign the certification')
  if (!certifiedName(certified).equals(devId.name)) throw refused('the certification is of another key')
}

function checkAnswer(leaf: X509Certificate, nonce: Buffer, secret: Buffer, answer: Buffer): void {
  const { DevID, CredActivation } = parseMessage(answer, 'challenges response')
  if (!verify('sha256', nonce, leaf.publicKey, bytesOf(DevID, 'DevID'))) throw refused('devID challenge verification failed')
  const opened = bytesOf(CredActivation, 'CredActivation')
  if (opened.length !== secret.length || !timingSafeEqual(opened, secret)) throw refused('credential activation failed')
}

function selectorsOf({ leaf, above }: VerifiedLeaf): string[] {
  const { subject, issuer } = commonNamesOf(leaf)
  return [
    ...(subject === '' ? [] : [`subject:cn:${subject}`]),
    ...(issuer === '' ? [] : [`issuer:cn:${issuer}`]),
    ...above.map((one) => `ca:fingerprint:${fingerprint(one)}`),
  ]
}

function refused(why: string): Fault {
  return new Fault('denied', why)
}

// Signed data (CMS, RFC 5652; PKCS #7) as clouds sign what they say of a machine: what is handed on is the content that was verified.
import { hash, type KeyObject, verify, X509Certificate } from 'node:crypto'
import { type CertificateChoices, ContentInfo, SignedData, type SignerInfo } from '@peculiar/asn1-cms'
import { AsnConvert } from '@peculiar/asn1-schema'
import { fromBER, OctetString } from 'asn1js'
import { Fault } from '../base/fault.ts'
import { set } from './der.ts'
import { isAcceptable } from './signing-key.ts'

export interface Signed {
  readonly content: Buffer
  /** The certificate whose key made the signature: to be believed only for what else speaks for it. */
  readonly signer: X509Certificate
  /** What came along, the signer left out; nothing speaks for these. */
  readonly others: readonly X509Certificate[]
}

const DATA = '1.2.840.113549.1.7.1'
const SIGNED_DATA = '1.2.840.113549.1.7.2'
const CONTENT_TYPE = '1.2.840.113549.1.9.3'
const MESSAGE_DIGEST = '1.2.840.113549.1.9.4'
const MAX_CERTIFICATES = 10

/** By the object identifier of the digest: SHA-1 and MD5 are not among them. */
const DIGESTS: Readonly<Record<string, string | undefined>> = {
  '2.16.840.1.101.3.4.2.1': 'sha256',
  '2.16.840.1.101.3.4.2.2': 'sha384',
  '2.16.840.1.101.3.4.2.3': 'sha512',
}

/** By the object identifier of the signature: the kind of key, and the one digest that it goes with where it names one. */
const SIGNATURES: Readonly<Record<string, { readonly key: 'rsa' | 'ec'; readonly digest?: string } | undefined>> = {
  '1.2.840.113549.1.1.1': { key: 'rsa' },
  '1.2.840.113549.1.1.11': { key: 'rsa', digest: 'sha256' },
  '1.2.840.113549.1.1.12': { key: 'rsa', digest: 'sha384' },
  '1.2.840.113549.1.1.13': { key: 'rsa', digest: 'sha512' },
  '1.2.840.10045.4.3.2': { key: 'ec', digest: 'sha256' },
  '1.2.840.10045.4.3.3': { key: 'ec', digest: 'sha384' },
  '1.2.840.10045.4.3.4': { key: 'ec', digest: 'sha512' },
}

/**
 * The content of signed data with exactly one signer, whose certificate is among `certificates` or came along. Time and authority of
 * that certificate are the caller's to check. Throws `invalid`.
 */
export function openSigned(bytes: Buffer, certificates: readonly X509Certificate[] = []): Signed {
  const data = parse(bytes)
  const [signerInfo, ...more] = data.signerInfos
  if (!signerInfo || more.length > 0) throw invalid('it has not exactly one signer')
  if (data.encapContentInfo.eContentType !== DATA) throw invalid('it holds no data')
  const content = contentOf(data)
  const came = certificatesOf(data.certificates ?? [])
  const signer = [...certificates, ...came].find((one) => isBy(one, signerInfo) && isSigned(one.publicKey, signerInfo, content))
  if (!signer) throw invalid('its signature is by none of the certificates that count')
  return { content, signer, others: came.filter((one) => one !== signer) }
}

/** BER as well: those who sign large things write them so. */
function parse(bytes: Buffer): SignedData {
  return strictly(() => {
    const { contentType, content } = AsnConvert.parse(bytes, ContentInfo)
    if (contentType !== SIGNED_DATA) throw invalid('it is of another kind')
    return AsnConvert.parse(content, SignedData)
  })
}

/** The parser throws many kinds of errors at what is none of its own. */
function strictly<T>(reading: () => T): T {
  try {
    return reading()
  } catch (error) {
    throw error instanceof Fault ? error : invalid('it is malformed')
  }
}

function contentOf({ encapContentInfo: { eContent } }: SignedData): Buffer {
  if (eContent?.single) return Buffer.from(eContent.single.buffer)
  const { result } = strictly(() => fromBER(eContent?.any ?? new ArrayBuffer(0)))
  if (!(result instanceof OctetString)) throw invalid('it has no content')
  return strictly(() => Buffer.from(result.getValue()))
}

function certificatesOf(bag: Iterable<CertificateChoices> & { readonly length: number }): X509Certificate[] {
  if (bag.length > MAX_CERTIFICATES) throw invalid(`it has more than ${MAX_CERTIFICATES} certificates`)
  return Array.from(bag).flatMap(({ certificate }) =>
    certificate ? [strictly(() => new X509Certificate(Buffer.from(AsnConvert.serialize(certificate))))] : [],
  )
}

/** The serial number only spares a look at the others: it is the signature that counts. */
function isBy({ serialNumber }: X509Certificate, { sid }: SignerInfo): boolean {
  const serial = sid.issuerAndSerialNumber?.serialNumber
  return serial !== undefined && BigInt(`0x${Buffer.from(serial).toString('hex') || '0'}`) === BigInt(`0x${serialNumber}`)
}

function isSigned(key: KeyObject, { digestAlgorithm, signatureAlgorithm, signature, signedAttrs }: SignerInfo, content: Buffer): boolean {
  const scheme = SIGNATURES[signatureAlgorithm.algorithm]
  const digest = DIGESTS[digestAlgorithm.algorithm]
  if (!scheme || !digest || (scheme.digest ?? digest) !== digest || key.asymmetricKeyType !== scheme.key || !isAcceptable(key)) return false
  const message = signedAttrs ? attributesFor(signedAttrs, hash(digest, content, 'buffer')) : content
  return message !== undefined && verify(digest, message, key, Buffer.from(signature.buffer))
}

/** The attributes as they are signed, as long as they speak of this content (§5.4, §11). */
function attributesFor(attributes: NonNullable<SignerInfo['signedAttrs']>, digest: Buffer): Buffer | undefined {
  const digests = attributes.filter(({ attrType }) => attrType === MESSAGE_DIGEST)
  const types = attributes.filter(({ attrType }) => attrType === CONTENT_TYPE)
  const [said, type] = [digests[0]?.attrValues[0], types[0]?.attrValues[0]]
  if (digests.length !== 1 || types.length !== 1 || !said || !type) return undefined
  const isOfContent = Buffer.from(said).subarray(2).equals(digest) && Buffer.from(type).equals(DATA_DER)
  const encoded = attributes.map((one) => Buffer.from(AsnConvert.serialize(one))).sort(Buffer.compare)
  return isOfContent ? set(...encoded) : undefined
}

const DATA_DER = Buffer.from('06092a864886f70d010701', 'hex')

function invalid(why: string): Fault {
  return new Fault('invalid', `the signed document is not good: ${why}`)
}

// X.509 certificates (RFC 5280) as Signet issues them: written field by field, so that nothing enters that was not named.
import type { Random } from '../base/ports.ts'
import { bits, context, DerReader, enter, integer, octets, oid, sequence, set, TAG, text, time, tlv, TRUE } from './der.ts'
import { KEY_KINDS, keyIdentifier, signDer, type SigningKey } from './signing-key.ts'

/** Attributes of a distinguished name, in order: `[['C', 'US'], ['O', 'Signet']]`. */
export type Name = readonly (readonly [keyof typeof ATTRIBUTES, string])[]

const ATTRIBUTES = {
  C: { id: oid('2.5.4.6'), tag: TAG.printable },
  O: { id: oid('2.5.4.10'), tag: TAG.utf8 },
  OU: { id: oid('2.5.4.11'), tag: TAG.utf8 },
  CN: { id: oid('2.5.4.3'), tag: TAG.utf8 },
  L: { id: oid('2.5.4.7'), tag: TAG.utf8 },
  ST: { id: oid('2.5.4.8'), tag: TAG.utf8 },
  DC: { id: oid('0.9.2342.19200300.100.1.25'), tag: TAG.ia5 },
  serialNumber: { id: oid('2.5.4.5'), tag: TAG.printable },
  x500UniqueIdentifier: { id: oid('2.5.4.45'), tag: TAG.bits },
} as const

export const isAttribute = (name: string): name is keyof typeof ATTRIBUTES => Object.hasOwn(ATTRIBUTES, name)

/** A distinguished name in DER, one attribute to each relative name. */
export function encodeName(name: Name): Buffer {
  return sequence(
    ...name.map(([attribute, value]) => {
      const { id, tag } = ATTRIBUTES[attribute]
      return set(sequence(id, tag === TAG.bits ? bits(Buffer.from(value)) : text(tag, value)))
    }),
  )
}

export interface CertificateSpec {
  readonly subject: Name
  /** SubjectPublicKeyInfo in DER. */
  readonly publicKey: Buffer
  /** Milliseconds. */
  readonly notBefore: number
  readonly notAfter: number
  /** URI subject alternative names, then DNS ones. */
  readonly uris: readonly string[]
  readonly dnsNames: readonly string[]
  readonly authority: boolean
  /** As `newSerial` makes it; a random one where it is left out. */
  readonly serial?: Buffer
}

/** Who signs. */
export interface Issuer {
  readonly key: SigningKey
  /** Its subject in DER. */
  readonly name: Buffer
}

const KEY_USAGE = oid('2.5.29.15')
/** digitalSignature, keyEncipherment, keyAgreement. */
const LEAF_USAGE = sequence(KEY_USAGE, TRUE, octets(bits(Buffer.of(0b1010_1000), 3)))
/** keyCertSign, cRLSign. */
const AUTHORITY_USAGE = sequence(KEY_USAGE, TRUE, octets(bits(Buffer.of(0b0000_0110), 1)))
/** serverAuth and clientAuth. */
const EXTENDED_USAGE = sequence(oid('2.5.29.37'), octets(sequence(oid('1.3.6.1.5.5.7.3.1'), oid('1.3.6.1.5.5.7.3.2'))))
const BASIC_CONSTRAINTS = oid('2.5.29.19')
const LEAF_CONSTRAINTS = sequence(BASIC_CONSTRAINTS, TRUE, octets(sequence()))
const AUTHORITY_CONSTRAINTS = sequence(BASIC_CONSTRAINTS, TRUE, octets(sequence(TRUE)))
const SUBJECT_KEY = oid('2.5.29.14')
const AUTHORITY_KEY = oid('2.5.29.35')
const ALTERNATIVE_NAMES = oid('2.5.29.17')
const VERSION_3 = tlv(context(0), integer(Buffer.of(2)))
const SERIAL_BYTES = 16

export const newSerial = (random: Random): Buffer => random.bytes(SERIAL_BYTES)

/** A serial number in hex as it is written here: lower-case, without leading zeros. */
export const serialText = (hex: string): string => hex.toLowerCase().replace(/^0+/, '')

/** A signed certificate in DER. */
export function issueCertificate(spec: CertificateSpec, issuer: Issuer, random: Random): Buffer {
  const { algorithm } = KEY_KINDS[issuer.key.type]
  const body = sequence(
    VERSION_3,
    integer(spec.serial ?? newSerial(random)),
    algorithm,
    issuer.name,
    sequence(time(spec.notBefore), time(spec.notAfter)),
    encodeName(spec.subject),
    spec.publicKey,
    tlv(context(3), sequence(...extensions(spec, issuer))),
  )
  return sequence(body, algorithm, bits(signDer(issuer.key, body)))
}

function extensions({ publicKey, subject, uris, dnsNames, authority }: CertificateSpec, issuer: Issuer): Buffer[] {
  const names = [...uris.map((uri) => text(context(6, false), uri)), ...dnsNames.map((name) => text(context(2, false), name))]
  return [
    ...(authority ? [AUTHORITY_USAGE, AUTHORITY_CONSTRAINTS] : [LEAF_USAGE, EXTENDED_USAGE, LEAF_CONSTRAINTS]),
    sequence(SUBJECT_KEY, octets(octets(keyIdentifier(publicKey)))),
    sequence(AUTHORITY_KEY, octets(sequence(tlv(context(0, false), identifierOf(issuer.key))))),
    // Critical where the subject is empty (RFC 5280 §4.2.1.6).
    ...(names.length > 0 ? [sequence(ALTERNATIVE_NAMES, ...(subject.length === 0 ? [TRUE] : []), octets(sequence(...names)))] : []),
  ]
}

const identifiers = new WeakMap<SigningKey, Buffer>()

function identifierOf(key: SigningKey): Buffer {
  const known = identifiers.get(key) ?? keyIdentifier(key.publicKey)
  identifiers.set(key, known)
  return known
}

/** The subject of a certificate in DER, as it is written: who issues by it is named so. Throws NotDer. */
export function subjectOf(certificate: Buffer): Buffer {
  const body = enter(certificate).into()
  body.maybe(context(0))
  for (const tag of [TAG.integer, TAG.sequence, TAG.sequence, TAG.sequence]) body.next(tag)
  return Buffer.from(body.next(TAG.sequence).whole)
}

/** The certificates that stand one after another, as the Workload API gives them. Throws NotDer. */
export function splitCertificates(concatenated: Buffer): Buffer[] {
  const found: Buffer[] = []
  for (const reader = new DerReader(concatenated); !reader.atEnd; ) found.push(Buffer.from(reader.next(TAG.sequence).whole))
  return found
}

/** `-----BEGIN CERTIFICATE-----` blocks, in order. */
export function toPem(certificates: readonly Buffer[]): string {
  return certificates.map((der) => pem('CERTIFICATE', der)).join('')
}

/** One PEM block (RFC 7468). */
export function pem(label: string, der: Buffer): string {
  return `-----BEGIN ${label}-----\n${(der.toString('base64').match(/.{1,64}/g) ?? []).join('\n')}\n-----END ${label}-----\n`
}

/** The certificates of a PEM text, in DER, in order; whatever stands between them is passed over. */
export function fromPem(pemText: string): Buffer[] {
  const blocks = pemText.matchAll(/-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]+)-----END CERTIFICATE-----/g)
  return Array.from(blocks, ([, body = '']) => Buffer.from(body, 'base64'))
}

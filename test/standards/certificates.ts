// Certificates of any shape, also of those that this code never makes: for what a standard says must be refused.
import { randomBytes } from 'node:crypto'
import { encodeName, type Issuer, type Name } from '../../src/crypto/certificate.ts'
import { bits, context, integer, octets, oid, sequence, text, time, tlv, TRUE } from '../../src/crypto/der.ts'
import { keyIdentifier, newSigningKey, signDer, type SigningKey } from '../../src/crypto/signing-key.ts'

export const NOW = Date.parse('2026-06-01T00:00:00Z')
const HOUR = 3_600_000

/** Bits of the key usage extension (RFC 5280 §4.2.1.3), by their values in its first byte. */
export const USAGE = { digitalSignature: 0x80, keyEncipherment: 0x20, keyCertSign: 0x04, cRLSign: 0x02 } as const

export interface Shape {
  readonly subject?: Name
  readonly uris?: readonly string[]
  readonly dnsNames?: readonly string[]
  /** Undefined leaves the extension out. */
  readonly ca?: boolean | undefined
  readonly pathLength?: number
  readonly usage?: readonly (keyof typeof USAGE)[] | undefined
  readonly notAfter?: number
  /** More extensions, in DER. */
  readonly more?: readonly Buffer[]
}

export interface Certified extends Issuer {
  readonly der: Buffer
}

const extension = (id: string, value: Buffer, critical = true) => sequence(oid(id), ...(critical ? [TRUE] : []), octets(value))

/** An extension that nobody knows. */
export const unknownExtension = (critical: boolean): Buffer => extension('1.3.6.1.4.1.99999.1', octets(Buffer.of(1)), critical)
/** URI name constraints: the one subtree that is permitted (RFC 5280 §4.2.1.10). */
export const nameConstraints = (host: string): Buffer => extension('2.5.29.30', sequence(tlv(context(0), sequence(text(context(6, false), host)))))

/** Signed by an issuer, or by itself. */
export function certify(shape: Shape, by?: Issuer, key: SigningKey = newSigningKey('ec-p256')): Certified {
  const { subject = [['CN', `c${randomBytes(4).toString('hex')}`]], uris = [], dnsNames = [], ca, usage, pathLength } = shape
  const name = encodeName(subject)
  const issuer = by ?? { key, name }
  const names = [...uris.map((one) => text(context(6, false), one)), ...dnsNames.map((one) => text(context(2, false), one))]
  const extensions = [
    ...(usage ? [extension('2.5.29.15', bits(Buffer.of(usage.reduce((sum, one) => sum | USAGE[one], 0)), 1))] : []),
    ...(ca === undefined ? [] : [extension('2.5.29.19', constraints(ca, pathLength))]),
    extension('2.5.29.14', octets(keyIdentifier(key.publicKey)), false),
    ...(names.length > 0 ? [extension('2.5.29.17', sequence(...names), subject.length === 0)] : []),
    ...(shape.more ?? []),
  ]
  const algorithm = sequence(oid('1.2.840.10045.4.3.2'))
  const validity = sequence(time(NOW - HOUR), time(shape.notAfter ?? NOW + HOUR))
  const body = sequence(
    ...[tlv(context(0), integer(Buffer.of(2))), integer(randomBytes(12)), algorithm, issuer.name, validity, name, key.publicKey],
    tlv(context(3), sequence(...extensions)),
  )
  return { key, name, der: sequence(body, algorithm, bits(signDer(issuer.key, body))) }
}

function constraints(ca: boolean, pathLength: number | undefined): Buffer {
  return sequence(...(ca ? [TRUE] : []), ...(pathLength === undefined ? [] : [integer(Buffer.of(pathLength))]))
}

// Authorities and certificates for tests, as anybody's PKI may issue them.
import { createPublicKey, randomBytes, sign } from 'node:crypto'
import { type CertificateSpec, encodeName, issueCertificate, type Name, toPem } from '../crypto/certificate.ts'
import { bits, integer, NULL, oid, sequence } from '../crypto/der.ts'
import { type KeyType, newSigningKey, type SigningKey } from '../crypto/signing-key.ts'
import { settableClock } from './clock.ts'

export interface TestCertificate {
  readonly der: Buffer
  readonly key: SigningKey
  readonly subject: Name
}

export interface TestCertificateOptions extends Partial<CertificateSpec> {
  readonly issuer?: TestCertificate
  readonly type?: KeyType
  readonly key?: SigningKey
}

const DAY = 86_400_000
const random = { bytes: randomBytes }

/** Signed by its issuer or by itself; good for a day around the time of settable clocks unless told otherwise. */
export function testCertificate(
  name: string,
  { issuer, type = 'ec-p256', key = newSigningKey(type), ...more }: TestCertificateOptions = {},
): TestCertificate {
  const now = settableClock().now()
  const subject: Name = more.subject ?? [['CN', name]]
  const spec = { publicKey: key.publicKey, notBefore: now - DAY, notAfter: now + DAY, uris: [], dnsNames: [], authority: false, ...more, subject }
  const by = issuer ? { key: issuer.key, name: encodeName(issuer.subject) } : { key, name: encodeName(subject) }
  return { der: issueCertificate(spec, by, random), key, subject }
}

export const testAuthority = (name: string, options: TestCertificateOptions = {}): TestCertificate =>
  testCertificate(name, { authority: true, ...options })

/** The public key of nobody: of as many bits as one wants, at no cost. */
export function hugeRsaKey(modulusBits: number): Buffer {
  const modulus = randomBytes(modulusBits / 8)
  modulus[0] = (modulus[0] as number) | 0x80
  modulus[modulus.length - 1] = (modulus.at(-1) as number) | 1
  const key = sequence(integer(modulus), integer(Buffer.of(1, 0, 1)))
  return sequence(sequence(oid('1.2.840.113549.1.1.1'), NULL), bits(key))
}

/** Good for TLS, which has the real time: certificate and key in PEM. */
export function testServerIdentity(issuer: TestCertificate, name = 'localhost'): { readonly cert: string; readonly key: string } {
  const one = testCertificate(name, { issuer, dnsNames: [name], notBefore: Date.now() - DAY, notAfter: Date.now() + DAY })
  return { cert: toPem([one.der]), key: one.key.key.export({ format: 'pem', type: 'pkcs8' }).toString() }
}

/** A signing request in DER: what every client of the attestation API sends. */
export function testCsr(key: SigningKey = newSigningKey('ec-p256')): Buffer {
  const info = sequence(integer(Buffer.of(0)), encodeName([['CN', 'x']]), key.publicKey, Buffer.of(0xa0, 0))
  return sequence(info, sequence(oid('1.2.840.10045.4.3.2')), bits(sign('sha256', info, key.key)))
}

export const publicKeyOf = ({ key }: TestCertificate) => createPublicKey(key.key)

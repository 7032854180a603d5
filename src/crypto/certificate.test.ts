import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { createPublicKey, randomBytes, X509Certificate } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { Fault } from '../base/fault.ts'
import { type CertificateSpec, encodeName, fromPem, issueCertificate, type Issuer, toPem } from './certificate.ts'
import { publicKeyOfCsr } from './csr.ts'
import { exportSigningKey, type KeyType, keyIdentifier, newSigningKey, openSigningKey } from './signing-key.ts'

const random = { bytes: randomBytes }
const NOW = Date.now()
const HOUR = 3_600_000
const ID = 'spiffe://example.org/web'
const SUBJECT = [['O', 'Signet']] as const

function authority(type: KeyType): { issuer: Issuer; certificate: Buffer } {
  const key = newSigningKey(type)
  const issuer = { key, name: encodeName(SUBJECT) }
  const spec = { subject: SUBJECT, publicKey: key.publicKey, notBefore: NOW - HOUR, notAfter: NOW + 24 * HOUR, dnsNames: [], authority: true }
  return { issuer, certificate: issueCertificate({ ...spec, uris: ['spiffe://example.org'] }, issuer, random) }
}

function leaf(issuer: Issuer, more: Partial<CertificateSpec> = {}): Buffer {
  const { publicKey } = newSigningKey('ec-p256')
  const spec = { subject: [], publicKey, notBefore: NOW - 10_000, notAfter: NOW + HOUR, uris: [ID], dnsNames: [], authority: false }
  return issueCertificate({ ...spec, ...more }, issuer, random)
}

describe('certificates', () => {
  let dir: string
  before(() => {
    dir = mkdtempSync(join(tmpdir(), 'signet-x509-'))
  })
  after(() => rmSync(dir, { recursive: true }))

  const file = (name: string, content: string | Buffer) => {
    const path = join(dir, name)
    writeFileSync(path, content)
    return path
  }

  for (const type of ['ec-p256', 'ec-p384', 'rsa-2048', 'rsa-4096'] as const) {
    test(`of a ${type} authority are verified by OpenSSL, strictly`, () => {
      const { issuer, certificate } = authority(type)
      const root = file('root.pem', toPem([certificate]))
      const path = file('leaf.pem', toPem([leaf(issuer, { dnsNames: ['web.example.org'], subject: [['CN', 'web']] })]))
      const verified = execFileSync('openssl', ['verify', '-x509_strict', '-purpose', 'sslclient', '-CAfile', root, path], { encoding: 'utf8' })
      assert.match(verified, /: OK/)
    })
  }

  test('of an ML-DSA authority verify under Node', () => {
    const { issuer, certificate } = authority('ml-dsa-65')
    assert.ok(new X509Certificate(leaf(issuer)).verify(createPublicKey({ key: issuer.key.publicKey, format: 'der', type: 'spki' })))
    assert.equal(new X509Certificate(certificate).ca, true)
  })

  test('of a workload say what an X509-SVID must, and no more (X509-SVID.md §3 to §4)', () => {
    const { issuer } = authority('ec-p256')
    const shown = execFileSync('openssl', ['x509', '-inform', 'DER', '-noout', '-text'], { input: leaf(issuer), encoding: 'utf8' })
    assert.match(shown, /Subject: *\n/)
    assert.match(shown, /Key Usage: critical\s+Digital Signature, Key Encipherment, Key Agreement\n/)
    assert.match(shown, /Extended Key Usage: *\s+TLS Web Server Authentication, TLS Web Client Authentication\n/)
    assert.match(shown, /Basic Constraints: critical\s+CA:FALSE/)
    assert.match(shown, /Subject Alternative Name: critical\s+URI:spiffe:\/\/example.org\/web\n/)
    assert.match(shown, /Subject Key Identifier/)
    assert.match(shown, /Authority Key Identifier/)
  })

  test('of an authority sign certificates and lists, and name the trust domain (X509-SVID.md §4)', () => {
    const shown = execFileSync('openssl', ['x509', '-inform', 'DER', '-noout', '-text'], {
      input: authority('ec-p256').certificate,
      encoding: 'utf8',
    })
    assert.match(shown, /Key Usage: critical\s+Certificate Sign, CRL Sign\n/)
    assert.match(shown, /Basic Constraints: critical\s+CA:TRUE\n/)
    assert.match(shown, /Subject Alternative Name: *\s+URI:spiffe:\/\/example.org\n/)
  })

  test('have serial numbers of 128 random bits', () => {
    const { issuer } = authority('ec-p256')
    const serials = new Set(Array.from({ length: 20 }, () => new X509Certificate(leaf(issuer)).serialNumber))
    assert.equal(serials.size, 20)
  })

  test('carry subjects with every attribute', () => {
    const { issuer } = authority('ec-p256')
    const subject = [
      ['CN', 'a,b'],
      ['O', 'Ünit'],
      ['DC', 'org'],
      ['x500UniqueIdentifier', 'ab12'],
    ] as const
    const shown = new X509Certificate(leaf(issuer, { subject })).subject
    assert.match(shown, /CN=a\\,b\nO=Ünit\nDC=org\n/)
  })

  test('PEM goes there and back', () => {
    const chain = [authority('ec-p256').certificate, authority('ec-p256').certificate]
    assert.deepEqual(fromPem(`# roots\n${toPem(chain)}`), chain)
    assert.deepEqual(fromPem('nothing'), [])
  })

  test('keys are stored and opened again', () => {
    for (const type of ['ec-p256', 'rsa-2048', 'ml-dsa-65'] as const) {
      const key = newSigningKey(type)
      assert.deepEqual(openSigningKey(type, exportSigningKey(key)).publicKey, key.publicKey)
      assert.equal(keyIdentifier(key.publicKey).length, 20)
    }
  })

  const csr = (...options: string[]) => {
    const args = ['req', '-new', '-nodes', '-outform', 'DER', '-subj', '/CN=asks for more', '-keyout', join(dir, 'csr.key'), ...options]
    return execFileSync('openssl', args, { stdio: ['ignore', 'pipe', 'ignore'] })
  }
  const P256 = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256']

  for (const [name, options] of [
    ['EC', P256],
    ['RSA', ['-newkey', 'rsa:2048']],
    ['Ed25519', ['-newkey', 'ed25519']],
    ['extensions', [...P256, '-addext', 'subjectAltName=URI:spiffe://example.org/other']],
  ] as const) {
    test(`a signing request (${name}) gives its public key and nothing else`, () => {
      const der = csr(...options)
      const expected = execFileSync('openssl', ['pkey', '-in', join(dir, 'csr.key'), '-pubout', '-outform', 'DER'])
      assert.deepEqual(publicKeyOfCsr(der), expected)
    })
  }

  for (const [why, make, message] of [
    ['is not DER', () => Buffer.from('not a request'), /malformed CSR/],
    ['is empty', () => Buffer.alloc(0), /malformed CSR/],
    ['is too large', () => Buffer.alloc(20_000), /too large/],
    ['has something after it', () => Buffer.concat([csr(...P256), Buffer.of(0)]), /malformed CSR/],
    ['is signed by another key', () => forged(csr(...P256)), /invalid CSR signature/],
    ['has a small RSA key', () => csr('-newkey', 'rsa:1024'), /not accepted/],
    ['has a key on another curve', () => csr('-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:secp256k1'), /not accepted/],
    ['is signed with SHA-1', () => csr(...P256, '-sha1'), /invalid CSR signature/],
  ] as const) {
    test(`a signing request is refused that ${why}`, () => {
      assert.throws(
        () => publicKeyOfCsr(make()),
        (error) => error instanceof Fault && error.code === 'invalid' && message.test(error.message),
      )
    })
  }
})

/** Another subject under the same signature. */
function forged(der: Buffer): Buffer {
  const out = Buffer.from(der)
  const at = out.indexOf('asks for more')
  out.write('ASKS', at)
  return out
}

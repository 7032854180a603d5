import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { randomBytes, X509Certificate } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { Fault } from '../base/fault.ts'
import { type CertificateSpec, encodeName, issueCertificate, type Issuer } from './certificate.ts'
import { newSigningKey, type SigningKey } from './signing-key.ts'
import { idOf, NOTHING_REVOKED, verifyX509Svid } from './x509-svid.ts'

const NOW = Date.parse('2026-06-01T00:00:00Z')
const HOUR = 3_600_000
const DAY = 24 * HOUR
const ID = 'spiffe://example.org/web'
const random = { bytes: randomBytes }

function issue(by: Issuer, more: Partial<CertificateSpec> = {}): Buffer {
  const { publicKey } = newSigningKey('ec-p256')
  const spec = { subject: [], publicKey, notBefore: NOW - HOUR, notAfter: NOW + HOUR, uris: [ID], dnsNames: [], authority: false }
  return issueCertificate({ ...spec, ...more }, by, random)
}

function authority(name: string, by?: Issuer, more: Partial<CertificateSpec> = {}): Issuer & { der: Buffer } {
  const key: SigningKey = newSigningKey('ec-p256')
  const subject = [['CN', name]] as const
  const own = { key, name: encodeName(subject) }
  const spec = { subject, publicKey: key.publicKey, authority: true, uris: [], notBefore: NOW - DAY, notAfter: NOW + DAY }
  return { ...own, der: issue(by ?? own, { ...spec, ...more }) }
}

const root = authority('root')
const other = authority('root')
const middle = authority('middle', root)
const bundles = new Map([
  ['example.org', [other.der, root.der]],
  ['other.org', [other.der]],
])
const verify = (chain: readonly Buffer[], now = NOW) => verifyX509Svid(chain, now, (domain) => bundles.get(domain), NOTHING_REVOKED)

describe('X509-SVID validation (X509-SVID.md §5)', () => {
  test('takes a leaf that an authority of its trust domain signed', () => {
    const svid = verify([issue(root)])
    assert.equal(svid.id, ID)
    assert.equal(svid.expiresAt, NOW + HOUR)
    assert.match(svid.serial, /^[0-9a-f]+$/)
  })

  test('takes a chain through intermediates, with or without the root at its end', () => {
    assert.equal(verify([issue(middle), middle.der]).id, ID)
    assert.equal(verify([issue(middle), middle.der, root.der]).id, ID)
  })

  const notAuthority: Issuer = { key: newSigningKey('ec-p256'), name: encodeName([['CN', 'leaf']]) }
  for (const [why, chain, message] of [
    ['is empty', [], /no certificate/],
    ['is no certificate', [Buffer.from('x')], /malformed certificate/],
    ['is longer than five', Array.from({ length: 6 }, () => root.der), /at most 5/],
    ['names no identity', [issue(root, { uris: [], subject: [['CN', 'x']] })], /no URI SAN/],
    ['names two identities', [issue(root, { uris: [ID, 'spiffe://example.org/b'] })], /more than one URI SAN/],
    ['names something else', [issue(root, { uris: ['https://example.org/web'] })], /scheme is missing/],
    ['names a trust domain', [issue(root, { uris: ['spiffe://example.org'] })], /names a trust domain/],
    ['names an ID with encoded letters', [issue(root, { uris: ['spiffe://example.org/%61'] })], /limited to letters/],
    ['is an authority', [authority('ca', root, { uris: [ID] }).der], /CA flag/],
    ['has an unknown trust domain', [issue(root, { uris: ['spiffe://nowhere.org/web'] })], /no bundle for trust domain "nowhere.org"/],
    ["is signed by another trust domain's authority", [issue(root, { uris: ['spiffe://other.org/web'] })], /unknown authority/],
    ['misses its intermediate', [issue(middle)], /unknown authority/],
    ['has its intermediates in disorder', [issue(middle), root.der, middle.der], /unknown authority/],
    [
      'comes through a leaf',
      [issue(notAuthority), issue(root, { subject: [['CN', 'leaf']], publicKey: notAuthority.key.publicKey })],
      /CA flag set to false/,
    ],
    ['comes through an expired intermediate', throughExpired(), /expired/],
  ] as const) {
    test(`refuses a chain that ${why}`, () => {
      assert.throws(
        () => verify(chain),
        (error) => error instanceof Fault && error.code === 'invalid' && message.test(error.message),
      )
    })
  }

  test('counts time to the second, at both ends', () => {
    const chain = [issue(root)]
    verify(chain, NOW - HOUR)
    verify(chain, NOW + HOUR)
    assert.throws(() => verify(chain, NOW - HOUR - 1000), /not yet valid/)
    assert.throws(() => verify(chain, NOW + HOUR + 1000), /expired/)
  })

  test('refuses an expired authority', () => {
    const old = authority('old', undefined, { notAfter: NOW - 1000 })
    assert.throws(() => verifyX509Svid([issue(old)], NOW, () => [old.der], NOTHING_REVOKED), /expired/)
  })

  test('refuses a leaf whose bytes were changed', () => {
    const leaf = issue(root)
    const at = leaf.indexOf('/web') + 1
    leaf.write('dbx', at)
    assert.throws(() => verify([leaf]), /unknown authority/)
  })
})

describe('X509-SVID validation of what OpenSSL made', () => {
  let dir: string
  before(() => {
    dir = mkdtempSync(join(tmpdir(), 'signet-svid-'))
  })
  after(() => rmSync(dir, { recursive: true }))

  /** A self-signed certificate with these extensions. */
  function made(...extensions: string[]): Buffer {
    const config = ['[req]', 'distinguished_name=dn', 'prompt=no', '[dn]', 'CN=x', '[ext]', ...extensions].join('\n')
    writeFileSync(join(dir, 'c'), config)
    const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', '/dev/null']
    execFileSync('openssl', ['req', '-x509', '-config', join(dir, 'c'), '-extensions', 'ext', ...curve, '-outform', 'DER', '-out', join(dir, 'o')], {
      stdio: 'ignore',
    })
    return readFileSync(join(dir, 'o'))
  }
  const SAN = `subjectAltName=URI:${ID}`

  for (const [why, extensions, message] of [
    ['without key usage', [SAN], /no key usage/],
    ['without digitalSignature', [SAN, 'keyUsage=keyAgreement'], /without key usage 'digitalSignature'/],
    ['with keyCertSign', [SAN, 'keyUsage=digitalSignature,keyCertSign'], /keyCertSign/],
    ['with cRLSign', [SAN, 'keyUsage=digitalSignature,cRLSign'], /cRLSign/],
    ['with the authority flag', [SAN, 'keyUsage=digitalSignature', 'basicConstraints=CA:TRUE'], /CA flag set to true/],
    ['with a critical extension that nobody knows', [SAN, 'keyUsage=digitalSignature', '1.2.3.4=critical,DER:0500'], /malformed/],
  ] as const) {
    test(`refuses a leaf ${why}`, () => {
      const leaf = made(...extensions)
      assert.throws(() => verifyX509Svid([leaf], Date.now(), () => [leaf], NOTHING_REVOKED), message)
    })
  }

  test('reads other names beside the identity', () => {
    const leaf = made(`subjectAltName=DNS:a.org,URI:${ID},IP:10.0.0.1`, 'keyUsage=digitalSignature')
    assert.equal(idOf(new X509Certificate(leaf)), ID)
  })

  test('keeps to path lengths', () => {
    const top = authority('top')
    const low = authority('low', top)
    const limited = authority('limited', low)
    assert.equal(verifyX509Svid([issue(limited), limited.der, low.der], NOW, () => [top.der], NOTHING_REVOKED).id, ID)
    const short = made('basicConstraints=critical,CA:TRUE,pathlen:0', 'keyUsage=keyCertSign')
    assert.throws(() => verifyX509Svid([issue(limited), limited.der], NOW, () => [short], NOTHING_REVOKED), /unknown authority/)
  })
})

function throughExpired(): Buffer[] {
  const expired = authority('expired', root, { notAfter: NOW - 1000 })
  return [issue(expired), expired.der]
}

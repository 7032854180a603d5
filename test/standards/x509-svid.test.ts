// What X509-SVID.md demands, statement by statement, of what this code issues and of what it believes.
import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { describe, test } from 'node:test'
import { Fault } from '../../src/base/fault.ts'
import { type Bundle, formatBundle, parseBundle } from '../../src/crypto/bundle.ts'
import { newSigningKey } from '../../src/crypto/signing-key.ts'
import { parseSpiffeId, parseTrustDomain } from '../../src/crypto/spiffe-id.ts'
import { NOTHING_REVOKED, verifyX509Svid } from '../../src/crypto/x509-svid.ts'
import { openTrustDomain } from '../../src/testing/trust-domain.ts'
import { type Certified, certify, nameConstraints, NOW, type Shape, unknownExtension } from './certificates.ts'

const HOME = parseTrustDomain('example.org')
const ID = 'spiffe://example.org/web'
const CA: Shape = { ca: true, usage: ['keyCertSign', 'cRLSign'] }
const LEAF: Shape = { uris: [ID], ca: false, usage: ['digitalSignature'] }
const root = certify({ ...CA, uris: ['spiffe://example.org'] })
const believe = (...chain: readonly Certified[]) =>
  verifyX509Svid(
    chain.map(({ der }) => der),
    NOW,
    (domain) => (domain === HOME ? [root.der] : undefined),
    NOTHING_REVOKED,
  )
const refused = (...chain: readonly Certified[]) => assert.throws(() => believe(...chain), Fault)

/** What the trust domain itself issues, as OpenSSL prints it. */
async function issued(subject: readonly (readonly ['O', string])[] = []) {
  const { rooms, clock } = await openTrustDomain('example.org')
  const { chain } = rooms.svids.x509({ id: parseSpiffeId(ID), publicKey: newSigningKey('ec-p256').publicKey, ttl: 60, dnsNames: ['web'], subject })
  const [authority] = rooms.authorities.bundle().x509Authorities
  return { leaf: chain[0] as Buffer, authority: authority as Buffer, bundle: rooms.authorities.bundle(), now: clock.now() }
}

/** An extension in DER: its id, whether it is critical, and its value. */
const CRITICAL = Buffer.of(0x01, 0x01, 0xff)
const has = (der: Buffer, ...parts: readonly Buffer[]) => der.includes(Buffer.concat(parts))
const KEY_USAGE = Buffer.from('0603551d0f', 'hex')
const ALTERNATIVE_NAMES = Buffer.from('0603551d11', 'hex')
const EXTENDED_USAGE = Buffer.from('0603551d25', 'hex')

describe('X509-SVID.md', () => {
  test('§2: an X.509 SVID MUST contain exactly one URI SAN, and by extension exactly one SPIFFE ID', async () => {
    const { leaf } = await issued()
    assert.equal(new X509Certificate(leaf).subjectAltName, `URI:${ID}, DNS:web`)
    assert.equal(believe(certify(LEAF, root)).id, ID)
    refused(certify({ ...LEAF, uris: [] }, root))
  })

  test('§2: validators encountering an SVID with more than one URI SAN MUST reject it', () => {
    refused(certify({ ...LEAF, uris: [ID, 'spiffe://example.org/db'] }, root))
    refused(certify({ ...LEAF, uris: [ID, ID] }, root))
    refused(certify({ ...LEAF, uris: [ID, 'https://example.org/'] }, root))
  })

  test('§2: an X.509 SVID MAY contain any number of other SAN field types', () => {
    assert.equal(believe(certify({ ...LEAF, dnsNames: ['a.test', 'b.test', 'c.test'] }, root)).id, ID)
  })

  test('§3.1: leaf certificate SPIFFE IDs MUST have a non-root path component', () => {
    refused(certify({ ...LEAF, uris: ['spiffe://example.org'] }, root))
    refused(certify({ ...LEAF, uris: ['spiffe://example.org/'] }, root))
  })

  test('§3.1: the URI SAN extension MUST be marked as critical if Subject is omitted', async () => {
    assert.ok(has((await issued()).leaf, ALTERNATIVE_NAMES, CRITICAL))
    assert.ok(!has((await issued([['O', 'Example']])).leaf, ALTERNATIVE_NAMES, CRITICAL))
  })

  test('§3.2: the SPIFFE ID of a signing certificate MUST NOT have a path component', async () => {
    assert.equal(new X509Certificate((await issued()).authority).subjectAltName, 'URI:spiffe://example.org')
  })

  test('§3.2: signing certificates MUST NOT be used for authentication purposes', () => {
    refused(root)
    refused(certify({ ...CA, uris: [ID] }, root))
  })

  test('§4.1: signing certificates MUST set the cA field to true, and leaf certificates MUST set it to false', async () => {
    const { leaf, authority } = await issued()
    assert.deepEqual([new X509Certificate(leaf).ca, new X509Certificate(authority).ca], [false, true])
    refused(certify({ ...LEAF, ca: true }, root))
    const between = certify({ ca: false, usage: ['keyCertSign'] }, root)
    refused(certify(LEAF, between), between)
  })

  test('§4.1: signing certificates MAY set pathLenConstraint, which holds (RFC 5280 §6.1.4)', () => {
    const none = certify({ ...CA, pathLength: 0 }, root)
    assert.equal(believe(certify(LEAF, none), none).id, ID)
    const below = certify(CA, none)
    refused(certify(LEAF, below), below, none)
  })

  test('§4.2: name constraints are critical, and a chain with some that can’t be processed is not believed (RFC 5280 §4.2)', () => {
    const constrained = certify({ ...CA, more: [nameConstraints('example.org')] }, root)
    refused(certify(LEAF, constrained), constrained)
  })

  test('§4.3: the key usage extension MUST be set on all SVIDs, and MUST be marked critical', async () => {
    const { leaf, authority } = await issued()
    assert.ok(has(leaf, KEY_USAGE, CRITICAL) && has(authority, KEY_USAGE, CRITICAL))
    refused(certify({ ...LEAF, usage: undefined }, root))
    const between = certify({ ca: true, usage: undefined }, root)
    refused(certify(LEAF, between), between)
  })

  test('§4.3: SVID signing certificates MUST set keyCertSign', () => {
    const between = certify({ ca: true, usage: ['digitalSignature', 'cRLSign'] }, root)
    refused(certify(LEAF, between), between)
  })

  test('§4.3: leaf SVIDs MUST set digitalSignature', () => {
    refused(certify({ ...LEAF, usage: ['keyEncipherment'] }, root))
    assert.equal(believe(certify({ ...LEAF, usage: ['digitalSignature', 'keyEncipherment'] }, root)).id, ID)
  })

  test('§4.3: leaf SVIDs MUST NOT set keyCertSign or cRLSign', () => {
    for (const one of ['keyCertSign', 'cRLSign'] as const) refused(certify({ ...LEAF, usage: ['digitalSignature', one] }, root))
  })

  test('§4.4: when the extended key usage is included, serverAuth and clientAuth MUST be set', async () => {
    const { leaf } = await issued()
    assert.ok(has(leaf, EXTENDED_USAGE))
    assert.deepEqual(new X509Certificate(leaf).keyUsage?.toSorted(), ['1.3.6.1.5.5.7.3.1', '1.3.6.1.5.5.7.3.2'])
  })

  test('§5.1: the validation MUST follow RFC 5280 path validation semantics', () => {
    const between = certify(CA, root)
    assert.equal(believe(certify(LEAF, between), between).id, ID)
    assert.equal(believe(certify({ ...LEAF, more: [unknownExtension(false)] }, root)).id, ID)
    refused(certify({ ...LEAF, more: [unknownExtension(true)] }, root))
    refused(certify(LEAF, between))
    refused(certify(LEAF, certify({ ...CA, uris: ['spiffe://example.org'] })))
    refused(certify({ ...LEAF, notAfter: NOW - 1_000 }, root))
    const expired = certify({ ...CA, notAfter: NOW - 1_000 }, root)
    refused(certify(LEAF, expired), expired)
    const twin = certify({ ...CA, subject: [['CN', 'twin']] })
    const honest = certify({ ...CA, subject: [['CN', 'twin']] }, root)
    refused(certify(LEAF, twin), honest)
  })

  test('§5.2: the validator MUST ensure that the signing authority is one of the trust domain of the SPIFFE ID', () => {
    refused(certify({ ...LEAF, uris: ['spiffe://other.org/web'] }, root))
  })

  test('§5.2: it MUST ensure that the scheme of the SPIFFE ID is spiffe', () => {
    for (const uri of ['https://example.org/web', 'SPIFFE://example.org/web', 'urn:spiffe://example.org/web'])
      refused(certify({ ...LEAF, uris: [uri] }, root))
  })

  const keysOf = (bundle: Bundle) => (formatBundle(bundle)['keys'] as Record<string, unknown>[]).filter(({ use }) => use === 'x509-svid')
  const parse = (...keys: readonly object[]) => parseBundle(HOME, Buffer.from(JSON.stringify({ keys }))).x509Authorities

  test('§6.1: use MUST be x509-svid, kid MUST NOT be set, x5c MUST have exactly one certificate', async () => {
    const { bundle } = await issued()
    const keys = keysOf(bundle)
    assert.equal(keys.length, 1)
    for (const { kid, x5c } of keys) assert.deepEqual([kid, x5c], [undefined, [bundle.x509Authorities[0]?.toString('base64')]])
  })

  test('§6.2: if x5c is not set or is empty, the entry MUST be ignored', async () => {
    const { bundle } = await issued()
    const [key = {}] = keysOf(bundle)
    assert.deepEqual(parse({ ...key, x5c: undefined }, { ...key, x5c: [] }, key), bundle.x509Authorities)
  })

  test('§6.2: if x5c has multiple values, all but the first MUST be ignored', async () => {
    const { bundle } = await issued()
    const [key = {}] = keysOf(bundle)
    assert.deepEqual(parse({ ...key, x5c: [...(key['x5c'] as string[]), root.der.toString('base64')] }), bundle.x509Authorities)
  })
})

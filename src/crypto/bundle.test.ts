import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { describe, test } from 'node:test'
import { Fault } from '../base/fault.ts'
import type { JsonObject } from '../base/json.ts'
import { formatBundle, formatJwks, jwtKeyOf, parseBundle, witKeyOf } from './bundle.ts'
import { encodeName, issueCertificate } from './certificate.ts'
import { newSigningKey } from './signing-key.ts'
import { parseTrustDomain } from './spiffe-id.ts'

const DOMAIN = parseTrustDomain('example.org')
const key = newSigningKey('ec-p256')
const rsa = newSigningKey('rsa-2048')
const wit = newSigningKey('ec-p384')
const certificate = issueCertificate(
  { subject: [], publicKey: key.publicKey, notBefore: 0, notAfter: 1e12, uris: ['spiffe://example.org'], dnsNames: [], authority: true },
  { key, name: encodeName([]) },
  { bytes: randomBytes },
)
const BUNDLE = {
  trustDomain: DOMAIN,
  x509Authorities: [certificate],
  jwtAuthorities: [
    { keyId: 'a', publicKey: key.publicKey, expiresAt: undefined },
    { keyId: 'b', publicKey: rsa.publicKey, expiresAt: undefined },
  ],
  witAuthorities: [{ keyId: 'w', publicKey: wit.publicKey, expiresAt: undefined }],
  refreshHint: 300,
  sequence: 7,
}
const parse = (document: unknown) => parseBundle(DOMAIN, Buffer.from(typeof document === 'string' ? document : JSON.stringify(document)))
const [X509, JWT] = formatBundle(BUNDLE)['keys'] as [JsonObject, JsonObject]

describe('SPIFFE bundles', () => {
  test('are published and read again', () => assert.deepEqual(parse(formatBundle(BUNDLE)), BUNDLE))

  test('give every key a type and a use (§4.2)', () => {
    assert.deepEqual(
      (formatBundle(BUNDLE)['keys'] as JsonObject[]).map(({ kty, use, kid, x5c }) => [kty, use, kid, Array.isArray(x5c) && x5c.length]),
      [
        ['EC', 'x509-svid', undefined, 1],
        ['EC', 'jwt-svid', 'a', false],
        ['RSA', 'jwt-svid', 'b', false],
        ['EC', 'wit-svid', 'w', false],
      ],
    )
  })

  test('an empty set of keys says that all are revoked', () => {
    assert.deepEqual(parse({ keys: [] }), { ...BUNDLE, x509Authorities: [], jwtAuthorities: [], witAuthorities: [], refreshHint: 0, sequence: 0 })
  })

  test('keys of unknown use or kind are passed over', () => {
    const extra = [
      { ...JWT, use: 'other-svid' },
      { ...JWT, use: undefined },
      { kty: 'OKP', crv: 'Ed25519', x: 'AA', use: 'jwt-svid', kid: 'z' },
    ]
    assert.deepEqual(parse({ ...formatBundle(BUNDLE), keys: [X509, ...extra, JWT], other: 1 }).jwtAuthorities.length, 1)
  })

  for (const [why, document] of [
    ['no JSON', '{'],
    ['no object', '[]'],
    ['no keys', {}],
    ['a key that is no object', { keys: [1] }],
    ['an x509-svid key with garbage', { keys: [{ ...X509, x5c: ['AAAA'] }] }],
    ['a key without kty', { keys: [{ ...X509, kty: undefined }] }],
    ['a jwt-svid key without id', { keys: [{ ...JWT, kid: undefined }] }],
    ['a wit-svid key without id', { keys: [{ ...JWT, use: 'wit-svid', kid: undefined }] }],
    ['two keys with one id', { keys: [JWT, JWT] }],
    ['two keys of different use with one id', { keys: [JWT, { ...JWT, use: 'wit-svid' }] }],
    ['a broken sequence', { keys: [], spiffe_sequence: 'x' }],
    ['a broken refresh hint', { keys: [], spiffe_refresh_hint: 1.5 }],
  ] as const) {
    test(`refuse a document with ${why}`, () => assert.throws(() => parse(document), Fault))
  }

  test('give the key that signs tokens under an id', () => {
    assert.deepEqual(jwtKeyOf(BUNDLE, 'b')?.export({ format: 'der', type: 'spki' }), rsa.publicKey)
    assert.equal(jwtKeyOf(BUNDLE, 'c'), undefined)
  })

  test('keep the keys of both kinds of token apart', () => {
    assert.deepEqual(witKeyOf(BUNDLE, 'w')?.export({ format: 'der', type: 'spki' }), wit.publicKey)
    assert.deepEqual([jwtKeyOf(BUNDLE, 'w'), witKeyOf(BUNDLE, 'a')], [undefined, undefined])
  })

  test('the set for OIDC has no SPIFFE members', () => {
    assert.deepEqual(Object.keys(formatJwks(BUNDLE.jwtAuthorities, 'sig')), ['keys'])
    assert.deepEqual(Object.keys((formatJwks(BUNDLE.jwtAuthorities)['keys'] as JsonObject[])[0] ?? {}).sort(), ['crv', 'kid', 'kty', 'x', 'y'])
  })
})

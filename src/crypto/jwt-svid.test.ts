import assert from 'node:assert/strict'
import { createHmac, createPublicKey, generateKeyPairSync, sign } from 'node:crypto'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { Fault } from '../base/fault.ts'
import { issueJwtSvid, verifyJwtSvid } from './jwt-svid.ts'
import { newSigningKey } from './signing-key.ts'
import { parseSpiffeId } from './spiffe-id.ts'

const NOW = Date.parse('2026-06-01T00:00:00Z')
const SECOND = NOW / 1000
const ID = parseSpiffeId('spiffe://example.org/web')
const KEY = newSigningKey('ec-p256')
const PUBLIC = createPublicKey(KEY.key)
const RSA = generateKeyPairSync('rsa', { modulusLength: 2048 })
const P384 = generateKeyPairSync('ec', { namedCurve: 'P-384' })
const keys = new Map([
  ['example.org/k', PUBLIC],
  ['example.org/rsa', RSA.publicKey],
  ['example.org/p384', P384.publicKey],
  ['other.org/other', P384.publicKey],
])

const verify = (token: string, audience = 'api', now = NOW) => verifyJwtSvid(token, audience, now, (domain, kid) => keys.get(`${domain}/${kid}`))
const refused = (message: RegExp) => (error: unknown) => error instanceof Fault && error.code === 'invalid' && message.test(error.message)

const b64 = (value: unknown) => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url')
const HEADER = { alg: 'ES256', kid: 'k', typ: 'JWT' }
const CLAIMS = { sub: ID, aud: ['api'], exp: SECOND + 300, iat: SECOND }
/** Signed as told, whatever is said inside. */
function forge(header: unknown, claims: unknown, { hash = 'sha256', key = KEY.key, padding = 1 } = {}): string {
  const signed = `${b64(header)}.${b64(claims)}`
  const how =
    key.asymmetricKeyType === 'ec' ? { key, dsaEncoding: 'ieee-p1363' as const } : { key, padding, ...(padding === 6 ? { saltLength: -1 } : {}) }
  return `${signed}.${sign(hash, Buffer.from(signed), how).toString('base64url')}`
}

describe('JWT-SVIDs (JWT-SVID.md)', () => {
  test('are issued with plain claims and verified by their trust domain', () => {
    const token = issueJwtSvid(KEY, 'k', {
      subject: ID,
      audience: ['api', 'b'],
      issuedAt: SECOND,
      expiresAt: SECOND + 300,
      issuer: 'https://x',
      tokenId: 'j',
    })
    const svid = verify(token)
    assert.equal(svid.id, ID)
    assert.deepEqual(svid.claims, { sub: ID, aud: ['api', 'b'], exp: SECOND + 300, iat: SECOND, iss: 'https://x', jti: 'j' })
    assert.equal(svid.expiresAt, NOW + 300_000)
  })

  for (const [alg, hash, kid, key, padding] of [
    ['RS256', 'sha256', 'rsa', RSA.privateKey, 1],
    ['RS512', 'sha512', 'rsa', RSA.privateKey, 1],
    ['PS384', 'sha384', 'rsa', RSA.privateKey, 6],
    ['ES384', 'sha384', 'p384', P384.privateKey, 1],
  ] as const) {
    test(`are taken with ${alg}`, () => assert.equal(verify(forge({ alg, kid }, CLAIMS, { hash, key, padding })).id, ID))
  }

  for (const [why, token, message] of [
    ['is empty', '', /malformed/],
    ['has two parts', 'a.b', /malformed/],
    ['has four parts', `${forge(HEADER, CLAIMS)}.x`, /malformed/],
    ['is unsigned', `${b64({ alg: 'none', kid: 'k' })}.${b64(CLAIMS)}.`, /malformed/],
    ['says alg none', forge({ ...HEADER, alg: 'none' }, CLAIMS), /algorithm that is not allowed/],
    ['says alg None', forge({ ...HEADER, alg: 'None' }, CLAIMS), /algorithm that is not allowed/],
    ['says EdDSA', forge({ ...HEADER, alg: 'EdDSA' }, CLAIMS), /algorithm that is not allowed/],
    ['has no alg', forge({ kid: 'k' }, CLAIMS), /algorithm that is not allowed/],
    ['has no kid', forge({ alg: 'ES256' }, CLAIMS), /missing key id/],
    ['brings its own key', forge({ ...HEADER, jwk: PUBLIC.export({ format: 'jwk' }) }, CLAIMS), /members that are not allowed/],
    ['points to a key', forge({ ...HEADER, jku: 'https://x' }, CLAIMS), /members that are not allowed/],
    ['asks for extensions', forge({ ...HEADER, crit: ['b64'], b64: false }, CLAIMS), /members that are not allowed/],
    ['is of another type', forge({ ...HEADER, typ: 'at+jwt' }, CLAIMS), /type is not allowed/],
    ['is a WIT-SVID', forge({ ...HEADER, typ: 'wit+jwt' }, CLAIMS), /a WIT-SVID is no bearer token/],
    ['has a header that is no object', forge([1], CLAIMS), /malformed/],
    ['has claims that are no object', forge(HEADER, 'text'), /malformed/],
    ['is signed by an unknown key', forge({ ...HEADER, kid: 'x' }, CLAIMS), /no JWT authority "x" found/],
    [
      "is signed by another trust domain's key",
      forge({ alg: 'ES384', kid: 'other' }, CLAIMS, { key: P384.privateKey, hash: 'sha384' }),
      /no JWT authority/,
    ],
    ['says RS256 of an EC key', forge({ ...HEADER, alg: 'RS256' }, CLAIMS), /invalid signature/],
    ['says ES384 of a P-256 key', forge({ ...HEADER, alg: 'ES384' }, CLAIMS, { hash: 'sha384' }), /invalid signature/],
    ['says PS256 and is RS256', forge({ alg: 'PS256', kid: 'rsa' }, CLAIMS, { key: RSA.privateKey }), /invalid signature/],
    ['has no subject', forge(HEADER, { ...CLAIMS, sub: undefined }), /missing subject/],
    ['has a subject that is no SPIFFE ID', forge(HEADER, { ...CLAIMS, sub: 'ann' }), /scheme/],
    ['speaks for a trust domain', forge(HEADER, { ...CLAIMS, sub: 'spiffe://example.org' }), /subject is a trust domain/],
    ['has no audience', forge(HEADER, { ...CLAIMS, aud: undefined }), /missing audience/],
    ['has an empty audience', forge(HEADER, { ...CLAIMS, aud: [] }), /missing audience/],
    ['has an audience of numbers', forge(HEADER, { ...CLAIMS, aud: [1] }), /missing audience/],
    ['is for somebody else', forge(HEADER, { ...CLAIMS, aud: ['other'] }), /expected audience in/],
    ['is for a longer name', forge(HEADER, { ...CLAIMS, aud: ['api2', 'Api'] }), /expected audience in/],
    ['never expires', forge(HEADER, { ...CLAIMS, exp: undefined }), /missing exp/],
    ['expires at infinity', `${b64(HEADER)}.${b64(`{"sub":"${ID}","aud":"api","exp":1e400}`)}.AA`, /invalid signature/],
    ['expires at a text', forge(HEADER, { ...CLAIMS, exp: '9999999999' }), /exp claim is not a number/],
    ['has expired', forge(HEADER, { ...CLAIMS, exp: SECOND - 60 }), /expired/],
    ['is not valid yet', forge(HEADER, { ...CLAIMS, nbf: SECOND + 61 }), /not valid yet/],
    ['comes from the future', forge(HEADER, { ...CLAIMS, iat: SECOND + 61 }), /issued in the future/],
    ['is too long', forge(HEADER, { ...CLAIMS, pad: 'x'.repeat(20_000) }), /malformed/],
  ] as const) {
    test(`are refused where one ${why}`, () => assert.throws(() => verify(token), refused(message)))
  }

  test('the public key is never taken for a shared secret', () => {
    const signed = `${b64({ ...HEADER, alg: 'HS256' })}.${b64(CLAIMS)}`
    const mac = createHmac('sha256', PUBLIC.export({ format: 'pem', type: 'spki' }))
      .update(signed)
      .digest('base64url')
    assert.throws(() => verify(`${signed}.${mac}`), refused(/algorithm that is not allowed/))
  })

  test('clocks may differ by less than a minute', () => {
    assert.equal(verify(forge(HEADER, { ...CLAIMS, exp: SECOND - 59 })).id, ID)
    assert.equal(verify(forge(HEADER, { ...CLAIMS, nbf: SECOND + 60 })).id, ID)
  })

  test('there is one way to write a token', () => {
    const token = forge(HEADER, CLAIMS)
    const [header = '', claims = '', signature = ''] = token.split('.')
    for (const variant of [
      `${header}=.${claims}.${signature}`,
      `${header}.${claims}.${signature}==`,
      `${header} .${claims}.${signature}`,
      `${header}.${claims}\n.${signature}`,
      `${header}.${claims}.${signature.replaceAll('-', '+').replaceAll('_', '/')}+`,
      JSON.stringify({ protected: header, payload: claims, signature }),
    ]) {
      assert.throws(() => verify(variant), refused(/malformed|invalid signature/), variant)
    }
  })

  test('a changed letter anywhere is refused', () => {
    const token = forge(HEADER, CLAIMS)
    fc.assert(
      fc.property(fc.nat(token.length - 1), fc.constantFrom(...'ABab01-_. ='), (at, letter) => {
        fc.pre(token[at] !== letter)
        assert.throws(() => verify(token.slice(0, at) + letter + token.slice(at + 1)), Fault)
      }),
      { numRuns: 500 },
    )
  })
})

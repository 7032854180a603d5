// What JWT-SVID.md demands, statement by statement, of what this code issues and of what it believes.
import assert from 'node:assert/strict'
import { createHmac, createPublicKey, type KeyObject } from 'node:crypto'
import { describe, test } from 'node:test'
import { Fault } from '../../src/base/fault.ts'
import type { JsonObject } from '../../src/base/json.ts'
import { formatBundle, jwtKeyOf, parseBundle } from '../../src/crypto/bundle.ts'
import { verifyJwtSvid } from '../../src/crypto/jwt-svid.ts'
import { parseSpiffeId, parseTrustDomain } from '../../src/crypto/spiffe-id.ts'
import { openTrustDomain } from '../../src/testing/trust-domain.ts'
import { ALGORITHMS, b64, P256, partsOf, RSA, token } from './tokens.ts'

const NOW = Date.parse('2026-06-01T00:00:00Z')
const ID = 'spiffe://example.org/web'
const CLAIMS = { sub: ID, aud: ['api'], exp: NOW / 1000 + 300 }

const believe = (text: string, key: KeyObject = P256.publicKey, audience = 'api') => verifyJwtSvid(text, audience, NOW, () => key)
const refused = (text: string, key?: KeyObject, audience?: string) => assert.throws(() => believe(text, key, audience), Fault)

const parsed = (keys: readonly JsonObject[]) => parseBundle(parseTrustDomain('example.org'), Buffer.from(JSON.stringify({ keys })))

async function issued() {
  const { rooms, clock } = await openTrustDomain('example.org')
  const made = rooms.svids.jwt(parseSpiffeId(ID), ['api'], 60)
  return { ...made, ...partsOf(made.token), now: clock.now(), key: createPublicKey(rooms.authorities.signer('jwt').key.key) }
}

describe('JWT-SVID.md', () => {
  test('§2: any header not described here MUST NOT be included', async () => {
    assert.deepEqual(Object.keys((await issued()).header).sort(), ['alg', 'kid', 'typ'])
    assert.equal(believe(token({}, CLAIMS)).id, ID)
    for (const header of [
      { jku: 'https://x' },
      { jwk: {} },
      { x5u: 'https://x' },
      { x5c: [] },
      { crit: ['exp'] },
      { cty: 'JWT' },
      { zip: 'DEF' },
      { own: 1 },
    ]) {
      refused(token(header, CLAIMS))
    }
  })

  for (const [alg, { keys }] of Object.entries(ALGORITHMS)) {
    test(`§2.1: alg MUST be one of the values listed: ${alg}`, () => assert.equal(believe(token({}, CLAIMS, alg), keys.publicKey).id, ID))
  }

  test('§2.1: validators receiving a token with alg set to a different value MUST reject the token', () => {
    const signed = (alg: unknown) => `${b64({ alg, kid: 'k' })}.${b64(CLAIMS)}`
    for (const alg of ['none', 'None', 'NONE', '', 'EdDSA', 'ES256K', 'RSA1_5', 'es256', null, 1, ['ES256']]) {
      for (const signature of ['', 'AAAA']) refused(`${signed(alg)}.${signature}`)
    }
    const pem = P256.publicKey.export({ format: 'pem', type: 'spki' })
    for (const alg of ['HS256', 'HS384', 'HS512']) {
      const text = signed(alg)
      refused(
        `${text}.${createHmac(`sha${alg.slice(2)}`, pem)
          .update(text)
          .digest('base64url')}`,
      )
    }
  })

  test('§2.1: an algorithm is taken with keys of its own kind only', () => {
    refused(token({}, CLAIMS, 'ES256'), RSA.publicKey)
    refused(token({}, CLAIMS, 'RS256'), P256.publicKey)
    refused(token({}, CLAIMS, 'ES384'), P256.publicKey)
  })

  test('§2.3: if typ is set, its value MUST be either JWT or JOSE', () => {
    for (const typ of ['JWT', 'JOSE', undefined]) assert.equal(believe(token({ typ }, CLAIMS)).id, ID)
    for (const typ of ['jwt', 'at+jwt', 'wit+jwt', '', 1, null]) refused(token({ typ }, CLAIMS))
  })

  test('§3.1: the sub claim MUST be set to the SPIFFE ID of the workload', async () => {
    assert.equal((await issued()).claims.sub, ID)
    for (const sub of [undefined, '', 'web', 'https://example.org/web', 'spiffe://example.org', 1, [ID], null]) refused(token({}, { ...CLAIMS, sub }))
  })

  test('§3.2: the aud claim MUST be present, containing one or more values', async () => {
    assert.deepEqual((await issued()).claims.aud, ['api'])
    for (const aud of [undefined, [], '', [''], null, 1, {}, ['api', 1]]) refused(token({}, { ...CLAIMS, aud }))
    const { rooms } = await openTrustDomain('example.org')
    for (const audience of [[], ['']]) assert.throws(() => rooms.svids.jwt(parseSpiffeId(ID), audience, 60), Fault)
  })

  test('§3.2: validators MUST reject tokens where the value that they identify with is not present', () => {
    assert.equal(believe(token({}, { ...CLAIMS, aud: ['db', 'api'] })).id, ID)
    assert.equal(believe(token({}, { ...CLAIMS, aud: 'api' })).id, ID)
    for (const audience of ['db', 'API', 'api/', '']) refused(token({}, CLAIMS), undefined, audience)
  })

  test('§3.3: the exp claim MUST be set, and validators MUST reject tokens without this claim', async () => {
    const { claims, expiresAt } = await issued()
    assert.equal(claims.exp, expiresAt / 1000)
    for (const exp of [undefined, null, '9999999999', true, {}]) refused(token({}, { ...CLAIMS, exp }))
  })

  test('§4: exp is processed according to RFC 7519 §4.1.4, with a small leeway', () => {
    assert.equal(believe(token({}, { ...CLAIMS, exp: NOW / 1000 - 59 })).id, ID)
    refused(token({}, { ...CLAIMS, exp: NOW / 1000 - 60 }))
    refused(token({}, { ...CLAIMS, exp: 0 }))
    refused(token({}, { ...CLAIMS, exp: -1 }))
  })

  test('§4: signatures are validated as RFC 7515 says: over every byte', () => {
    const text = token({}, CLAIMS)
    const [header = '', claims = '', signature = ''] = text.split('.')
    refused(`${header}.${b64({ ...CLAIMS, sub: 'spiffe://example.org/dba' })}.${signature}`)
    refused(`${b64({ alg: 'ES256', kid: 'other' })}.${claims}.${signature}`)
    refused(`${header}.${claims}.${signature.slice(0, -2)}`)
    refused(`${header}.${claims}.`)
  })

  test('§4: a token is believed by a key of its own trust domain only', () => {
    const asked: string[] = []
    assert.throws(
      () => verifyJwtSvid(token({}, { ...CLAIMS, sub: 'spiffe://other.org/web' }), 'api', NOW, (domain) => void asked.push(domain)),
      Fault,
    )
    assert.deepEqual(asked, ['other.org'])
  })

  test('§5.1: JWT-SVIDs MUST be serialized using the JWS Compact Serialization', async () => {
    assert.match((await issued()).token, /^[\w-]+\.[\w-]+\.[\w-]+$/)
    const [header = '', payload = '', signature = ''] = token({}, CLAIMS).split('.')
    refused(JSON.stringify({ payload, signatures: [{ protected: header, signature }] }))
    refused(JSON.stringify({ payload, protected: header, signature }))
    for (const odd of [
      `${header}.${payload}.${signature}.`,
      `${header}.${payload}`,
      `${header}.${payload}.${signature}=`,
      ` ${header}.${payload}.${signature}`,
      `${header}.${payload}.${signature}\n`,
    ])
      refused(odd)
  })

  test('§6.1: in the bundle, use MUST be set to jwt-svid and kid MUST be set', async () => {
    const { rooms } = await openTrustDomain('example.org')
    const bundle = rooms.authorities.bundle()
    const keys = (formatBundle(bundle)['keys'] as JsonObject[]).filter(({ x5c }) => x5c === undefined)
    assert.deepEqual(
      keys.map(({ use, kid }) => [use, kid]),
      bundle.jwtAuthorities.map(({ keyId }) => ['jwt-svid', keyId]),
    )
    for (const kid of [undefined, '', 1]) assert.throws(() => parsed([{ ...keys[0], kid: kid as never }]), Fault)
  })

  test('§6.2: implementations MUST extract the JWT-SVID keys before validation: those with the use jwt-svid', () => {
    const jwk = { ...P256.publicKey.export({ format: 'jwk' }), kid: 'k' } as JsonObject
    const keyIn = (use: string | undefined) => jwtKeyOf(parsed([{ ...jwk, ...(use === undefined ? {} : { use }) }]), 'k')
    const verified = (use: string | undefined) => verifyJwtSvid(token({}, CLAIMS), 'api', NOW, () => keyIn(use))
    assert.equal(verified('jwt-svid').id, ID)
    for (const use of ['x509-svid', 'wit-svid', 'sig', 'JWT-SVID', undefined]) assert.throws(() => verified(use), Fault, use)
  })

  test('what is issued is believed', async () => {
    const { token: text, key, now } = await issued()
    assert.equal(verifyJwtSvid(text, 'api', now, () => key).id, ID)
  })
})

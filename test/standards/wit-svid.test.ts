// What WIT-SVID.md demands, statement by statement, of what this code issues and of what it believes.
import assert from 'node:assert/strict'
import { createHmac, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { describe, test } from 'node:test'
import { Fault } from '../../src/base/fault.ts'
import type { JsonObject } from '../../src/base/json.ts'
import { formatBundle, jwtKeyOf, parseBundle, witKeyOf } from '../../src/crypto/bundle.ts'
import { verifyJwtSvid } from '../../src/crypto/jwt-svid.ts'
import { parseSpiffeId, parseTrustDomain } from '../../src/crypto/spiffe-id.ts'
import { type BoundKey, boundKeyOf, verifyWitSvid } from '../../src/crypto/wit-svid.ts'
import { NO_GUESTS } from '../../src/spiffe/authority-set.ts'
import { openTrustDomain } from '../../src/testing/trust-domain.ts'
import { ALGORITHMS, b64, P256, P384, type Pair, partsOf, RSA, token } from './tokens.ts'

const NOW = Date.parse('2026-06-01T00:00:00Z')
const ID = 'spiffe://example.org/web'
const HOME = parseTrustDomain('example.org')

/** The workload's own key, and what is said of it. */
const OWN = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const jwkOf = ({ publicKey }: Pair) => publicKey.export({ format: 'jwk' }) as JsonObject
const CNF: { readonly jwk: JsonObject } = { jwk: { ...jwkOf(OWN), alg: 'ES256' } }
const CLAIMS = { sub: ID, exp: NOW / 1000 + 300, cnf: CNF }
const WIT = { typ: 'wit+jwt' }

/** Proves possession by what only a test can do: it has the private key. */
const holds = ({ key }: BoundKey) => key.equals(OWN.publicKey)
const believe = (text: string, key: KeyObject = P256.publicKey, isHeld = holds) =>
  verifyWitSvid(text, NOW, (_, kid) => (kid === 'k' ? key : undefined), isHeld)
const refused = (text: string, key?: KeyObject) => assert.throws(() => believe(text, key), Fault)
const says = (claims: object) => token(WIT, { ...CLAIMS, ...claims })

async function issued(settings: JsonObject = {}, more: JsonObject = {}) {
  const { ask, rooms, clock } = await openTrustDomain('example.org')
  await ask('write', 'config', { wit_svids: true, ...settings })
  const made = await ask('write', 'svid/wit', { spiffe_id: ID, jwk: CNF.jwk, ...more })
  const text = String(made.data['svid'])
  const { authority, key } = rooms.authorities.signer('wit')
  return { ask, rooms, text, ...partsOf(text), authority, now: clock.now(), key: createPublicKey(key.key) }
}

describe('WIT-SVID.md', () => {
  test('§1: WIT-SVIDs are encoded using JWS compact serialization', async () => {
    assert.match((await issued()).text, /^[\w-]+\.[\w-]+\.[\w-]+$/)
    const [header = '', payload = '', signature = ''] = token(WIT, CLAIMS).split('.')
    refused(JSON.stringify({ payload, protected: header, signature }))
    for (const odd of [`${header}.${payload}.${signature}.`, `${header}.${payload}`, `${header}.${payload}.${signature}=`]) refused(odd)
  })

  test('§2.1: the kid parameter MUST be present', async () => {
    const { header, authority } = await issued()
    assert.equal(header.kid, authority.id)
    for (const kid of [undefined, '', null, 1]) refused(token({ ...WIT, kid }, CLAIMS))
  })

  test('§2.1: kid MUST be treated by verifiers as a case-sensitive string', () => {
    assert.equal(believe(token(WIT, CLAIMS)).id, ID)
    refused(token({ ...WIT, kid: 'K' }, CLAIMS))
  })

  test('§2.1: the issuer MUST ensure that kid is unique to each issuing key pair', async () => {
    const { ask, rooms } = await issued()
    const made = await ask('write', 'authorities/wit/prepare')
    await ask('write', 'authorities/wit/activate', { authority_id: made.data['authority_id'] ?? '' })
    const { jwt, wit } = rooms.authorities.set()
    assert.equal(wit.length, 2)
    assert.equal(new Set([...jwt, ...wit].map(({ id }) => id)).size, 3)
    assert.equal(new Set(wit.map(({ publicKey }) => publicKey)).size, 2)
  })

  test('§2.2: typ MUST be present and MUST be set to wit+jwt', async () => {
    assert.equal((await issued()).header.typ, 'wit+jwt')
    for (const typ of [undefined, 'JWT', 'JOSE', 'WIT+JWT', 'wit', 'at+jwt', '', null, 1]) refused(token({ typ }, CLAIMS))
  })

  for (const [alg, { keys }] of Object.entries(ALGORITHMS)) {
    test(`§2.3: alg MUST be one of the supported values: ${alg}`, () => assert.equal(believe(token(WIT, CLAIMS, alg), keys.publicKey).id, ID))
  }

  test('§2.3: validators MUST reject WIT-SVIDs with an unsupported alg', () => {
    const signed = (alg: unknown) => `${b64({ alg, kid: 'k', ...WIT })}.${b64(CLAIMS)}`
    for (const alg of ['none', 'None', '', 'EdDSA', 'ES256K', 'es256', null, 1, undefined]) {
      for (const signature of ['', 'AAAA']) refused(`${signed(alg)}.${signature}`)
    }
    const text = signed('HS256')
    const pem = P256.publicKey.export({ format: 'pem', type: 'spki' })
    refused(`${text}.${createHmac('sha256', pem).update(text).digest('base64url')}`)
    refused(token(WIT, CLAIMS, 'ES256'), RSA.publicKey)
    refused(token(WIT, CLAIMS, 'ES384'), P256.publicKey)
  })

  test('§2.4: implementations SHOULD NOT provide additional header parameters', async () => {
    assert.deepEqual(Object.keys((await issued()).header).sort(), ['alg', 'kid', 'typ'])
  })

  test('§2.4: validators SHOULD ignore unknown header parameters, except those that crit names', () => {
    assert.equal(believe(token({ ...WIT, own: 1, jku: 'https://x', jwk: jwkOf(P384) }, CLAIMS)).id, ID)
    for (const crit of [['own'], [], 'own', null]) refused(token({ ...WIT, own: 1, crit }, CLAIMS))
  })

  test('§3.1: sub MUST be present and MUST be the SPIFFE ID of the workload', async () => {
    assert.equal((await issued()).claims.sub, ID)
    for (const sub of [undefined, '', 'web', 'https://example.org/web', 'spiffe://example.org', 1, [ID], null]) refused(says({ sub }))
    const { ask } = await issued()
    for (const spiffe_id of ['web', 'spiffe://other.org/web', 'spiffe://example.org'])
      await assert.rejects(ask('write', 'svid/wit', { spiffe_id, jwk: CNF.jwk }), Fault)
  })

  test('§3.2: cnf MUST be present, and validators MUST reject WIT-SVIDs without it', async () => {
    assert.deepEqual((await issued()).claims.cnf, CNF)
    for (const cnf of [undefined, null, 'x', [], {}]) refused(says({ cnf }))
  })

  test('§3.2: the structure of cnf MUST be that of RFC 7800 and of the WIT: one public key, as a JWK', () => {
    const { x, ...half } = CNF.jwk
    for (const jwk of [
      undefined,
      null,
      'x',
      [],
      {},
      half,
      { ...CNF.jwk, x: `${x}AA` },
      { ...CNF.jwk, crv: 'P-384' },
      { ...CNF.jwk, kty: 'oct', k: 'AAAA' },
    ])
      refused(says({ cnf: { jwk } }))
    refused(says({ cnf: { jwk: { ...OWN.privateKey.export({ format: 'jwk' }), alg: 'ES256' } } }))
    refused(says({ cnf: { jwk: CNF.jwk, jwe: 'x' } }))
    for (const other of [{ kid: 'k' }, { jku: 'https://x' }, { 'x5t#S256': 'AAAA' }]) refused(says({ cnf: other }))
  })

  for (const [alg, { keys }] of Object.entries(ALGORITHMS)) {
    test(`§3.2: cnf.jwk.alg MUST have one of the supported values: ${alg}`, async () => {
      const jwk = { ...jwkOf(keys), alg }
      assert.deepEqual((await issued({}, { jwk })).claims.cnf, { jwk })
      assert.equal(believe(says({ cnf: { jwk } }), undefined, () => true).bound.algorithm, alg)
    })
  }

  test('§3.2: a cnf.jwk.alg that is none of these, or not for this key, is refused', async () => {
    const { ask } = await issued()
    for (const alg of ['none', 'EdDSA', 'HS256', 'ES384', 'RS256', 'es256', '', 1, null]) {
      refused(says({ cnf: { jwk: { ...CNF.jwk, alg } } }))
      if (alg !== null) await assert.rejects(ask('write', 'svid/wit', { spiffe_id: ID, jwk: { ...CNF.jwk, alg } }), Fault)
    }
    refused(says({ cnf: { jwk: jwkOf(OWN) } }))
    refused(says({ cnf: { jwk: { ...jwkOf(RSA), alg: 'ES256' } } }))
  })

  test('§3.3: two WIT-SVIDs of a trust domain MUST NOT have one jti', async () => {
    const { rooms } = await issued()
    const bound = boundKeyOf(CNF.jwk)
    const ids = Array.from({ length: 50 }, () => partsOf(rooms.svids.wit(parseSpiffeId(ID), bound, 60).token).claims.jti)
    assert.equal(new Set(ids).size, 50)
    for (const jti of ids) assert.match(jti, /^\w{24}$/)
  })

  test('§3.3: jti MUST NOT be used for replay protection', () => {
    const text = says({ jti: 'once' })
    for (let n = 0; n < 3; n++) assert.equal(believe(text).id, ID)
  })

  test('§3.4: exp MUST be present, and validators MUST reject WIT-SVIDs without it', async () => {
    const { claims, now } = await issued({}, { ttl: 60 })
    assert.equal(claims.exp, Math.floor(now / 1000) + 60)
    for (const exp of [undefined, null, '9999999999', true, {}]) refused(says({ exp }))
  })

  test('§3.4: validators MUST reject WIT-SVIDs when exp is in the past, with a small leeway', () => {
    assert.equal(believe(says({ exp: NOW / 1000 - 59 })).id, ID)
    for (const exp of [NOW / 1000 - 60, 0, -1]) refused(says({ exp }))
  })

  test('§3.5: validators MUST reject WIT-SVIDs when nbf is in the future', () => {
    assert.equal(believe(says({ nbf: NOW / 1000 + 60 })).id, ID)
    for (const nbf of [NOW / 1000 + 61, '0', null]) refused(says({ nbf }))
  })

  test('§3.6: iat MUST NOT be used for limiting the earliest validity', () => {
    for (const iat of [NOW / 1000 + 1e6, 0, 'yesterday', null]) assert.equal(believe(says({ iat })).id, ID)
  })

  test('§3.7: iss SHOULD NOT be compatible with OpenID Connect Discovery', async () => {
    assert.equal('iss' in (await issued({ jwt_issuer: 'https://id.example.org' })).claims, false)
  })

  test('§3.8: aud MUST NOT be included', async () => {
    assert.equal('aud' in (await issued()).claims, false)
    for (const aud of ['api', ['api'], [], '', null]) refused(says({ aud }))
  })

  test('§3.8: validators SHOULD ignore claims that they do not know', () => {
    assert.equal(believe(says({ scope: 'all', azp: 1 })).id, ID)
  })

  for (const [wit_key_type, alg] of Object.entries({ 'ec-p256': 'ES256', 'ec-p384': 'ES384', 'rsa-2048': 'RS256', 'rsa-4096': 'RS256' })) {
    test(`§4: the issuer MUST use one of the permitted algorithms, and MUST set alg, typ and kid: ${wit_key_type}`, async () => {
      const { header, authority } = await issued({ wit_key_type })
      assert.deepEqual(header, { alg, kid: authority.id, typ: 'wit+jwt' })
    })
  }

  test('§4: a key that signs by no permitted algorithm signs no WIT-SVIDs', async () => {
    await assert.rejects(issued({ wit_key_type: 'ml-dsa-65' }), /cannot be signed with ML-DSA/)
  })

  test('§4: the issuer MUST set sub, exp and cnf', async () => {
    assert.deepEqual(Object.keys((await issued()).claims).sort(), ['cnf', 'exp', 'iat', 'jti', 'sub'])
  })

  test('§4: the issuer MUST set cnf.jwk.alg', async () => {
    const { alg: _, ...bare } = CNF.jwk
    assert.equal((await issued({}, { jwk: bare })).claims.cnf.jwk.alg, 'ES256')
    const { ask } = await issued()
    await assert.rejects(ask('write', 'svid/wit', { spiffe_id: ID, jwk: jwkOf(RSA) }), /unsupported signing algorithm for RSA key/)
  })

  test('§4, §5, §7.1: a WIT-SVID MUST NOT be accepted without proof of possession of the key in cnf', () => {
    assert.throws(() => believe(token(WIT, CLAIMS), undefined, () => false), /possession of the key of the WIT-SVID is not proven/)
    assert.throws(() => believe(says({ cnf: { jwk: { ...jwkOf(P384), alg: 'ES384' } } })), /not proven/)
  })

  test('§5, §7.1: a WIT-SVID MUST NOT be taken for a bearer token: JWT validation refuses it, whoever signed it', async () => {
    const { text, rooms, now, key } = await issued()
    assert.throws(() => verifyJwtSvid(text, 'api', now, () => key), /a WIT-SVID is no bearer token/)
    const bundle = rooms.authorities.bundle()
    const disguised = token({ typ: 'JWT' }, { ...CLAIMS, aud: ['api'] })
    const under = {
      ...bundle,
      witAuthorities: [{ keyId: 'k', publicKey: P256.publicKey.export({ format: 'der', type: 'spki' }), expiresAt: undefined }],
    }
    assert.throws(() => verifyJwtSvid(disguised, 'api', NOW, (_, kid) => jwtKeyOf(under, kid)), /no JWT authority "k" found/)
  })

  test('a key for JWT-SVIDs validates no WIT-SVID', () => {
    const bundle = parseBundle(HOME, Buffer.from(JSON.stringify({ keys: [{ ...jwkOf(P256), kid: 'k', use: 'jwt-svid' }] })))
    assert.throws(() => verifyWitSvid(token(WIT, CLAIMS), NOW, (_, kid) => witKeyOf(bundle, kid), holds), /no WIT authority "k" found/)
  })

  test('a WIT-SVID is believed by a key of its own trust domain only', () => {
    const asked: string[] = []
    assert.throws(() => verifyWitSvid(says({ sub: 'spiffe://other.org/web' }), NOW, (domain) => void asked.push(domain), holds), Fault)
    assert.deepEqual(asked, ['other.org'])
  })

  test('§6.1: use MUST be set to wit-svid, one JWK for each key', async () => {
    const { rooms, authority } = await issued()
    const keys = formatBundle(rooms.authorities.bundle())['keys'] as { use: string; kid?: string }[]
    assert.deepEqual(
      keys.filter(({ use }) => use === 'wit-svid').map(({ kid }) => kid),
      [authority.id],
    )
  })

  test('§6.1: kid MUST be set, and unique within the bundle', async () => {
    const { rooms } = await issued()
    const jwk = { ...jwkOf(P256), kid: 'a', use: 'wit-svid' }
    const parse = (...keys: object[]) => parseBundle(HOME, Buffer.from(JSON.stringify({ keys })))
    assert.equal(parse(jwk, { ...jwk, kid: 'b' }).witAuthorities.length, 2)
    for (const keys of [[{ ...jwk, kid: undefined }], [{ ...jwk, kid: '' }], [jwk, jwk], [jwk, { ...jwk, use: 'jwt-svid' }]])
      assert.throws(() => parse(...keys), Fault)
    const guest = {
      id: rooms.authorities.set().jwt[0]?.id ?? '',
      publicKey: P256.publicKey.export({ format: 'der', type: 'spki' }).toString('base64'),
      expiresAt: 0,
    }
    await assert.rejects(rooms.authorities.publish({ ...NO_GUESTS, wit: [guest] }), /another authority has the key ID/)
  })

  test('§6.2: implementations MUST extract the WIT-SVID keys before validation: those with the use wit-svid', async () => {
    const { rooms, text, authority, now } = await issued()
    const published = parseBundle(HOME, Buffer.from(JSON.stringify(formatBundle(rooms.authorities.bundle()))))
    assert.deepEqual(
      published.witAuthorities.map(({ keyId }) => keyId),
      [authority.id],
    )
    assert.equal(verifyWitSvid(text, now, (_, kid) => witKeyOf(published, kid), holds).id, ID)
    for (const { keyId } of published.jwtAuthorities) assert.equal(witKeyOf(published, keyId), undefined)
  })

  test('§6.2: a trust domain whose bundle has no such key does not support WIT-SVIDs', async () => {
    const { ask, rooms } = await openTrustDomain('example.org')
    assert.deepEqual(rooms.authorities.bundle().witAuthorities, [])
    await assert.rejects(ask('write', 'svid/wit', { spiffe_id: ID, jwk: CNF.jwk }), /WIT-SVIDs are off in this trust domain/)
  })
})

import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { describe, test } from 'node:test'
import { Fault } from '../base/fault.ts'
import type { JsonObject } from '../base/json.ts'
import { formatBundle, witKeyOf } from '../crypto/bundle.ts'
import { parseSpiffeId } from '../crypto/spiffe-id.ts'
import { boundKeyOf, verifyWitSvid } from '../crypto/wit-svid.ts'
import { transact } from '../store/transact.ts'
import { openTrustDomain } from '../testing/trust-domain.ts'
import { NO_AUTHORITIES, NO_GUESTS, openSet, withAbove, withGuests, withoutWit } from './authority-set.ts'
import { ALL, sets } from './authorities.ts'
import { checkSpiffe } from './check.ts'
import { confine } from './confine.ts'

const ID = 'spiffe://example.org/web'
const OWN = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const JWK = OWN.publicKey.export({ format: 'jwk' }) as JsonObject
const RSA = generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey.export({ format: 'jwk' }) as JsonObject
const HOUR = 3_600_000
const refused = (code: string, text: RegExp) => (error: unknown) => error instanceof Fault && error.code === code && text.test(error.message)

async function open(settings: JsonObject = { wit_svids: true }) {
  const domain = await openTrustDomain()
  if (Object.keys(settings).length > 0) await domain.ask('write', 'config', settings)
  const { rooms, clock, ask } = domain
  const mint = async (more: JsonObject = {}) => (await ask('write', 'svid/wit', { spiffe_id: ID, jwk: JWK, ...more })).data
  const believe = (token: unknown) =>
    verifyWitSvid(
      String(token),
      clock.now(),
      (_, kid) => witKeyOf(rooms.authorities.bundle(), kid),
      ({ key }) => key.equals(OWN.publicKey),
    )
  const wit = () => rooms.authorities.set().wit
  return { ...domain, mint, believe, wit }
}

describe('WIT-SVIDs', () => {
  test('are off until they are asked for, and then there is an authority at once', async () => {
    const { ask, mint, wit, rooms, believe } = await open({})
    const off = refused('unsupported', /WIT-SVIDs are off in this trust domain; write wit_svids=true to spiffe\/config/)
    assert.equal((await ask('read', 'config')).data['wit_svids'], false)
    await rooms.sweep()
    assert.deepEqual(wit(), [])
    await assert.rejects(mint(), off)
    for (const [verb, path] of [
      ['read', 'authorities/wit'],
      ['write', 'authorities/wit/prepare'],
    ] as const)
      await assert.rejects(ask(verb, path), off)
    await ask('write', 'config', { wit_svids: true })
    assert.deepEqual(
      wit().map(({ state }) => state),
      ['active'],
    )
    assert.equal(believe((await mint())['svid']).id, ID)
    assert.equal((await ask('read', 'status')).data['wit_authorities'], 1)
  })

  test('come to a trust domain that was stored before there were any', async () => {
    const { store, rooms, ask, mint, believe } = await open({})
    const { wit: _, ...before } = rooms.authorities.set()
    const { wit: __, ...guests } = NO_GUESTS
    await transact(store, (tx) => sets.put(tx, ALL, { ...before, guests } as never))
    assert.deepEqual(rooms.authorities.bundle().witAuthorities, [])
    assert.deepEqual([...checkSpiffe(store)], [])
    await ask('write', 'config', { wit_svids: true })
    assert.equal(believe((await mint())['svid']).id, ID)
    assert.deepEqual(rooms.authorities.set().jwt, before.jwt)
    assert.deepEqual([...checkSpiffe(store)], [])
  })

  test('have no key among those that OIDC consumers are shown', async () => {
    const { ask, rooms } = await open()
    const [jwt] = rooms.authorities.set().jwt
    const { keys } = (await ask('read', 'keys')).body as { keys: JsonObject[] }
    assert.deepEqual(
      keys.map(({ kid }) => kid),
      [jwt?.id],
    )
  })

  test('go when they are switched off: no key of theirs is published, and none is kept', async () => {
    const { ask, rooms, mint, wit, store } = await open()
    await mint()
    const { sequence } = rooms.authorities.set()
    await ask('write', 'config', { wit_svids: false })
    assert.deepEqual([wit(), rooms.authorities.bundle().witAuthorities], [[], []])
    assert.ok(rooms.authorities.set().sequence > sequence)
    assert.deepEqual([...checkSpiffe(store)], [])
    const after = rooms.authorities.set().sequence
    await rooms.sweep()
    assert.equal(rooms.authorities.set().sequence, after)
  })

  test('have authorities that are replaced in time, and by hand', async () => {
    const { clock, rooms, wit, ask, mint, believe } = await open()
    const [first] = wit()
    clock.advance(13 * HOUR)
    await rooms.sweep()
    assert.deepEqual(
      wit().map(({ state }) => state),
      ['active', 'prepared'],
    )
    clock.advance(8 * HOUR)
    await rooms.sweep()
    assert.deepEqual(
      wit().map(({ state }) => state),
      ['old', 'active'],
    )
    const old = first?.id ?? ''
    await assert.rejects(ask('write', 'authorities/wit/taint', { authority_id: wit()[1]?.id ?? '' }), /only old authorities can be tainted/)
    assert.equal((await ask('write', 'authorities/wit/taint', { authority_id: old })).data['tainted'], true)
    const told = (await ask('read', 'agent/bundle')).data['wit_authorities'] as JsonObject[]
    assert.deepEqual(
      told.map(({ key_id, tainted }) => [key_id, tainted]),
      wit().map(({ id }) => [id, id === old]),
    )
    await ask('write', 'authorities/wit/revoke', { authority_id: old })
    assert.equal(wit().length, 1)
    const { authority_id } = (await ask('write', 'authorities/wit/prepare')).data
    await ask('write', 'authorities/wit/activate', { authority_id: authority_id ?? '' })
    assert.equal(believe((await mint())['svid']).kid, authority_id)
    await assert.rejects(ask('write', 'authorities/jwt/taint', { authority_id: wit()[0]?.id ?? '' }), /no jwt authority has the ID/)
  })

  test('live as long as X509-SVIDs unless it is said otherwise, and never longer than their authority', async () => {
    const { ask, mint, rooms, clock, wit } = await open()
    const life = (data: JsonObject) => (Date.parse(String(data['expires_at'])) - Date.parse(String(data['issued_at']))) / 1000
    assert.equal(life(await mint()), 3600)
    await ask('write', 'config', { x509_svid_ttl: 1200 })
    assert.equal(life(await mint()), 1200)
    await ask('write', 'config', { wit_svid_ttl: 600 })
    assert.equal(life(await mint()), 600)
    assert.equal(life(await mint({ ttl: 60 })), 60)
    await assert.rejects(ask('write', 'config', { wit_svid_ttl: 86_400 }), /cannot exceed a sixth of authority_ttl/)
    clock.set((wit()[0]?.expiresAt ?? 0) - 30_000)
    const { expiresAt } = rooms.svids.wit(parseSpiffeId(ID), boundKeyOf(JWK), 3600)
    assert.equal(expiresAt, Math.floor((wit()[0]?.expiresAt ?? 0) / 1000) * 1000)
  })

  for (const [why, jwk, text] of [
    ['is none', 'x', /expected a JSON object/],
    ['is a list', [], /expected a JSON object/],
    ['has no type', {}, /unsupported key type ""/],
    ['is symmetric', { kty: 'oct', k: 'AAAA' }, /a symmetric key proves nothing/],
    ['is private', OWN.privateKey.export({ format: 'jwk' }), /a private key is not to be sent/],
    ['is a private RSA key', { kty: 'RSA', n: 'AQAB', e: 'AQAB', d: 'AQAB' }, /a private key is not to be sent/],
    ['is of another kind', generateKeyPairSync('ed25519').publicKey.export({ format: 'jwk' }), /unsupported key type "OKP"/],
    ['is not whole', { ...JWK, y: undefined }, /malformed public key/],
    ['is on no curve', { ...JWK, y: JWK['x'] }, /malformed public key/],
    [
      'is of another curve',
      generateKeyPairSync('ec', { namedCurve: 'secp256k1' }).publicKey.export({ format: 'jwk' }),
      /are of P-256, P-384 or P-521/,
    ],
    ['is short', generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey.export({ format: 'jwk' }), /2048 to 8192 bits/],
    ...(['AQ', 'Ag'] as const).map((e) => [`has the exponent ${e}`, { ...RSA, e }, /an odd exponent from 3/] as const),
    ['is for encryption', { ...JWK, use: 'enc' }, /not for signatures/],
    ['has an algorithm of another kind', { ...JWK, alg: 'RS256' }, /unsupported signing algorithm for ec-p256 key: RS256/],
    ['has an algorithm of another curve', { ...JWK, alg: 'ES384' }, /unsupported signing algorithm for ec-p256 key: ES384/],
    ['has an algorithm that is a number', { ...JWK, alg: 1 }, /unsupported signing algorithm/],
  ] as const) {
    test(`are not made for a key that ${why}`, async () => {
      const { mint } = await open()
      await assert.rejects(mint({ jwk: jwk as never }), refused('invalid', text))
    })
  }

  test('take a key as JSON or as its text, and tell nothing of it but the key', async () => {
    const { mint, believe } = await open()
    for (const jwk of [JWK, JSON.stringify({ ...JWK, kid: 'mine', use: 'sig', x5u: 'https://x' })])
      assert.deepEqual(believe((await mint({ jwk }))['svid']).claims['cnf'], { jwk: { ...JWK, alg: 'ES256' } })
  })

  test('of a namespace have names of its part alone', async () => {
    const { rooms } = await open()
    const part = { namespace: 'n', path: 'team/', prefix: '/team', parents: [], dnsSuffixes: [], ending: false }
    const { svids } = confine(rooms, part)
    const bound = boundKeyOf(JWK)
    assert.ok(svids.wit(parseSpiffeId('spiffe://example.org/team/web'), bound, 60).token)
    assert.throws(() => svids.wit(parseSpiffeId(ID), bound, 60), /names IDs below \/team only/)
    assert.throws(() => svids.witFor({} as never, bound), /issues by name alone/)
  })

  test('of others have their keys in the bundle, apart from those of JWT-SVIDs', async () => {
    const { ask, rooms } = await open()
    const key = generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ format: 'der', type: 'spki' }).toString('base64')
    await ask('write', 'authorities/append', { wit_authorities: [{ key_id: 'below', public_key: key }] })
    await assert.rejects(
      ask('write', 'authorities/append', { jwt_authorities: [{ key_id: 'below', public_key: key }] }),
      /another authority has the key ID "below"/,
    )
    const keys = formatBundle(rooms.authorities.bundle())['keys'] as JsonObject[]
    assert.deepEqual(
      keys.filter(({ kid }) => kid === 'below').map(({ use }) => use),
      ['wit-svid'],
    )
    await ask('write', 'config', { wit_svids: false })
    await assert.rejects(ask('write', 'authorities/append', { wit_authorities: [{ key_id: 'more', public_key: key }] }), /WIT-SVIDs are off/)
  })
})

describe('a set of authorities', () => {
  const guest = (id: string) => ({ id, publicKey: 'AA==', expiresAt: 0 })

  test('that was stored without WIT authorities has none', () => {
    const stored = { x509: [], jwt: [], sequence: 3, guests: { x509: [], jwt: [guest('a')] } }
    assert.deepEqual(openSet(stored as never), { ...NO_AUTHORITIES, sequence: 3, guests: { ...NO_GUESTS, jwt: [guest('a')] } })
    assert.equal(openSet(undefined), NO_AUTHORITIES)
  })

  test('follows the server above in WIT keys too, and loses them all at once', () => {
    const set = withGuests(NO_AUTHORITIES, { ...NO_GUESTS, wit: [guest('mine')] })
    const followed = withAbove(set, { ...NO_GUESTS, wit: [guest('theirs')] })
    assert.deepEqual(followed.above?.wit, [guest('theirs')])
    const { guests, above, sequence } = withoutWit(followed)
    assert.deepEqual([guests?.wit, above?.wit, sequence], [[], [], followed.sequence + 1])
    assert.equal(withoutWit(NO_AUTHORITIES), NO_AUTHORITIES)
  })
})

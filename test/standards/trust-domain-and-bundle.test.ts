// What SPIFFE_Trust_Domain_and_Bundle.md demands, statement by statement, of what this code publishes and of what it reads.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Fault } from '../../src/base/fault.ts'
import type { JsonObject } from '../../src/base/json.ts'
import { formatBundle, parseBundle } from '../../src/crypto/bundle.ts'
import { parseTrustDomain } from '../../src/crypto/spiffe-id.ts'
import { openTrustDomain } from '../../src/testing/trust-domain.ts'

const HOME = parseTrustDomain('example.org')
const parse = (document: object) => parseBundle(HOME, Buffer.from(JSON.stringify(document)))
const { rooms } = await openTrustDomain('example.org')
const published = formatBundle(rooms.authorities.bundle())
const keys = published['keys'] as JsonObject[]

describe('SPIFFE_Trust_Domain_and_Bundle.md', () => {
  test('§3: validators must choose the bundle of the trust domain that the SVID resides in', async () => {
    const other = await openTrustDomain('other.org')
    const { data } = await other.ask('write', 'svid/jwt', { spiffe_id: 'spiffe://other.org/web', audience: 'x' })
    const home = await openTrustDomain('example.org')
    await assert.rejects(home.ask('write', 'svid/validate', { svid: data['svid'] as string, audience: 'x' }), /no JWT authority/)
  })

  test('§4.1: implementations MUST NOT require the presence of parameters that are not defined', () => {
    assert.deepEqual(parse({ keys }), { ...rooms.authorities.bundle(), jwtAuthorities: parse({ keys }).jwtAuthorities, sequence: 0, refreshHint: 0 })
    assert.equal(parse({ ...published, more: { a: 1 } }).x509Authorities.length, 1)
  })

  test('§4.1.1: spiffe_sequence MUST be a monotonically increasing integer, and MUST be changed whenever the contents are', async () => {
    const { rooms: other, ask, clock } = await openTrustDomain('example.org')
    const seen = [other.authorities.bundle().sequence]
    const contents = [JSON.stringify(formatBundle({ ...other.authorities.bundle(), sequence: 0 }))]
    const step = async (run: () => Promise<unknown>) => {
      await run()
      seen.push(other.authorities.bundle().sequence)
      contents.push(JSON.stringify(formatBundle({ ...other.authorities.bundle(), sequence: 0 })))
    }
    const first = other.authorities.signer('x509').authority.id
    await step(() => ask('write', 'authorities/x509/prepare'))
    await step(() => ask('write', 'authorities/jwt/prepare'))
    const prepared = other.authorities.set().x509.at(-1)?.id as string
    await step(() => ask('write', 'authorities/x509/activate', { authority_id: prepared }))
    await step(() => ask('write', 'authorities/x509/taint', { authority_id: first }))
    await step(() => ask('write', 'authorities/x509/revoke', { authority_id: first }))
    await step(async () => {
      clock.advance(50 * 3_600_000)
      await other.sweep()
    })
    for (const [at, sequence] of seen.entries()) {
      if (at === 0) continue
      assert.ok(Number.isInteger(sequence) && sequence >= (seen[at - 1] as number), `${seen}`)
      if (contents[at] !== contents[at - 1]) assert.ok(sequence > (seen[at - 1] as number), `${seen}`)
    }
  })

  test('§4.1.1: what is read has to be an integer, of which 64 bits may be used', () => {
    assert.equal(parse({ keys: [], spiffe_sequence: 42 }).sequence, 42)
    assert.equal(parseBundle(HOME, Buffer.from('{"keys":[],"spiffe_sequence":18446744073709551615}')).sequence, 2 ** 64)
    for (const sequence of ['1', 1.5, -1, true, null, {}])
      assert.throws(() => parse({ keys: [], spiffe_sequence: sequence }), Fault, JSON.stringify(sequence))
  })

  test('§4.1.2: spiffe_refresh_hint MUST be an integer of seconds', async () => {
    const { rooms: other, ask } = await openTrustDomain('example.org')
    await ask('write', 'config', { refresh_hint: '10m' })
    assert.equal(formatBundle(other.authorities.bundle())['spiffe_refresh_hint'], 600)
    for (const hint of ['1', 1.5, -1, true]) assert.throws(() => parse({ keys: [], spiffe_refresh_hint: hint }), Fault)
  })

  test('§4.1.3: keys MUST be present', () => {
    assert.ok(Array.isArray(published['keys']))
    for (const document of [{}, { keys: null }, { keys: {} }, { keys: 'x' }, []]) assert.throws(() => parse(document), Fault)
  })

  test('§4.1.3: an empty set of keys is a bundle: nothing is believed any more', () => {
    assert.deepEqual([parse({ keys: [] }).x509Authorities, parse({ keys: [] }).jwtAuthorities], [[], []])
  })

  test('§4.2.1: kty MUST be set; clients encountering an unknown key type MUST ignore the entire element', () => {
    for (const key of keys) assert.match(String(key['kty']), /^(EC|RSA)$/)
    const unknown = { kty: 'AKP', alg: 'ML-DSA-65', pub: 'AAAA', use: 'jwt-svid', kid: 'z' }
    assert.deepEqual(parse({ keys: [...keys, unknown] }).jwtAuthorities, parse({ keys }).jwtAuthorities)
  })

  test('§4.2.2: use MUST be set; clients encountering unknown values MUST ignore the entire element, and case counts', () => {
    for (const key of keys) assert.match(String(key['use']), /^(x509-svid|jwt-svid|wit-svid)$/)
    const others = ['WIT-SVID', 'sig', 'X509-SVID', 'JWT-SVID', '', undefined, 1].flatMap((use) => keys.map((key) => ({ ...key, use })))
    assert.deepEqual(parse({ keys: [...others, ...keys] }), parse({ keys }))
  })

  test('§4.2: parameters that are defined nowhere SHOULD NOT be included', () => {
    const known = new Set(['kty', 'use', 'x5c', 'kid', 'crv', 'x', 'y', 'n', 'e'])
    for (const key of keys)
      assert.deepEqual(
        Object.keys(key).filter((name) => !known.has(name)),
        [],
      )
    assert.deepEqual(Object.keys(published).sort(), ['keys', 'spiffe_refresh_hint', 'spiffe_sequence'])
  })

  test('§5: bundle endpoints MUST be securely associated with their trust domain, by explicit configuration', async () => {
    const { ask } = await openTrustDomain('example.org')
    const relationship = { bundle_endpoint_url: 'https://partner.test/', bundle_endpoint_profile: 'https_web' }
    const { data } = await ask('write', 'federation/partner.test', relationship)
    assert.equal(data['trust_domain'], 'partner.test')
    await assert.rejects(ask('write', 'federation/partner.test/x', relationship), Fault)
  })
})

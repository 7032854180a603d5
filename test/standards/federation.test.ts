// What SPIFFE_Federation.md demands, statement by statement. The wire itself is in src/app/federation.test.ts.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Fault } from '../../src/base/fault.ts'
import { formatBundle } from '../../src/crypto/bundle.ts'
import { toPem } from '../../src/crypto/certificate.ts'
import { issueJwtSvid } from '../../src/crypto/jwt-svid.ts'
import { parseSpiffeId, parseTrustDomain } from '../../src/crypto/spiffe-id.ts'
import type { Endpoint } from '../../src/spiffe/federation.ts'
import { openTrustDomain } from '../../src/testing/trust-domain.ts'

const PARTNER = parseTrustDomain('partner.test')
const WEB = { bundle_endpoint_url: 'https://partner.test/bundle.json', bundle_endpoint_profile: 'https_web' }
const SPIFFE = {
  bundle_endpoint_url: WEB.bundle_endpoint_url,
  bundle_endpoint_profile: 'https_spiffe',
  endpoint_spiffe_id: 'spiffe://partner.test/bundles',
}
const MINUTE = 60_000

async function open() {
  const partner = await openTrustDomain('partner.test')
  const asked: Endpoint[] = []
  const home = await openTrustDomain('example.org', async (endpoint) => {
    asked.push(endpoint)
    return Buffer.from(JSON.stringify(formatBundle(partner.rooms.authorities.bundle())))
  })
  return { ...home, partner, asked }
}

describe('SPIFFE_Federation.md', () => {
  test('§4.1: new keys MUST be published at the bundle endpoint prior to the keys being used to issue SVIDs', async () => {
    const { rooms, clock } = await openTrustDomain('example.org')
    for (const kind of ['x509', 'jwt'] as const) {
      let published = new Set(rooms.authorities.set()[kind].map(({ id }) => id))
      for (let hour = 0; hour < 72; hour++) {
        clock.advance(60 * MINUTE)
        await rooms.authorities.rotate()
        assert.ok(published.has(rooms.authorities.signer(kind).authority.id), `${kind} at hour ${hour}`)
        published = new Set(rooms.authorities.set()[kind].map(({ id }) => id))
      }
    }
  })

  test('§4.1: they SHOULD be 3 to 5 times the refresh hint before, at the least', async () => {
    const { rooms, clock } = await openTrustDomain('example.org')
    const first = new Map<string, number>()
    const { refreshHint } = rooms.settings.need()
    const before = rooms.authorities.signer('x509').authority.id
    for (let minute = 0; rooms.authorities.signer('x509').authority.id === before; minute += 5) {
      for (const { id } of rooms.authorities.set().x509) if (!first.has(id)) first.set(id, clock.now())
      clock.advance(5 * MINUTE)
      await rooms.authorities.rotate()
    }
    const waited = clock.now() - (first.get(rooms.authorities.signer('x509').authority.id) ?? 0)
    assert.ok(waited >= 5 * refreshHint * 1000, `${waited} ms`)
  })

  test('§4.1: clients SHOULD poll at the refresh hint; five minutes where there is none', async () => {
    const { ask, rooms, clock, asked, partner } = await open()
    await partner.ask('write', 'config', { refresh_hint: 0 })
    await ask('write', 'federation/partner.test', WEB)
    for (let second = 0; second < 12 * 60; second += 10) {
      await rooms.federation.poll()
      clock.advance(10_000)
    }
    assert.equal(asked.length, 3)
  })

  test('§4.2: bundle contents from different trust domains MUST NOT be merged', async () => {
    const { ask, rooms, clock, partner } = await open()
    await ask('write', 'federation/partner.test', WEB)
    await rooms.federation.poll()
    const theirs = partner.rooms.authorities.bundle().x509Authorities
    assert.deepEqual(rooms.bundles.get(PARTNER)?.x509Authorities, theirs)
    assert.ok(!rooms.authorities.bundle().x509Authorities.some((one) => theirs.some((other) => one.equals(other))))
    const { authority, key } = partner.rooms.authorities.signer('jwt')
    const times = { issuedAt: Math.floor(clock.now() / 1000), expiresAt: Math.floor(clock.now() / 1000) + 60 }
    const forged = issueJwtSvid(key, authority.id, { subject: parseSpiffeId('spiffe://example.org/web'), audience: ['x'], ...times })
    await assert.rejects(ask('write', 'svid/validate', { svid: forged, audience: 'x' }), Fault)
  })

  test('§5: clients MUST support both profiles', async () => {
    const { ask, asked, partner } = await open()
    await ask('write', 'federation/partner.test', WEB)
    await ask('write', 'federation/partner.test/refresh')
    await ask('write', 'federation/partner.test', { ...SPIFFE, bundle: formatBundle(partner.rooms.authorities.bundle()) })
    await ask('write', 'federation/partner.test/refresh')
    assert.deepEqual(
      asked.map(({ svid }) => svid?.id),
      [undefined, SPIFFE.endpoint_spiffe_id],
    )
  })

  test('§5.1: clients MUST be configured with URL, profile and trust domain name', async () => {
    const { ask } = await open()
    await assert.rejects(ask('write', 'federation/partner.test', { bundle_endpoint_url: WEB.bundle_endpoint_url }), /missing bundle_endpoint_profile/)
    await assert.rejects(ask('write', 'federation/partner.test', { bundle_endpoint_profile: 'https_web' }), /missing bundle_endpoint_url/)
    await assert.rejects(ask('write', 'federation/', WEB), Fault)
  })

  test('§5.1: the association between trust domain name and bundle MUST be communicated', async () => {
    const { ask, rooms } = await open()
    await ask('write', 'federation/partner.test', WEB)
    await rooms.federation.poll()
    assert.equal((await ask('read', 'bundles/partner.test')).data['trust_domain'], 'partner.test')
  })

  for (const profile of [WEB, SPIFFE]) {
    test(`§5.2.1.1 and §5.2.2.1: URLs MUST have the scheme https and MUST NOT include userinfo (${profile.bundle_endpoint_profile})`, async () => {
      const { ask } = await open()
      for (const url of ['http://partner.test/', 'ftp://partner.test/', 'partner.test', 'HTTPS://partner.test/']) {
        await assert.rejects(ask('write', 'federation/partner.test', { ...profile, bundle_endpoint_url: url }), Fault, url)
      }
      for (const url of ['https://ann@partner.test/', 'https://ann:pass@partner.test/', 'https://@partner.test/', 'https://:@partner.test/']) {
        await assert.rejects(ask('write', 'federation/partner.test', { ...profile, bundle_endpoint_url: url }), /user info/, url)
      }
      for (const url of ['https://partner.test', 'https://partner.test:8443/a/b?c=d', 'https://192.0.2.1/', 'https://[2001:db8::1]:8443/']) {
        await ask('write', 'federation/partner.test', { ...profile, bundle_endpoint_url: url })
      }
    })
  }

  test('§5.2.1.2: https_web MUST NOT require any additional parameters', async () => {
    const { ask, rooms } = await open()
    await ask('write', 'federation/partner.test', WEB)
    await rooms.federation.poll()
    assert.equal((await ask('read', 'federation/partner.test')).data['state'], 'ok')
  })

  test('§5.2.2.2: clients using https_spiffe MUST be configured with the SPIFFE ID of the endpoint and a bundle of its trust domain', async () => {
    const { ask, asked } = await open()
    const { endpoint_spiffe_id: _, ...without } = SPIFFE
    await assert.rejects(ask('write', 'federation/partner.test', without), /missing endpoint_spiffe_id/)
    await ask('write', 'federation/partner.test', SPIFFE)
    await assert.rejects(ask('write', 'federation/partner.test/refresh'), /no bundle of trust domain "partner.test" yet/)
    assert.deepEqual(asked, [])
  })

  test('§5.2.2.4: the latest available bundle MUST be used to validate any subsequent connections', async () => {
    const { ask, asked, partner } = await open()
    const first = partner.rooms.authorities.bundle().x509Authorities
    await ask('write', 'federation/partner.test', { ...SPIFFE, bundle: toPem(first), format: 'pem' })
    await partner.ask('write', 'authorities/x509/prepare')
    await ask('write', 'federation/partner.test/refresh')
    await ask('write', 'federation/partner.test/refresh')
    assert.deepEqual(
      asked.map(({ svid }) => svid?.authorities),
      [first, partner.rooms.authorities.bundle().x509Authorities],
    )
  })

  test('§5.2.2.4: an endpoint of another trust domain is believed by the bundle of that one', async () => {
    const { ask, asked, partner } = await open()
    await ask('write', 'federation/third.test', { ...SPIFFE, bundle: formatBundle((await openTrustDomain('third.test')).rooms.authorities.bundle()) })
    await assert.rejects(ask('write', 'federation/third.test/refresh'), /no bundle of trust domain "partner.test" yet/)
    await ask('write', 'bundles/partner.test', { bundle: formatBundle(partner.rooms.authorities.bundle()) })
    await ask('write', 'federation/third.test/refresh')
    assert.deepEqual(asked[0]?.svid?.authorities, partner.rooms.authorities.bundle().x509Authorities)
  })

  test('§6.2: where polling fails, clients SHOULD retry at the next interval', async () => {
    const partner = await openTrustDomain('partner.test')
    let asked = 0
    const { ask, rooms, clock } = await openTrustDomain('example.org', async () => {
      asked++
      throw new Error('away')
    })
    await ask('write', 'federation/partner.test', { ...WEB, bundle: formatBundle(partner.rooms.authorities.bundle()) })
    await rooms.federation.poll()
    clock.advance(4 * MINUTE)
    await rooms.federation.poll()
    assert.equal(asked, 1)
    clock.advance(2 * MINUTE)
    await rooms.federation.poll()
    assert.equal(asked, 2)
  })

  test('§6.3: a relationship ends by removing the bundle and ceasing to poll', async () => {
    const { ask, rooms, clock, asked } = await open()
    await ask('write', 'federation/partner.test', WEB)
    await rooms.federation.poll()
    await ask('delete', 'federation/partner.test')
    await ask('delete', 'bundles/partner.test')
    clock.advance(60 * MINUTE)
    await rooms.federation.poll()
    assert.deepEqual([asked.length, rooms.bundles.get(PARTNER)], [1, undefined])
  })
})

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Fault } from '../base/fault.ts'
import type { JsonObject } from '../base/json.ts'
import { type Bundle, formatBundle } from '../crypto/bundle.ts'
import { toPem } from '../crypto/certificate.ts'
import { parseTrustDomain } from '../crypto/spiffe-id.ts'
import { openTrustDomain } from '../testing/trust-domain.ts'
import type { Endpoint } from './federation.ts'

const FOREIGN = parseTrustDomain('partner.test')
const WEB = { bundle_endpoint_url: 'https://partner.test/bundle', bundle_endpoint_profile: 'https_web' }
const SPIFFE = {
  bundle_endpoint_url: 'https://partner.test:8443',
  bundle_endpoint_profile: 'https_spiffe',
  endpoint_spiffe_id: 'spiffe://partner.test/spire/server',
}
const ENTRY = { spiffe_id: 'spiffe://example.org/web', parent_id: 'spiffe://example.org/node', selectors: 'unix:uid:1' }
const MINUTE = 60_000

/** A trust domain, and a foreign one whose endpoint answers what it is told to. */
async function open() {
  const partner = await openTrustDomain('partner.test')
  const asked: Endpoint[] = []
  let answer = async (): Promise<unknown> => formatBundle(partner.rooms.authorities.bundle())
  const home = await openTrustDomain('example.org', async (endpoint) => {
    asked.push(endpoint)
    return Buffer.from(JSON.stringify(await answer()))
  })
  const published = (): Bundle => partner.rooms.authorities.bundle()
  const answerWith = (next: () => Promise<unknown>) => {
    answer = next
  }
  return { ...home, partner, asked, published, answerWith }
}

const refused = (text: RegExp) => (error: unknown) => error instanceof Fault && error.code === 'invalid' && text.test(error.message)

describe('spiffe/bundles', () => {
  test('are set from both forms, read in both, listed page by page, and removed', async () => {
    const { ask, published } = await open()
    const pem = toPem(published().x509Authorities)
    const document = formatBundle(published())
    assert.equal((await ask('write', 'bundles/partner.test', { bundle: pem, format: 'pem' })).data['existed'], false)
    assert.deepEqual((await ask('read', 'bundles/partner.test')).data['jwt_authorities'], [])
    const { data } = await ask('write', 'bundles/partner.test', { bundle: JSON.stringify(document) })
    assert.deepEqual([data['existed'], data['sequence_number'], data['trust_domain']], [true, published().sequence, 'partner.test'])
    await ask('write', 'bundles/other.test', { bundle: document })
    assert.deepEqual((await ask('list', 'bundles')).keys, ['other.test', 'partner.test'])
    assert.deepEqual((await ask('list', 'bundles', { after: 'other.test', limit: 5 })).keys, ['partner.test'])
    assert.deepEqual((await ask('read', 'bundles/partner.test', { format: 'spiffe' })).body, document)
    assert.equal(String((await ask('read', 'bundles/partner.test', { format: 'pem' })).body), pem)
    assert.equal((await ask('delete', 'bundles/partner.test')).kind, 'empty')
    assert.equal((await ask('delete', 'bundles/partner.test')).kind, 'missing')
    assert.equal((await ask('read', 'bundles/partner.test')).kind, 'missing')
  })

  test('are made only where there is none, and changed only where there is one', async () => {
    const { ask, published } = await open()
    const bundle = formatBundle(published())
    assert.equal((await ask('write', 'bundles/partner.test', { bundle, when: 'present' })).kind, 'missing')
    assert.equal((await ask('write', 'bundles/partner.test', { bundle, when: 'absent' })).data['existed'], false)
    const again = await ask('write', 'bundles/partner.test', { bundle: { keys: [] }, when: 'absent' })
    assert.deepEqual([again.data['existed'], (again.data['x509_authorities'] as JsonObject[]).length], [true, 1])
    assert.deepEqual((await ask('write', 'bundles/partner.test', { bundle: { keys: [] }, when: 'present' })).data['x509_authorities'], [])
  })

  for (const [why, name, input, text] of [
    ['our own name', 'example.org', { bundle: { keys: [] } }, /is this trust domain/],
    ['a malformed name', 'Partner.test', { bundle: { keys: [] } }, /trust domain characters/],
    ['no document', 'partner.test', { bundle: 'x' }, /./],
    ['no keys', 'partner.test', { bundle: {} }, /no authorities/],
    ['no PEM', 'partner.test', { bundle: 'x', format: 'pem' }, /no certificate in PEM/],
    [
      'a broken certificate',
      'partner.test',
      { bundle: '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----', format: 'pem' },
      /cannot be read/,
    ],
    ['a number', 'partner.test', { bundle: 1, format: 'pem' }, /expected a text/],
  ] as const) {
    test(`are refused with ${why}`, async () => {
      const { ask } = await open()
      await assert.rejects(ask('write', `bundles/${name}`, input as JsonObject), refused(text))
      assert.deepEqual((await ask('list', 'bundles')).keys, [])
    })
  }

  test('take entries with them only as they are told to', async () => {
    const { ask, published } = await open()
    const bundle = formatBundle(published())
    const setUp = async (id: string) => {
      await ask('write', 'bundles/partner.test', { bundle })
      await ask('write', 'entries', { ...ENTRY, id, spiffe_id: `${ENTRY.spiffe_id}/${id}`, federates_with: 'partner.test,other.test' })
    }
    await setUp('a')
    await assert.rejects(ask('delete', 'bundles/partner.test'), refused(/cannot delete bundle; federated with 1 registration entries/))
    await ask('delete', 'bundles/partner.test', { mode: 'dissociate' })
    const { data } = await ask('read', 'entries/a')
    assert.deepEqual([data['federates_with'], data['revision_number']], [['other.test'], 1])
    await setUp('b')
    await ask('delete', 'bundles/partner.test', { mode: 'delete' })
    assert.deepEqual((await ask('list', 'entries')).keys, ['a'])
    assert.equal((await ask('read', 'status')).data['entries'], 1)
    await assert.rejects(ask('delete', 'bundles/partner.test', { mode: 'all' }), refused(/must be one of/))
  })
})

describe('entries that federate', () => {
  test('wait for a bundle, and are no error', async () => {
    const { ask, published } = await open()
    const { data } = await ask('write', 'entries', { ...ENTRY, id: 'web', federates_with: 'partner.test' })
    assert.deepEqual(data['waiting_for'], ['partner.test'])
    await ask('write', 'bundles/partner.test', { bundle: formatBundle(published()) })
    assert.deepEqual((await ask('read', 'entries/web')).data['waiting_for'], [])
  })
})

describe('spiffe/federation', () => {
  test('is made, changed, listed, read and removed; what was fetched stays', async () => {
    const { ask, rooms } = await open()
    const { data: made } = await ask('write', 'federation/partner.test', WEB)
    assert.deepEqual([made['existed'], made['state'], made['last_attempt']], [false, 'waiting', null])
    await rooms.federation.poll()
    await ask('write', 'federation/partner.test', { bundle_endpoint_url: 'https://partner.test:8443/' })
    const { data } = await ask('read', 'federation/partner.test')
    assert.deepEqual([data['bundle_endpoint_url'], data['bundle_endpoint_profile'], data['state']], ['https://partner.test:8443/', 'https_web', 'ok'])
    assert.deepEqual((await ask('list', 'federation')).keys, ['partner.test'])
    assert.deepEqual((await ask('read', 'status')).data['federation'], { 'partner.test': 'ok' })
    assert.equal((await ask('delete', 'federation/partner.test')).kind, 'empty')
    assert.equal((await ask('delete', 'federation/partner.test')).kind, 'missing')
    assert.equal((await ask('read', 'bundles/partner.test')).kind, 'data')
  })

  for (const [why, input, text] of [
    ['no URL', { bundle_endpoint_profile: 'https_web' }, /missing bundle_endpoint_url/],
    ['no profile', { bundle_endpoint_url: WEB.bundle_endpoint_url }, /missing bundle_endpoint_profile/],
    ['plain http', { ...WEB, bundle_endpoint_url: 'http://partner.test' }, /https scheme/],
    ['user info', { ...WEB, bundle_endpoint_url: 'https://ann:secret@partner.test/' }, /must not contain user info/],
    ['a fragment', { ...WEB, bundle_endpoint_url: 'https://partner.test/#a' }, /no URL of a bundle endpoint/],
    ['a backslash', { ...WEB, bundle_endpoint_url: 'https://partner.test\\@evil.test' }, /user info|no URL/],
    ['a port that is none', { ...WEB, bundle_endpoint_url: 'https://partner.test:99999/' }, /no URL of a bundle endpoint/],
    ['an unknown profile', { ...WEB, bundle_endpoint_profile: 'https' }, /must be one of/],
    ['an ID for the web', { ...WEB, endpoint_spiffe_id: SPIFFE.endpoint_spiffe_id }, /is for https_spiffe/],
    ['no ID for https_spiffe', { ...SPIFFE, endpoint_spiffe_id: undefined }, /missing endpoint_spiffe_id/],
    ['a malformed ID', { ...SPIFFE, endpoint_spiffe_id: 'partner.test' }, /scheme is missing/],
  ] as const) {
    test(`is refused with ${why}`, async () => {
      const { ask } = await open()
      const sent = Object.fromEntries(Object.entries(input).filter(([, value]) => value !== undefined)) as JsonObject
      await assert.rejects(ask('write', 'federation/partner.test', sent), refused(text))
      await assert.rejects(ask('write', 'federation/example.org', WEB), refused(/is this trust domain/))
      assert.deepEqual((await ask('list', 'federation')).keys, [])
    })
  }

  test('fetches at the refresh hint, and not before', async () => {
    const { ask, rooms, clock, asked, partner } = await open()
    await partner.ask('write', 'config', { refresh_hint: '10m' })
    await ask('write', 'federation/partner.test', WEB)
    await rooms.federation.poll()
    await rooms.federation.poll()
    assert.equal(asked.length, 1)
    clock.advance(8 * MINUTE)
    await rooms.federation.poll()
    assert.equal(asked.length, 1)
    clock.advance(4 * MINUTE)
    await partner.ask('write', 'authorities/x509/prepare')
    await rooms.federation.poll()
    assert.equal(asked.length, 2)
    assert.equal(rooms.bundles.get(FOREIGN)?.x509Authorities.length, 2)
  })

  test('asks nobody more than once a minute, whatever they hint at', async () => {
    const { ask, rooms, clock, asked, partner } = await open()
    await partner.ask('write', 'config', { refresh_hint: 1 })
    await ask('write', 'federation/partner.test', WEB)
    for (let second = 0; second < 50; second++) {
      await rooms.federation.poll()
      clock.advance(1_000)
    }
    assert.equal(asked.length, 1)
  })

  test('waits longer and longer for an endpoint that fails, tells why, and keeps what it has', async () => {
    const { ask, rooms, clock, asked, answerWith } = await open()
    await ask('write', 'federation/partner.test', WEB)
    await rooms.federation.poll()
    answerWith(() => Promise.reject(new Error('ECONNREFUSED')))
    clock.advance(6 * MINUTE)
    await rooms.federation.poll()
    const { data } = await ask('read', 'federation/partner.test')
    assert.deepEqual([data['state'], data['failures'], data['last_error']], ['failing', 1, 'ECONNREFUSED'])
    assert.ok(rooms.bundles.get(FOREIGN))
    const before = asked.length
    for (let minute = 0; minute < 60; minute++) {
      clock.advance(MINUTE)
      await rooms.federation.poll()
    }
    assert.ok(asked.length - before >= 4 && asked.length - before <= 6, `${asked.length - before} attempts in an hour`)
    await assert.rejects(ask('write', 'federation/partner.test/refresh'), refused(/failed to refresh bundle: ECONNREFUSED/))
    answerWith(async () => ({ keys: [] }))
    await ask('write', 'federation/partner.test/refresh')
    assert.equal((await ask('read', 'federation/partner.test')).data['state'], 'ok')
    assert.deepEqual(rooms.bundles.get(FOREIGN)?.x509Authorities, [])
    assert.equal((await ask('write', 'federation/other.test/refresh')).kind, 'missing')
  })

  test('takes no document that is no bundle', async () => {
    const { ask, rooms, answerWith } = await open()
    await ask('write', 'federation/partner.test', WEB)
    for (const document of [{}, { keys: [{ use: 'x509-svid', kty: 'EC', x5c: ['AAAA'] }] }, 'x']) {
      answerWith(async () => document)
      await assert.rejects(ask('write', 'federation/partner.test/refresh'), refused(/failed to refresh bundle: /))
    }
    assert.equal(rooms.bundles.get(FOREIGN), undefined)
  })

  test('believes an endpoint by the bundle of its own trust domain, which has to be there first', async () => {
    const { ask, asked, published } = await open()
    await ask('write', 'federation/partner.test', SPIFFE)
    await assert.rejects(ask('write', 'federation/partner.test/refresh'), refused(/no bundle of trust domain "partner.test" yet/))
    assert.equal(asked.length, 0)
    await ask('write', 'federation/partner.test', { bundle: toPem(published().x509Authorities), format: 'pem' })
    await ask('write', 'federation/partner.test/refresh')
    assert.partialDeepStrictEqual(asked[0]?.svid, { id: SPIFFE.endpoint_spiffe_id, authorities: published().x509Authorities })
    await ask('write', 'federation/partner.test', { endpoint_spiffe_id: 'spiffe://example.org/proxy' })
    await ask('write', 'federation/partner.test/refresh')
    assert.notDeepEqual(asked[1]?.svid?.authorities, published().x509Authorities)
  })

  test('forgets what comes for a relationship that is no more', async () => {
    const { ask, rooms, answerWith, published } = await open()
    await ask('write', 'federation/partner.test', WEB)
    answerWith(async () => {
      await ask('delete', 'federation/partner.test')
      return formatBundle(published())
    })
    await rooms.federation.poll()
    assert.equal(rooms.bundles.get(FOREIGN), undefined)
    assert.equal((await ask('read', 'federation/partner.test')).kind, 'missing')
  })

  test('is due work of the trust domain, which does not wait for slow endpoints', async () => {
    const { ask, rooms, asked, answerWith } = await open()
    const slow = Promise.withResolvers<unknown>()
    answerWith(() => slow.promise)
    await ask('write', 'federation/partner.test', WEB)
    await rooms.sweep()
    await rooms.sweep()
    assert.equal(asked.length, 1)
    const refresh = ask('write', 'federation/partner.test/refresh')
    slow.resolve({ keys: [] })
    await refresh
    assert.equal(asked.length, 1)
    assert.ok(rooms.bundles.get(FOREIGN))
  })
})

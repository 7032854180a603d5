import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { parseBundle } from '../crypto/bundle.ts'
import { parseTrustDomain } from '../crypto/spiffe-id.ts'
import * as admin from '../edge/spire/admin/messages.ts'
import * as wire from '../edge/spire/messages.ts'
import { type Api, entries, openOperatorWorld, type OperatorWorld, refusedWith, statuses } from '../testing/operator-world.ts'
import { openTrustDomain } from '../testing/trust-domain.ts'
import type { World } from '../testing/world.ts'

const ID = (path: string) => ({ trustDomain: 'example.org', path })
const ENTRY = { spiffeId: ID('/web'), parentId: ID('/node'), selectors: [{ type: 'unix', value: 'uid:1000' }] }

describe('bundles and federation by the SPIRE server API', () => {
  let operators: OperatorWorld
  let world: World
  let api: Api
  before(async () => {
    operators = await openOperatorWorld()
    ;({ world, api } = operators)
  })
  after(() => operators.close())

  const bundles = (method: string) => `bundle.v1.Bundle/${method}`
  const domains = (method: string) => `trustdomain.v1.TrustDomain/${method}`

  test('bundles of others, in every mode', async () => {
    const { rooms } = await openTrustDomain('partner.test')
    const { x509Authorities, jwtAuthorities } = rooms.authorities.bundle()
    const bundle = {
      trustDomain: 'partner.test',
      x509Authorities: x509Authorities.map((asn1) => ({ asn1 })),
      jwtAuthorities: jwtAuthorities.map(({ keyId, publicKey }) => ({ keyId, publicKey })),
      refreshHint: 60,
      sequenceNumber: 42,
    }
    const batch = async (method: string, more: object = {}, one = bundle) =>
      (await api(bundles(method), admin.BatchUpdateBundleRequest, admin.BundleResults, { bundle: [one], ...more })).results
    assert.deepEqual(statuses(await batch('BatchUpdateFederatedBundle')), [5])
    const create = async () =>
      (await api(bundles('BatchCreateFederatedBundle'), admin.BatchBundleRequest, admin.BundleResults, { bundle: [bundle] })).results
    assert.deepEqual(statuses(await create()), [0])
    assert.deepEqual((await create())[0]?.status, { code: 6, message: 'bundle already exists' })
    const set = await api(bundles('BatchSetFederatedBundle'), admin.BatchBundleRequest, admin.BundleResults, {
      bundle: [
        bundle,
        { ...bundle, trustDomain: 'example.org' },
        { trustDomain: 'X' },
        { trustDomain: 'a.test', x509Authorities: [{ asn1: Buffer.from('x') }] },
      ],
      outputMask: { sequenceNumber: true },
    })
    assert.deepEqual(statuses(set.results), [0, 3, 3, 3])
    assert.deepEqual([set.results[0]?.bundle?.sequenceNumber, set.results[0]?.bundle?.x509Authorities], [42, []])
    assert.deepEqual(
      statuses(await batch('BatchUpdateFederatedBundle', { inputMask: { refreshHint: true } }, { ...bundle, refreshHint: 90, x509Authorities: [] })),
      [0],
    )
    const read = await api(bundles('GetFederatedBundle'), wire.GetFederatedBundleRequest, wire.BundleMessage, { trustDomain: 'partner.test' })
    assert.deepEqual([read.refreshHint, read.x509Authorities.length, read.jwtAuthorities[0]?.keyId], [90, 1, jwtAuthorities[0]?.keyId])
    const list = await api(bundles('ListFederatedBundles'), admin.ListBundlesRequest, admin.ListBundlesResponse, { pageSize: 5 })
    assert.deepEqual(
      list.bundles.map(({ trustDomain }) => trustDomain),
      ['partner.test'],
    )
    assert.equal((await api(bundles('CountBundles'), wire.Empty, admin.Count, {})).count, 2)
    const made = await api(entries('BatchCreateEntry'), admin.BatchCreateEntryRequest, admin.EntryResults, {
      entries: [{ ...ENTRY, spiffeId: ID('/federating'), federatesWith: ['partner.test'] }],
    })
    const remove = async (trustDomain: string, mode: number) =>
      (await api(bundles('BatchDeleteFederatedBundle'), admin.BatchDeleteBundleRequest, admin.NamedResults, { trustDomains: [trustDomain], mode }))
        .results[0]
    assert.deepEqual([(await remove('partner.test', 0))?.status?.code, (await remove('none.test', 0))?.status?.code], [9, 5])
    assert.deepEqual(await remove('partner.test', 2), { status: { code: 0, message: 'OK' }, trustDomain: 'partner.test' })
    await assert.rejects(remove('partner.test', 3), refusedWith(3, /deletion mode/))
    const left = await api(entries('GetEntry'), admin.GetEntryRequest, wire.EntryMessage, { id: made.results[0]?.entry?.id ?? '' })
    assert.deepEqual(left.federatesWith, [])
    await assert.rejects(
      api(bundles('GetFederatedBundle'), wire.GetFederatedBundleRequest, wire.BundleMessage, { trustDomain: 'partner.test' }),
      refusedWith(5, /bundle not found/),
    )
    await assert.rejects(
      api(bundles('GetFederatedBundle'), wire.GetFederatedBundleRequest, wire.BundleMessage, { trustDomain: 'a/../../entries' }),
      refusedWith(3, /trust domain argument is not valid/),
    )
  })

  test('authorities of others are appended to the bundle', async () => {
    const { rooms } = await openTrustDomain('example.org')
    const { x509Authorities, jwtAuthorities } = rooms.authorities.bundle()
    const request = {
      x509Authorities: x509Authorities.map((asn1) => ({ asn1 })),
      jwtAuthorities: jwtAuthorities.map(({ keyId, publicKey, expiresAt = 0 }) => ({ keyId, publicKey, expiresAt: Math.floor(expiresAt / 1000) })),
    }
    const append = (value: object) => api(bundles('AppendBundle'), admin.AppendBundleRequest, wire.BundleMessage, value)
    const after = await append(request)
    assert.deepEqual([after.x509Authorities.length, after.jwtAuthorities.length], [2, 2])
    assert.equal((await append(request)).sequenceNumber, after.sequenceNumber)
    const { answer } = await world.call('read', 'spiffe/bundle')
    assert.equal(parseBundle(parseTrustDomain('example.org'), answer.body).x509Authorities.length, 2)
    await assert.rejects(append({}), refusedWith(3, /no authorities to append/))
    await assert.rejects(append({ x509Authorities: [{ asn1: Buffer.from('x') }] }), refusedWith(3, /no certificate/))
    await assert.rejects(append({ jwtAuthorities: [{ keyId: '', publicKey: Buffer.from('x') }] }), refusedWith(3, /missing key ID/))
    const mine = world.kernel.spiffe()?.authorities.bundle().jwtAuthorities[0]
    await assert.rejects(
      append({ jwtAuthorities: [{ keyId: mine?.keyId, publicKey: jwtAuthorities[0]?.publicKey }] }),
      refusedWith(3, /another authority/),
    )
  })

  test('federation relationships', async () => {
    const web = { trustDomain: 'web.test', bundleEndpointUrl: 'https://web.test/', httpsWeb: {} }
    const spiffe = {
      trustDomain: 'spiffe.test',
      bundleEndpointUrl: 'https://spiffe.test/',
      httpsSpiffe: { endpointSpiffeId: 'spiffe://spiffe.test/spire/server' },
    }
    const batch = async (method: string, list: object[], more: object = {}) =>
      (await api(domains(method), admin.BatchUpdateRelationshipRequest, admin.RelationshipResults, { federationRelationships: list, ...more }))
        .results
    const create = async (...list: object[]) =>
      (
        await api(domains('BatchCreateFederationRelationship'), admin.BatchCreateRelationshipRequest, admin.RelationshipResults, {
          federationRelationships: list,
        })
      ).results
    const bundle = { trustDomain: 'other.test' }
    assert.deepEqual(statuses(await batch('BatchUpdateFederationRelationship', [web])), [5])
    assert.deepEqual(
      statuses(
        await create(web, spiffe, web, { trustDomain: 'x.test' }, { ...web, trustDomain: 'example.org' }, { ...spiffe, trustDomainBundle: bundle }),
      ),
      [0, 0, 6, 3, 3, 3],
    )
    assert.deepEqual(
      statuses(
        await batch('BatchUpdateFederationRelationship', [{ ...spiffe, bundleEndpointUrl: 'https://new.test/' }], {
          inputMask: { bundleEndpointUrl: true },
        }),
      ),
      [0],
    )
    const get = (trustDomain: string) => api(domains('GetFederationRelationship'), admin.GetRelationshipRequest, admin.Relationship, { trustDomain })
    assert.deepEqual(await get('spiffe.test'), {
      ...spiffe,
      bundleEndpointUrl: 'https://new.test/',
      httpsWeb: undefined,
      trustDomainBundle: undefined,
    })
    await assert.rejects(get('none.test'), refusedWith(5, /federation relationship does not exist/))
    const list = await api(domains('ListFederationRelationships'), admin.ListRelationshipsRequest, admin.ListRelationshipsResponse, {})
    assert.deepEqual(
      list.federationRelationships.map(({ trustDomain }) => trustDomain),
      ['spiffe.test', 'web.test'],
    )
    const refresh = (trustDomain: string) => api(domains('RefreshBundle'), admin.RefreshBundleRequest, wire.Empty, { trustDomain })
    await assert.rejects(refresh('web.test'), refusedWith(13, /failed to refresh bundle: nothing can be fetched here/))
    await assert.rejects(refresh('none.test'), refusedWith(5, /no relationship with trust domain "none.test"/))
    const { results } = await api(domains('BatchDeleteFederationRelationship'), admin.TrustDomains, admin.NamedResults, {
      trustDomains: ['web.test', 'web.test', ''],
    })
    assert.deepEqual(statuses(results), [0, 5, 3])
  })
})

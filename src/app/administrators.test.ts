import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import grpc from '@grpc/grpc-js'
import { formatBundle } from '../crypto/bundle.ts'
import { issueCertificate, subjectOf } from '../crypto/certificate.ts'
import { bits, context, integer, oid, sequence, tlv } from '../crypto/der.ts'
import { newSigningKey, signDer, type SigningKey } from '../crypto/signing-key.ts'
import { parseSpiffeId } from '../crypto/spiffe-id.ts'
import { NOTHING_REVOKED, verifyX509Svid } from '../crypto/x509-svid.ts'
import * as admin from '../edge/spire/admin/messages.ts'
import type { Spiffe } from '../spiffe/rooms.ts'
import { type AgentsDoor, openAgentsDoor } from '../testing/agents-door.ts'
import { callUnary } from '../testing/grpc-client.ts'
import { refusedWith } from '../testing/operator-world.ts'
import { openTrustDomain } from '../testing/trust-domain.ts'
import type { World } from '../testing/world.ts'

const random = { bytes: randomBytes }
const NODE = { parent_id: 'spiffe://example.org/node', selectors: 'unix:uid:1' }
const COUNT = 'spire.api.server.entry.v1.Entry/CountEntries'

describe('administrators by SVID', () => {
  let door: AgentsDoor
  let world: World
  const rooms = () => door.rooms()
  before(async () => {
    door = await openAgentsDoor()
    world = door.world
  })
  after(() => door.close())

  /** Connects under an SVID of this ID, given by `by`. */
  function connect(id: string, by: Pick<Spiffe, 'svids'> = rooms(), ttl = 3600): grpc.Client {
    const key = newSigningKey('ec-p256')
    const { chain } = by.svids.x509({ id: parseSpiffeId(id), publicKey: key.publicKey, ttl, dnsNames: [], subject: [] })
    return door.connect({ chain, key })
  }

  const count = async (client: grpc.Client) => (await callUnary(client, COUNT, admin.CountEntriesRequest, admin.Count, {})).count
  test('health is told to anyone', async () => {
    const { status } = await callUnary(
      connect('spiffe://example.org/web'),
      'grpc.health.v1.Health/Check',
      admin.HealthRequest,
      admin.HealthResponse,
      {},
    )
    assert.equal(status, 1)
  })

  test('are those of entries with admin, as long as there is one', async () => {
    const entry = { ...NODE, id: 'operator', spiffe_id: 'spiffe://example.org/operator', admin: true }
    await world.ok('write', 'spiffe/entries', entry)
    const operator = connect(entry.spiffe_id)
    assert.equal(await count(operator), 1)
    await assert.rejects(count(connect('spiffe://example.org/web')), refusedWith(7, /authorization denied/))
    await world.ok('write', 'spiffe/entries/operator', { admin: false })
    await assert.rejects(count(operator), refusedWith(7, /authorization denied/))
  })

  test('are those that are named, until their SVID expires', async () => {
    await world.ok('write', 'spiffe/config', { admin_ids: 'spiffe://example.org/named' })
    const named = connect('spiffe://example.org/named', rooms(), 600)
    assert.equal(await count(named), 1)
    world.clock.advance(601_000)
    await assert.rejects(count(named), refusedWith(7, /authorization denied/))
    world.clock.advance(-601_000)
  })

  test('may be of a foreign trust domain, whose bundle is known', async () => {
    const partner = await openTrustDomain('')
    partner.clock.set(Date.now())
    await partner.ask('write', 'config', { trust_domain: 'partner.test' })
    await world.ok('write', 'spiffe/config', { admin_ids: 'spiffe://partner.test/operator' })
    await assert.rejects(count(connect('spiffe://partner.test/operator', partner.rooms)), refusedWith(14, /./))
    await world.ok('write', 'spiffe/bundles/partner.test', { bundle: formatBundle(partner.rooms.authorities.bundle()) })
    const foreign = connect('spiffe://partner.test/operator', partner.rooms)
    assert.equal(await count(foreign), 1)
    await assert.rejects(count(connect('spiffe://partner.test/other', partner.rooms)), refusedWith(7, /authorization denied/))
    await world.ok('delete', 'spiffe/bundles/partner.test')
    await assert.rejects(count(foreign), refusedWith(14, /./))
  })

  test('are nobody once the authority that signed their SVID is revoked', async () => {
    await world.ok('write', 'spiffe/config', { admin_ids: 'spiffe://example.org/named' })
    const named = connect('spiffe://example.org/named')
    assert.equal(await count(named), 1)
    const old = rooms().authorities.signer('x509').authority.id
    const { data: next } = await world.ok('write', 'spiffe/authorities/x509/prepare')
    await world.ok('write', 'spiffe/authorities/x509/activate', { authority_id: next.authority_id })
    assert.equal(await count(named), 1)
    await world.ok('write', 'spiffe/authorities/x509/revoke', { authority_id: old })
    await assert.rejects(count(named), refusedWith(14, /./))
  })

  test('a server below gets an authority and publishes its keys, by an entry with downstream', async () => {
    await world.ok('write', 'spiffe/entries', { ...NODE, id: 'below', spiffe_id: 'spiffe://example.org/below', downstream: true })
    const below = connect('spiffe://example.org/below')
    const key = newSigningKey('ec-p256')
    const ca = (client: grpc.Client) =>
      callUnary(client, 'spire.api.server.svid.v1.SVID/NewDownstreamX509CA', admin.DownstreamCaRequest, admin.DownstreamCaResponse, {
        csr: requestOf(key),
        preferredTtl: 3600,
      })
    const { caCertChain, x509Authorities } = await ca(below)
    assert.deepEqual(x509Authorities, rooms().authorities.bundle().x509Authorities)
    const id = parseSpiffeId('spiffe://example.org/leaf')
    const spec = { subject: [], publicKey: key.publicKey, notBefore: Date.now() - 1_000, notAfter: Date.now() + 60_000, uris: [id], dnsNames: [] }
    const leaf = issueCertificate({ ...spec, authority: false }, { key, name: subjectOf(caCertChain[0] as Buffer) }, random)
    assert.equal(verifyX509Svid([leaf, ...caCertChain], Date.now(), () => x509Authorities, NOTHING_REVOKED).id, id)
    await assert.rejects(ca(connect('spiffe://example.org/web')), refusedWith(7, /authorization denied/))
    await assert.rejects(count(below), refusedWith(7, /authorization denied/))

    const publish = (client: grpc.Client, jwtAuthority?: object) =>
      callUnary(client, 'spire.api.server.bundle.v1.Bundle/PublishJWTAuthority', admin.PublishJwtRequest, admin.PublishJwtResponse, { jwtAuthority })
    const jwtAuthority = { keyId: 'below-1', publicKey: key.publicKey, expiresAt: Math.floor(Date.now() / 1000) + 3600 }
    const { jwtAuthorities } = await publish(below, jwtAuthority)
    assert.deepEqual(jwtAuthorities.at(-1), { ...jwtAuthority, tainted: false })
    await assert.rejects(publish(connect('spiffe://example.org/web'), jwtAuthority), refusedWith(7, /authorization denied/))
    await assert.rejects(publish(below), refusedWith(3, /missing JWT authority/))
    await assert.rejects(publish(below, { ...jwtAuthority, publicKey: newSigningKey('ec-p256').publicKey }), refusedWith(3, /another authority/))
    const publishWit = (client: grpc.Client, key: object) =>
      callUnary(client, 'spire.api.server.bundle.v1.Bundle/PublishWITAuthority', admin.PublishWitRequest, admin.PublishWitResponse, {
        witAuthority: key,
      })
    const witAuthority = { ...jwtAuthority, keyId: 'below-wit' }
    await assert.rejects(publishWit(below, witAuthority), refusedWith(12, /WIT-SVIDs are off/))
    await world.ok('write', 'spiffe/config', { wit_svids: true })
    assert.deepEqual((await publishWit(below, witAuthority)).witAuthorities.at(-1), { ...witAuthority, tainted: false })
    await assert.rejects(publishWit(below, jwtAuthority), refusedWith(3, /invalid WIT authority: another authority/))
    world.clock.advance(26 * 3_600_000)
    await rooms().authorities.rotate()
    assert.ok(
      !rooms()
        .authorities.bundle()
        .jwtAuthorities.some(({ keyId }) => keyId === 'below-1'),
    )
  })
})

/** A signing request without names. */
function requestOf(key: SigningKey): Buffer {
  const info = sequence(integer(Buffer.of(0)), sequence(), key.publicKey, tlv(context(0)))
  return sequence(info, sequence(oid('1.2.840.10045.4.3.2')), bits(signDer(key, info)))
}

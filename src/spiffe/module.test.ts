import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Fault } from '../base/fault.ts'
import type { JsonObject } from '../base/json.ts'
import { parseBundle } from '../crypto/bundle.ts'
import { fromPem } from '../crypto/certificate.ts'
import { parseTrustDomain } from '../crypto/spiffe-id.ts'
import { NOTHING_REVOKED, verifyX509Svid } from '../crypto/x509-svid.ts'
import { signingRequest } from '../testing/signing-request.ts'
import { openTrustDomain } from '../testing/trust-domain.ts'

const AGENT = 'spiffe://example.org/spire/agent/x509pop/ab'
const WEB = { spiffe_id: 'spiffe://example.org/web', parent_id: AGENT, selectors: 'unix:uid:1000,unix:gid:5' }

describe('spiffe/config', () => {
  test('names the trust domain, once, and keeps what is not said', async () => {
    const { ask } = await openTrustDomain()
    await ask('write', 'config', { x509_svid_ttl: '30m', jwt_issuer: 'https://id.example.org/v1/spiffe' })
    const { data } = await ask('read', 'config')
    assert.deepEqual([data['trust_domain'], data['x509_svid_ttl'], data['jwt_svid_ttl']], ['example.org', 1800, 300])
    await assert.rejects(ask('write', 'config', { trust_domain: 'other.org' }), /cannot be changed/)
    await assert.rejects(ask('write', 'config', { x509_key_type: 'ed25519' }), /must be one of/)
  })

  test('comes first', async () => {
    const { ask } = await openTrustDomain('')
    assert.equal((await ask('read', 'config')).kind, 'missing')
    for (const path of ['bundle', 'crl', 'status', '.well-known/openid-configuration']) await assert.rejects(ask('read', path), /has no name yet/)
    await assert.rejects(ask('write', 'entries', WEB), /has no name yet/)
    await assert.rejects(ask('write', 'config', {}), /missing trust_domain/)
    await assert.rejects(ask('write', 'config', { trust_domain: 'Example.org' }), Fault)
  })
})

describe('what is published', () => {
  test('is the SPIFFE bundle, or PEM', async () => {
    const { ask } = await openTrustDomain()
    const { body } = await ask('read', 'bundle')
    const bundle = parseBundle(parseTrustDomain('example.org'), Buffer.from(JSON.stringify(body)))
    assert.deepEqual([bundle.x509Authorities.length, bundle.jwtAuthorities.length, bundle.refreshHint], [1, 1, 300])
    const pem = await ask('read', 'bundle', { format: 'pem' })
    assert.deepEqual(fromPem(String(pem.body)), bundle.x509Authorities)
  })

  test('is OIDC discovery where there is an issuer', async () => {
    const { ask } = await openTrustDomain()
    await assert.rejects(ask('read', '.well-known/openid-configuration'), /no jwt_issuer/)
    await ask('write', 'config', { jwt_issuer: 'https://id.example.org/v1/spiffe' })
    const { body } = await ask('read', '.well-known/openid-configuration')
    assert.equal(body['jwks_uri'], 'https://id.example.org/v1/spiffe/keys')
    assert.equal(((await ask('read', 'keys')).body['keys'] as JsonObject[])[0]?.['use'], 'sig')
  })
})

describe('spiffe/entries', () => {
  test('are made, read, listed, changed and removed', async () => {
    const { ask } = await openTrustDomain()
    const { data: made } = await ask('write', 'entries', { ...WEB, hint: 'main', subject: 'CN=web,O=Example' })
    const id = String(made['id'])
    assert.deepEqual(made['selectors'], ['unix:gid:5', 'unix:uid:1000'])
    assert.equal(made['existed'], false)
    const again = await ask('write', 'entries', WEB)
    assert.deepEqual([again.data['existed'], again.warnings.length], [true, 1])
    assert.deepEqual((await ask('list', 'entries')).keys, [id])
    await ask('write', `entries/${id}`, { dns_names: 'web.example.org', hint: '' })
    const { data } = await ask('read', `entries/${id}`)
    assert.deepEqual([data['dns_names'], data['hint'], data['subject'], data['revision_number']], [['web.example.org'], '', 'CN=web,O=Example', 1])
    assert.equal((await ask('delete', `entries/${id}`)).kind, 'empty')
    assert.equal((await ask('read', `entries/${id}`)).kind, 'missing')
    assert.equal((await ask('delete', `entries/${id}`)).kind, 'missing')
  })

  test('are found by what they say, page by page', async () => {
    const { ask } = await openTrustDomain()
    for (const n of ['a', 'b', 'c', 'd']) {
      await ask('write', 'entries', {
        ...WEB,
        id: n,
        spiffe_id: `${WEB.spiffe_id}/${n}`,
        hint: n,
        selectors: `unix:uid:${n === 'd' ? 2 : 1},unix:gid:3`,
      })
    }
    const found = async (filter: JsonObject) => (await ask('list', 'entries', filter)).keys
    assert.deepEqual(await found({ limit: 2 }), ['a', 'b'])
    assert.deepEqual(await found({ limit: 2, after: 'b' }), ['c', 'd'])
    assert.deepEqual(await found({ selectors: 'unix:uid:1' }), ['a', 'b', 'c'])
    assert.deepEqual(await found({ selectors: 'unix:uid:1,unix:gid:3', limit: 1, after: 'a' }), ['b'])
    assert.deepEqual(await found({ spiffe_id: `${WEB.spiffe_id}/c` }), ['c'])
    assert.deepEqual(await found({ parent_id: 'spiffe://example.org/none' }), [])
    assert.deepEqual(await found({ hint: 'd' }), ['d'])
  })

  for (const [why, input, message] of [
    ['no SPIFFE ID', { spiffe_id: undefined }, /missing spiffe_id/],
    ['no parent', { parent_id: undefined }, /missing spiffe_id or parent_id/],
    ['a malformed ID', { spiffe_id: 'spiffe://example.org/a/../b' }, /dot segments/],
    ['a malformed selector', { selectors: 'unix' }, /type:value/],
    ['a mistyped selector', { selectors: 'unix:uuid:1' }, /did you mean "uid"/],
    ['a malformed subject', { subject: 'XX=1' }, /unknown attribute/],
    ['an id with a slash', { id: 'a/b' }, /entry ID/],
  ] as const) {
    test(`are refused with ${why}`, async () => {
      const { ask } = await openTrustDomain()
      const sent = Object.fromEntries(Object.entries({ ...WEB, ...input }).filter(([, value]) => value !== undefined)) as JsonObject
      await assert.rejects(ask('write', 'entries', sent), (error) => error instanceof Fault && message.test(error.message))
      assert.deepEqual((await ask('list', 'entries')).keys, [])
    })
  }
})

describe('spiffe/agents and spiffe/join-tokens', () => {
  test('a join token names its agent, and a name by which entries find it', async () => {
    const { ask, rooms } = await openTrustDomain()
    const { data } = await ask('write', 'join-tokens', { ttl: 60, spiffe_id: 'spiffe://example.org/node' })
    const token = String(data['token'])
    assert.ok(!String(data['agent_id']).includes(token))
    assert.deepEqual((await ask('list', 'entries')).info[(await ask('list', 'entries')).keys[0] as string]?.['selectors'], [
      `spiffe_id:${data['agent_id']}`,
    ])
    assert.equal(await rooms.joinTokens.redeem(token), true)
  })

  test('agents are listed, read, banned and evicted', async () => {
    const { ask, rooms, clock } = await openTrustDomain()
    await rooms.agents.attest({
      id: AGENT as never,
      type: 'x509pop',
      authority: 'a1',
      serial: 'ab',
      canReattest: true,
      selectors: [],
      expiresAt: clock.now() + 1000,
    })
    assert.deepEqual((await ask('list', 'agents')).keys, [AGENT])
    assert.equal((await ask('read', 'agents/spire/agent/x509pop/ab')).data['x509svid_serial_number'], 'ab')
    await ask('write', 'agents/spire/agent/x509pop/ab/ban')
    assert.equal((await ask('read', 'agents/spire/agent/x509pop/ab')).data['banned'], true)
    await ask('delete', 'agents/spire/agent/x509pop/ab')
    assert.equal((await ask('read', 'agents/spire/agent/x509pop/ab')).kind, 'missing')
    assert.equal((await ask('write', 'agents/spire/agent/none/ban')).kind, 'missing')
  })
})

describe('spiffe/svid', () => {
  test('X509-SVIDs take the key of the request and nothing else', async () => {
    const { ask, clock, rooms } = await openTrustDomain()
    const csr = signingRequest('PEM', ['URI:spiffe://example.org/admin']).toString()
    const { data } = await ask('write', 'svid/x509', { spiffe_id: WEB.spiffe_id, csr, ttl: 60 })
    const svid = verifyX509Svid(fromPem(String(data['certificate'])), clock.now(), () => rooms.authorities.bundle().x509Authorities, NOTHING_REVOKED)
    assert.deepEqual([svid.id, svid.leaf.subject], [WEB.spiffe_id, undefined])
    for (const bad of ['', 'x', '-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----']) {
      await assert.rejects(ask('write', 'svid/x509', { spiffe_id: WEB.spiffe_id, csr: bad }), Fault)
    }
    await assert.rejects(ask('write', 'svid/x509', { spiffe_id: 'spiffe://other.org/a', csr }), /not a member/)
    for (const name of ['server', 'agent/x509pop/a']) {
      const reserved = { spiffe_id: `spiffe://example.org/spire/${name}`, csr, audience: 'a' }
      for (const kind of ['x509', 'jwt']) await assert.rejects(ask('write', `svid/${kind}`, reserved), /reserved/)
    }
  })

  test('JWT-SVIDs are issued and checked', async () => {
    const { ask } = await openTrustDomain()
    const { data } = await ask('write', 'svid/jwt', { spiffe_id: WEB.spiffe_id, audience: 'db,api' })
    const checked = await ask('write', 'svid/validate', { svid: String(data['svid']), audience: 'api' })
    assert.equal(checked.data['spiffe_id'], WEB.spiffe_id)
    await assert.rejects(ask('write', 'svid/validate', { svid: String(data['svid']), audience: 'other' }), /expected audience/)
    await assert.rejects(ask('write', 'svid/jwt', { spiffe_id: WEB.spiffe_id }), /at least one audience/)
  })
})

test('spiffe/authorities move by hand', async () => {
  const { ask } = await openTrustDomain()
  const first = ((await ask('read', 'authorities/x509')).data['authorities'] as JsonObject[])[0] as JsonObject
  const { data: next } = await ask('write', 'authorities/x509/prepare')
  assert.equal(next['state'], 'prepared')
  await ask('write', 'authorities/x509/activate', { authority_id: next['authority_id'] as string })
  await ask('write', 'authorities/x509/taint', { authority_id: first['authority_id'] as string })
  await ask('write', 'authorities/x509/revoke', { authority_id: first['authority_id'] as string })
  assert.deepEqual(
    ((await ask('read', 'authorities/x509')).data['authorities'] as JsonObject[]).map((one) => [one['authority_id'], one['state']]),
    [[next['authority_id'], 'active']],
  )
  await assert.rejects(ask('read', 'authorities/ssh'), /must be one of/)
})

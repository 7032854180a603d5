// Logging in with an SVID, through a whole server: by certificate, by token, in the place of a token; by roles of every kind.
import assert from 'node:assert/strict'
import { createPublicKey, randomBytes } from 'node:crypto'
import { describe, test } from 'node:test'
import type { JsonObject } from '../../base/json.ts'
import { formatBundle } from '../../crypto/bundle.ts'
import { toPem } from '../../crypto/certificate.ts'
import { issueJwtSvid } from '../../crypto/jwt-svid.ts'
import { newSigningKey } from '../../crypto/signing-key.ts'
import { parseSpiffeId, parseTrustDomain, spiffeId } from '../../crypto/spiffe-id.ts'
import { openSpiffe, type Spiffe } from '../../spiffe/rooms.ts'
import { DEFAULTS } from '../../spiffe/settings.ts'
import { follow } from '../../store/follow.ts'
import { memory } from '../../store/memory.ts'
import { stillTimers } from '../../testing/clock.ts'
import { openWorld, type World } from '../../testing/world.ts'

const WEB = '/ns/red/sa/web'
const AUDIENCE = 'https://signet.example.org'

async function open(role: JsonObject = { bound_spiffe_ids: `spiffe://example.org${WEB}` }) {
  const world = await openWorld()
  await world.ok('write', 'sys/mounts/spiffe', { type: 'spiffe' })
  await world.ok('write', 'spiffe/config', { trust_domain: 'example.org' })
  await world.ok('write', 'sys/auth/spiffe', { type: 'spiffe' })
  await world.ok('write', 'auth/spiffe/config', { audiences: AUDIENCE })
  await world.ok('write', 'auth/spiffe/role/web', { token_policies: 'web', token_ttl: 600, ...role })
  return { world, rooms: world.kernel.spiffe() as Spiffe }
}

function svid(rooms: Spiffe, path: string = WEB): readonly Buffer[] {
  const id = spiffeId(rooms.settings.need().trustDomain, path)
  return rooms.svids.x509({ id, publicKey: newSigningKey('ec-p256').publicKey, ttl: 0, dnsNames: [], subject: [] }).chain
}

function jwt(rooms: Spiffe, { path = WEB, audience = AUDIENCE, once = false } = {}): string {
  return rooms.svids.jwt(spiffeId(rooms.settings.need().trustDomain, path), [audience], 0, once).token
}

const peerOf = (chain: readonly Buffer[]) => ({ peer: { address: '127.0.0.1', port: 40_000, chain } })

function logIn(world: World, chain: readonly Buffer[] | undefined, data: JsonObject = {}, at = 'auth/spiffe/login') {
  return world.call('write', at, data, { token: '', ...(chain ? peerOf(chain) : {}) })
}

/** A trust domain of somebody else's, in memory. */
async function stranger(world: World, name = 'other.org'): Promise<Spiffe> {
  const store = memory({ timers: stillTimers })
  const rooms = openSpiffe({ place: { store, ...follow(store) }, clock: world.clock, random: { bytes: randomBytes } })
  await rooms.settings.set({ ...DEFAULTS, trustDomain: parseTrustDomain(name) })
  await rooms.authorities.rotate()
  return rooms
}

const errors = ({ status, body }: { status: number; body: any }) => [status, body?.errors?.[0]]

describe('an X509-SVID', () => {
  test('gives the token of its role, which tells of the identity', async () => {
    const { world, rooms } = await open()
    const { status, body } = await logIn(world, svid(rooms))
    assert.equal(status, 200)
    assert.deepEqual(body.auth.policies, ['default', 'web'])
    assert.deepEqual([body.auth.lease_duration, body.auth.renewable], [600, true])
    const { data } = await world.ok('read', 'auth/token/lookup-self', {}, { token: body.auth.client_token })
    assert.deepEqual(data.meta, {
      role: 'web',
      spiffe_id: `spiffe://example.org${WEB}`,
      trust_domain: 'example.org',
      svid_type: 'x509',
      ...{ path_0: 'ns', path_1: 'red', path_2: 'sa', path_3: 'web' },
    })
    assert.equal(data.display_name, `spiffe-example.org${WEB}`)
    await world.close()
  })

  test('that proves nothing gives none', async () => {
    const { world, rooms } = await open()
    const foreign = svid(await stranger(world, 'example.org'))
    const old = svid(rooms)
    assert.deepEqual(errors(await logIn(world, undefined)), [400, 'no SVID: send jwt, or connect with the certificate of an X509-SVID'])
    assert.deepEqual(errors(await logIn(world, foreign)), [400, 'invalid X509-SVID: certificate signed by unknown authority'])
    assert.deepEqual(errors(await logIn(world, svid(await stranger(world)))), [400, 'invalid X509-SVID: no bundle for trust domain "other.org"'])
    assert.deepEqual(errors(await logIn(world, svid(rooms, '/ns/red/sa/db'))), [403, 'no role is for spiffe://example.org/ns/red/sa/db'])
    world.clock.advance(3_601_000)
    assert.deepEqual(errors(await logIn(world, old)), [400, 'invalid X509-SVID: certificate has expired'])
    await world.close()
  })

  test('counts by the bundle of now', async () => {
    const { world, rooms } = await open()
    const chain = svid(rooms)
    const { id: first } = rooms.authorities.signer('x509').authority
    const { id: second } = await rooms.authorities.prepare('x509')
    await rooms.authorities.activate('x509', second)
    assert.equal((await logIn(world, chain)).status, 200)
    await rooms.authorities.revoke('x509', first)
    assert.deepEqual(errors(await logIn(world, chain)), [400, 'invalid X509-SVID: certificate signed by unknown authority'])
    await world.close()
  })

  test('that is revoked logs nobody in, and renews nothing', async () => {
    const { world, rooms } = await open()
    const id = spiffeId(rooms.settings.need().trustDomain, WEB)
    const { chain, ...certificate } = rooms.svids.x509({ id, publicKey: newSigningKey('ec-p256').publicKey, ttl: 0, dnsNames: [], subject: [] })
    const { auth } = (await logIn(world, chain)).body
    await world.ok('write', 'spiffe/svid/revoke', { serial_number: certificate.serial, authority_id: certificate.authority })
    assert.deepEqual(errors(await logIn(world, chain)), [400, 'invalid X509-SVID: certificate is revoked'])
    assert.equal((await logIn(world, svid(rooms))).status, 200)
    const renewed = await world.call('write', 'auth/token/renew-self', {}, { token: auth.client_token })
    assert.match(errors(renewed)[1], /its X509-SVID is revoked/)
    await world.close()
  })

  test('of a server or agent logs nobody in', async () => {
    const { world, rooms } = await open({ bound_spiffe_ids: 'spiffe://example.org/**' })
    const agent = rooms.svids.x509ForAgent(parseSpiffeId('spiffe://example.org/spire/agent/x/1'), newSigningKey('ec-p256').publicKey)
    assert.deepEqual(errors(await logIn(world, agent.chain)), [403, 'identities of servers and agents do not log in'])
    await world.close()
  })
})

describe('a JWT-SVID', () => {
  test('gives the token of its role, by either name of the field', async () => {
    const { world, rooms } = await open()
    for (const field of ['jwt', 'token']) assert.equal((await logIn(world, undefined, { [field]: jwt(rooms) })).status, 200)
    assert.equal((await logIn(world, svid(rooms, '/other'), { jwt: jwt(rooms) })).body.auth.metadata.svid_type, 'jwt')
    await world.close()
  })

  test('must be for an audience of the mount, whole and alive', async () => {
    const { world, rooms } = await open()
    const other = jwt(rooms, { audience: 'db' })
    const [head = '', body = '', signature = ''] = jwt(rooms).split('.')
    assert.match(errors(await logIn(world, undefined, { jwt: other }))[1], /^invalid JWT-SVID: expected audience in/)
    assert.match(errors(await logIn(world, undefined, { jwt: `${head}.${body}.${signature.slice(0, -4)}AAAA` }))[1], /signature|malformed/)
    assert.match(errors(await logIn(world, undefined, { jwt: jwt(await stranger(world, 'example.org')) }))[1], /no JWT authority/)
    assert.match(errors(await logIn(world, undefined, { jwt: '' }))[1], /malformed token/)
    const old = jwt(rooms)
    world.clock.advance(361_000)
    assert.deepEqual(errors(await logIn(world, undefined, { jwt: old })), [400, 'invalid JWT-SVID: token has expired'])
    await world.ok('write', 'auth/spiffe/config', { audiences: '' })
    assert.deepEqual(errors(await logIn(world, undefined, { jwt: jwt(rooms) })), [400, 'JWT-SVIDs are not taken here: this mount has no audiences'])
    await world.close()
  })

  test('with an id is taken once, by whichever process, and forgotten when it is over', async () => {
    const { world, rooms } = await open()
    const once = jwt(rooms, { once: true })
    const twin = world.twin()
    const both = await Promise.all([
      logIn(world, undefined, { jwt: once }),
      world.call('write', 'auth/spiffe/login', { jwt: once }, { token: '', kernel: twin }),
    ])
    assert.deepEqual(
      both.map(({ status }) => status).sort((a, b) => a - b),
      [200, 403],
    )
    assert.deepEqual(errors(await logIn(world, undefined, { jwt: once })), [403, 'this JWT-SVID has been used already'])
    const kept = () => [...world.inside.keys({ prefix: 'data/' })].filter((key) => key.includes('/jti')).length
    assert.equal(kept(), 2)
    world.clock.advance(500_000)
    await world.kernel.sweep()
    assert.equal(kept(), 0)
    await world.close()
  })

  test('stands for a token where the mount says so, and is not stored', async () => {
    const { world, rooms } = await open()
    await world.ok('write', 'sys/policies/acl/web', { policy: 'path "sys/whoami" { capabilities = ["read"] }' })
    const proof = jwt(rooms)
    const whoami = (token: string) => world.call('read', 'sys/whoami', {}, { token })
    assert.deepEqual(errors(await whoami(proof)), [403, 'permission denied'])
    await world.ok('write', 'auth/spiffe/config', { bearer: true })
    const { status, body } = await whoami(proof)
    assert.equal(status, 200)
    assert.deepEqual([body.data.policies, body.data.type, body.data.accessor, body.data.ttl], [['default', 'web'], 'batch', '', 300])
    assert.equal(body.data.metadata.spiffe_id, `spiffe://example.org${WEB}`)
    assert.equal((await world.ok('list', 'auth/token/accessors')).data.keys.length, 1, 'the root token alone')
    assert.equal((await world.call('write', 'auth/token/create', {}, { token: proof })).status, 403)
    assert.equal((await whoami(jwt(rooms, { audience: 'db' }))).status, 403)
    assert.equal((await whoami(jwt(rooms, { path: '/ns/red/sa/db' }))).status, 403)
    const once = jwt(rooms, { once: true })
    assert.deepEqual([(await whoami(once)).status, (await whoami(once)).status], [200, 403])
    world.clock.advance(361_000)
    assert.equal((await whoami(proof)).status, 403)
    await world.close()
  })

  test('in the place of a token reaches into namespaces below its mount, and not above', async () => {
    const { world, rooms } = await open()
    await world.ok('write', 'sys/namespaces/team')
    const inTeam = { namespace: 'team' }
    await world.ok('write', 'sys/auth/spiffe', { type: 'spiffe' }, inTeam)
    await world.ok('write', 'auth/spiffe/config', { audiences: AUDIENCE, bearer: true }, inTeam)
    await world.ok('write', 'auth/spiffe/role/web', { bound_trust_domains: 'example.org', token_policies: 'default' }, inTeam)
    const token = jwt(rooms)
    assert.equal((await world.call('read', 'auth/token/lookup-self', {}, { token, ...inTeam })).body.data.namespace_path, 'team/')
    assert.equal((await world.call('read', 'auth/token/lookup-self', {}, { token })).status, 403)
    await world.close()
  })

  test('is no WIT-SVID, which is taken neither at the login nor in the place of a token', async () => {
    const { world, rooms } = await open()
    await world.ok('write', 'auth/spiffe/config', { bearer: true })
    await world.ok('write', 'spiffe/config', { wit_svids: true })
    const { key } = newSigningKey('ec-p256')
    const id = spiffeId(rooms.settings.need().trustDomain, WEB)
    const { token } = rooms.svids.wit(id, { key: createPublicKey(key), algorithm: 'ES256' }, 0)
    const text = 'a WIT-SVID is no bearer token: whoever presents one has to prove possession of its key'
    assert.deepEqual(errors(await logIn(world, undefined, { jwt: token })), [400, `invalid JWT-SVID: ${text}`])
    assert.deepEqual(errors(await world.call('read', 'auth/token/lookup-self', {}, { token })), [403, 'permission denied'])
    assert.deepEqual(errors(await world.call('write', 'spiffe/svid/validate', { svid: token, audience: AUDIENCE })), [400, text])
    const forged = issueJwtSvid(rooms.authorities.signer('wit').key, rooms.authorities.signer('wit').authority.id, {
      ...{ subject: id, audience: [AUDIENCE], issuedAt: world.clock.now() / 1000, expiresAt: world.clock.now() / 1000 + 60 },
    })
    assert.match(String(errors(await logIn(world, undefined, { jwt: forged }))[1]), /no JWT authority ".+" found/)
    await world.close()
  })

  test('is shown in no audit record', async () => {
    const { world, rooms } = await open()
    await world.ok('write', 'sys/audit/file', { type: 'file', options: { file_path: '/audit' } })
    await world.ok('write', 'auth/spiffe/config', { bearer: true })
    const proof = jwt(rooms)
    await logIn(world, undefined, { jwt: proof })
    await world.call('read', 'auth/token/lookup-self', {}, { token: proof })
    const text = JSON.stringify(world.audit('/audit'))
    assert.ok(text.includes('auth/spiffe/login') && !text.includes(proof.split('.')[2] as string))
    await world.close()
  })
})

describe('roles', () => {
  for (const [role, path, fits] of [
    [{ bound_spiffe_ids: 'spiffe://example.org/ns/*/sa/web' }, WEB, true],
    [{ bound_spiffe_ids: ['spiffe://example.org/ns/blue/**', 'spiffe://example.org/ns/red/**'] }, WEB, true],
    [{ bound_spiffe_ids: 'spiffe://example.org/ns/blue/**' }, WEB, false],
    [{ bound_trust_domains: 'example.org' }, WEB, true],
    [{ bound_trust_domains: 'other.org' }, WEB, false],
    [{ bound_entry_ids: 'web' }, WEB, true],
    [{ bound_entry_ids: 'web' }, '/ns/red/sa/db', false],
    [{ bound_hints: 'main' }, WEB, true],
    [{ bound_hints: 'other' }, WEB, false],
    [{ bound_selectors: 'unix:uid:1' }, WEB, true],
    [{ bound_selectors: 'unix:uid:1,unix:uid:2' }, WEB, false],
    [{ bound_entry_ids: 'web', bound_spiffe_ids: 'spiffe://example.org/ns/blue/**' }, WEB, false],
    [{ bound_trust_domains: 'example.org', svid_types: 'jwt' }, WEB, false],
  ] as const) {
    test(`${JSON.stringify(role)} ${fits ? 'takes' : 'does not take'} ${path}`, async () => {
      const { world, rooms } = await open(role as JsonObject)
      const entry = {
        id: 'web',
        hint: 'main',
        spiffe_id: `spiffe://example.org${WEB}`,
        parent_id: 'spiffe://example.org/n',
        selectors: 'unix:uid:1,unix:gid:2',
      }
      await world.ok('write', 'spiffe/entries', entry)
      assert.equal((await logIn(world, svid(rooms, path), { role: 'web' })).status, fits ? 200 : 403)
      await world.close()
    })
  }

  test('are chosen by name, by default, or because no other fits', async () => {
    const { world, rooms } = await open()
    await world.ok('write', 'auth/spiffe/role/all', { bound_trust_domains: 'example.org', token_policies: 'all' })
    const chain = svid(rooms)
    const policies = async (data?: JsonObject) => (await logIn(world, chain, data)).body.auth?.token_policies
    assert.deepEqual(errors(await logIn(world, chain)), [400, `several roles are for spiffe://example.org${WEB}; name one`])
    assert.deepEqual(await policies({ role: 'WEB' }), ['default', 'web'])
    await world.ok('write', 'auth/spiffe/config', { default_role: 'all' })
    assert.deepEqual(await policies(), ['all', 'default'])
    assert.deepEqual(errors(await logIn(world, chain, { role: 'none' })), [403, `role "none" is not for spiffe://example.org${WEB}`])
    await world.close()
  })

  test('are checked when they are written, read whole, listed and removed', async () => {
    const { world } = await open()
    for (const [role, error] of [
      [{}, /needs at least one of/],
      [{ bound_spiffe_ids: 'spiffe://example.org/a*' }, /stands for a whole segment/],
      [{ bound_trust_domains: 'Example.org' }, /trust domain characters/],
      [{ bound_trust_domains: 'a.org', svid_types: 'wit' }, /neither x509 nor jwt/],
      [{ bound_trust_domains: 'a.org', token_type: 'odd' }, /invalid 'token_type'/],
    ] as const) {
      assert.match(errors(await world.call('write', 'auth/spiffe/role/bad', role as JsonObject))[1], error)
    }
    await world.ok('write', 'auth/spiffe/role/web', { bound_hints: 'main' })
    const { data } = await world.ok('read', 'auth/spiffe/role/web')
    assert.deepEqual([data.bound_spiffe_ids, data.bound_hints, data.token_ttl], [[`spiffe://example.org${WEB}`], ['main'], 600])
    assert.deepEqual((await world.ok('list', 'auth/spiffe/role')).data.keys, ['web'])
    await world.ok('delete', 'auth/spiffe/role/web')
    assert.equal((await world.call('read', 'auth/spiffe/role/web')).status, 404)
    await world.close()
  })

  test('end renewals when they are gone or no longer for the identity', async () => {
    const { world, rooms } = await open()
    const { auth } = (await logIn(world, svid(rooms))).body
    const renew = () => world.call('write', 'auth/token/renew-self', {}, { token: auth.client_token })
    assert.equal((await renew()).status, 200)
    await world.ok('write', 'auth/spiffe/role/web', { bound_spiffe_ids: 'spiffe://example.org/other' })
    assert.match(errors(await renew())[1], /is no longer for spiffe:/)
    await world.ok('delete', 'auth/spiffe/role/web')
    assert.match(errors(await renew())[1], /does not exist during renewal/)
    await world.close()
  })

  test('bind tokens to addresses, and give no root', async () => {
    const { world, rooms } = await open({ bound_trust_domains: 'example.org', token_bound_cidrs: '10.0.0.0/8' })
    assert.deepEqual(errors(await logIn(world, svid(rooms))), [403, 'permission denied'])
    await world.ok('write', 'auth/spiffe/role/web', { token_bound_cidrs: '', token_policies: 'root' })
    assert.deepEqual(errors(await logIn(world, svid(rooms))), [400, 'auth methods cannot create root tokens'])
    await world.close()
  })
})

describe('foreign trust domains', () => {
  test('are believed by the bundle that the mount was given, for their own names', async () => {
    const { world, rooms } = await open({ bound_spiffe_ids: 'spiffe://other.org/**' })
    const other = await stranger(world)
    const bundle = other.authorities.bundle()
    for (const given of [
      { bundle: formatBundle(bundle) },
      { bundle: JSON.stringify(formatBundle(bundle)) },
      { pem: toPem(bundle.x509Authorities) },
    ]) {
      await world.ok('write', 'auth/spiffe/bundles/other.org', given)
      assert.equal((await logIn(world, svid(other))).status, 200)
      assert.equal((await logIn(world, undefined, { jwt: jwt(other) })).status, 'pem' in given ? 400 : 200)
    }
    assert.equal((await logIn(world, svid(rooms))).status, 403)
    assert.deepEqual((await world.ok('list', 'auth/spiffe/bundles')).data.keys, ['other.org'])
    assert.deepEqual((await world.ok('read', 'auth/spiffe/bundles/other.org')).data, { x509_authorities: 1, jwt_authorities: [] })
    await world.ok('delete', 'auth/spiffe/bundles/other.org')
    assert.equal((await logIn(world, svid(other))).status, 400)
    await world.close()
  })

  test('that the server federates with are believed where a role names them', async () => {
    const { world, rooms } = await open({ bound_trust_domains: 'example.org' })
    const other = await stranger(world)
    await rooms.bundles.set(other.authorities.bundle())
    assert.equal((await logIn(world, svid(other))).status, 403)
    await world.ok('write', 'auth/spiffe/role/web', { bound_trust_domains: 'other.org' })
    assert.equal((await logIn(world, svid(other))).status, 200)
    await rooms.bundles.remove(parseTrustDomain('other.org'), 'delete')
    assert.equal((await logIn(world, svid(other))).status, 400)
    await world.close()
  })

  test('need a bundle that is one, and are foreign', async () => {
    const { world } = await open()
    for (const [at, given, error] of [
      ['other.org', {}, /either bundle or pem is needed/],
      ['other.org', { bundle: { keys: [] }, pem: 'x' }, /either bundle or pem is needed/],
      ['other.org', { bundle: 'x' }, /JSON|invalid/],
      ['other.org', { bundle: { keys: [] } }, /holds no authority/],
      ['other.org', { bundle: { keys: [{ kty: 'EC', use: 'x509-svid', x5c: ['AAAA'] }] } }, /holds no certificate/],
      ['other.org', { pem: 'none' }, /there is no certificate in PEM/],
      ['other.org', { pem: '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----' }, /a certificate cannot be read/],
      ['Other.org', { pem: 'x' }, /trust domain characters/],
      ['example.org', { bundle: { keys: [] } }, /own trust domain/],
    ] as const) {
      assert.match(errors(await world.call('write', `auth/spiffe/bundles/${at}`, given as unknown as JsonObject))[1], error)
    }
    await world.close()
  })
})

test('policies may speak of the trust domain and the segments of the path, of those only who logged in by an SVID', async () => {
  const { world, rooms } = await open({ bound_trust_domains: 'example.org' })
  await world.ok('write', 'sys/mounts/kv', { type: 'kv' })
  const policy = 'path "kv/{{spiffe.trust_domain}}/{{spiffe.path.1}}/*" { capabilities = ["create", "update", "read"] }'
  await world.ok('write', 'sys/policies/acl/web', { policy: `${policy} path "auth/token/create" { capabilities = ["update"] }` })
  const { client_token: token } = (await logIn(world, svid(rooms))).body.auth
  const write = (path: string, by: string) => world.call('write', path, { a: 1 }, { token: by })
  assert.equal((await write('kv/example.org/red/x', token)).status, 204)
  assert.equal((await write('kv/example.org/blue/x', token)).status, 403)
  const { data } = await world.ok('write', 'sys/capabilities-self', { path: 'kv/example.org/red/x' }, { token })
  assert.deepEqual(data.capabilities, ['create', 'read', 'update'])
  const forged = { policies: ['web'], meta: { spiffe_id: 'spiffe://example.org/ns/blue/sa/web', trust_domain: 'example.org' } }
  const { auth } = await world.ok('write', 'auth/token/create', forged, { token })
  for (const team of ['red', 'blue']) assert.equal((await write(`kv/example.org/${team}/x`, auth.client_token)).status, 403)
  await world.close()
})

// Exchange: a login of any kind becomes an SVID where a role says so, and says whose it is by nothing but what was verified.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { JsonObject } from '../base/json.ts'
import { witKeyOf } from '../crypto/bundle.ts'
import { fromPem } from '../crypto/certificate.ts'
import { newCsr } from '../crypto/csr.ts'
import { jwkOf } from '../crypto/jws.ts'
import { newSigningKey } from '../crypto/signing-key.ts'
import { parseTrustDomain } from '../crypto/spiffe-id.ts'
import { verifyWitSvid } from '../crypto/wit-svid.ts'
import { NOTHING_REVOKED, verifyX509Svid } from '../crypto/x509-svid.ts'
import { openWorld } from '../testing/world.ts'
import { checkIdTemplate, fillIdTemplate } from './id-template.ts'
import type { Spiffe } from './rooms.ts'

const HOME = parseTrustDomain('example.org')
const TEMPLATE = 'spiffe://example.org/people/{{metadata.username}}'
const KEY = newSigningKey('ec-p256')
const csr = () => newCsr(newSigningKey('ec-p256')).toString('base64')

async function open(role: JsonObject = {}) {
  const world = await openWorld()
  await world.ok('write', 'sys/mounts/spiffe', { type: 'spiffe' })
  await world.ok('write', 'spiffe/config', { trust_domain: 'example.org' })
  await world.ok('write', 'sys/auth/userpass', { type: 'userpass' })
  await world.ok('write', 'sys/policies/acl/people', {
    policy: 'path "spiffe/exchange/*" { capabilities = ["update"] } path "auth/token/create" { capabilities = ["update"] }',
  })
  await world.ok('write', 'auth/userpass/users/ann', { password: 'pw', token_policies: 'people', token_ttl: '20m' })
  const { accessor } = (await world.ok('read', 'sys/auth')).data['userpass/']
  const written = { bound_mount_accessors: accessor, spiffe_id: TEMPLATE, audiences: 'db', ...role }
  await world.ok('write', 'spiffe/exchange/roles/people', written)
  const { client_token: token } = (await world.ok('write', 'auth/userpass/login/ann', { password: 'pw' })).auth
  const asked = { x509: { csr: csr() }, jwt: { audience: 'db' }, wit: { jwk: jwkOf(KEY.publicKey) } }
  const ask = (kind: keyof typeof asked, data: JsonObject = {}, by = token) =>
    world.call('write', `spiffe/exchange/${kind}`, { role: 'people', ...asked[kind], ...data }, { token: by })
  return { world, token, accessor, ask, rooms: world.kernel.spiffe() as Spiffe }
}

const refusal = ({ status, body }: { status: number; body: any }) => [status, body?.errors?.[0]]
const NOT_FOR = [403, 'role "people" is not for this token']

describe('a token of a login', () => {
  test('becomes an X509-SVID with the identity that its role makes of the login', async () => {
    const { world, ask, rooms } = await open()
    const { data } = (await ask('x509')).body
    const proven = verifyX509Svid(fromPem(data.certificate), world.clock.now(), () => rooms.authorities.bundle().x509Authorities, NOTHING_REVOKED)
    assert.equal(proven.id, 'spiffe://example.org/people/ann')
    assert.equal(proven.expiresAt, Math.floor(world.clock.now() / 1000) * 1000 + 1_200_000, 'it ends with the token')
    await world.close()
  })

  test('becomes a JWT-SVID for the audiences of its role', async () => {
    const { world, ask } = await open({ ttl: 60 })
    const { data } = (await ask('jwt')).body
    const found = await world.ok('write', 'spiffe/svid/validate', { svid: data.svid, audience: 'db' })
    assert.equal(found.data.spiffe_id, 'spiffe://example.org/people/ann')
    assert.equal(Date.parse(data.expires_at), Math.floor(world.clock.now() / 1000) * 1000 + 60_000)
    assert.deepEqual(refusal(await ask('jwt', { audience: ['db', 'other'] })), [403, 'role "people" gives nothing for the audience "other"'])
    assert.deepEqual(refusal(await ask('jwt', { audience: '' })), [400, 'at least one audience is required'])
    await world.close()
  })

  test('becomes a WIT-SVID for a key, where its role names them and the trust domain has them', async () => {
    const { world, ask, rooms } = await open()
    assert.match(refusal(await ask('wit'))[1], /is not for this token/)
    await world.ok('write', 'spiffe/exchange/roles/people', { svid_types: 'wit' })
    assert.match(refusal(await ask('wit'))[1], /WIT-SVIDs are off/)
    await world.ok('write', 'spiffe/config', { wit_svids: true })
    const { data } = (await ask('wit')).body
    const found = verifyWitSvid(
      data.svid,
      world.clock.now(),
      (_, kid) => witKeyOf(rooms.authorities.bundle(), kid),
      ({ key }) => key.export({ format: 'der', type: 'spki' }).equals(KEY.publicKey),
    )
    assert.equal(found.id, 'spiffe://example.org/people/ann')
    assert.equal(found.expiresAt, Math.floor(world.clock.now() / 1000) * 1000 + 1_200_000, 'it ends with the token')
    assert.match(refusal(await ask('wit', { jwk: { kty: 'oct', k: 'AAAA' } }))[1], /symmetric key/)
    await world.close()
  })

  test('near its end gives nothing', async () => {
    const { world, ask } = await open()
    world.clock.advance(1_199_500)
    assert.deepEqual(refusal(await ask('x509')), [403, 'this token ends too soon'])
    await world.close()
  })
})

describe('a role', () => {
  for (const [role, why] of [
    [{ bound_policies: 'people,ops' }, NOT_FOR],
    [{ bound_metadata: { username: 'bob' } }, NOT_FOR],
    [{ bound_metadata: { team: 'red' } }, NOT_FOR],
    [{ svid_types: 'jwt' }, NOT_FOR],
    [{ bound_mount_accessors: 'auth_userpass_00000000' }, NOT_FOR],
    [{ spiffe_id: 'spiffe://example.org/people/{{metadata.team}}' }, [403, 'this token has no metadata.team']],
  ] as const) {
    test(`with ${JSON.stringify(role)} is not for ann`, async () => {
      const { world, ask } = await open(role as JsonObject)
      assert.deepEqual(refusal(await ask('x509')), why)
      await world.close()
    })
  }

  test('is for logins alone: not for root, and not for tokens made from tokens, whatever they say of themselves', async () => {
    const { world, token, ask } = await open()
    const forged = { meta: { username: 'root' }, policies: ['people'] }
    const { client_token: child } = (await world.ok('write', 'auth/token/create', forged, { token })).auth
    for (const other of [child, world.rootToken]) assert.deepEqual(refusal(await ask('x509', {}, other)), NOT_FOR)
    assert.deepEqual(refusal(await ask('x509', { role: 'none' })), [403, 'role "none" is not for this token'])
    assert.equal((await ask('x509', {}, '')).status, 403)
    await world.close()
  })

  test('needs a policy that lets one ask', async () => {
    const { world, ask } = await open()
    await world.ok('write', 'sys/policies/acl/people', { policy: 'path "a" { capabilities = ["read"] }' })
    assert.match(refusal(await ask('x509'))[1], /permission denied/)
    await world.close()
  })

  test('is checked when it is written, read whole, listed and removed', async () => {
    const { world, accessor, ask } = await open()
    for (const [role, error] of [
      [{ bound_mount_accessors: '' }, /needs bound_mount_accessors/],
      [{ spiffe_id: '' }, /cannot be empty/],
      [{ spiffe_id: 'spiffe://other.org/a' }, /is not of trust domain "example.org"/],
      [{ spiffe_id: 'spiffe://{{metadata.domain}}/a' }, /is not of trust domain "example.org"/],
      [{ spiffe_id: 'spiffe://example.org' }, /has no path/],
      [{ spiffe_id: 'spiffe://example.org/spire/agent/{{metadata.a}}' }, /reserved/],
      [{ spiffe_id: 'spiffe://example.org/{{metadata.a}' }, /path segment characters/],
      [{ spiffe_id: 'spiffe://example.org/{{policies}}' }, /\{\{policies\}\} is not known/],
      [{ svid_types: 'x509,svid' }, /"svid" is none of x509, jwt, wit/],
    ] as const) {
      assert.match(refusal(await world.call('write', 'spiffe/exchange/roles/people', role))[1], error)
    }
    assert.match(refusal(await world.call('write', 'spiffe/exchange/roles/a%20b', { spiffe_id: TEMPLATE }))[1], /made of letters|path/)
    const { data } = await world.ok('read', 'spiffe/exchange/roles/people')
    assert.deepEqual([data.bound_mount_accessors, data.spiffe_id, data.audiences], [[accessor], TEMPLATE, ['db']])
    assert.deepEqual((await world.ok('list', 'spiffe/exchange/roles')).data.keys, ['people'])
    await world.ok('delete', 'spiffe/exchange/roles/people')
    assert.deepEqual(refusal(await ask('x509')), NOT_FOR)
    await world.close()
  })

  test('takes nothing but a signing request', async () => {
    const { world, ask } = await open()
    assert.match(refusal(await ask('x509', { csr: '!' }))[1], /neither PEM nor base64/)
    assert.match(refusal(await ask('x509', { csr: 'AAAA' }))[1], /malformed CSR/)
    await world.close()
  })
})

describe('a template of an ID', () => {
  const fill = (value: string) => fillIdTemplate(TEMPLATE, { metadata: { username: value }, mountAccessor: 'm' }, HOME)

  test('is filled with values that are segments, or parts of one', () => {
    assert.equal(fill('ann'), 'spiffe://example.org/people/ann')
    const facts = { metadata: { a: 'x', 'b.c': 'y' }, mountAccessor: 'auth_userpass_1' }
    const template = 'spiffe://example.org/{{ mount_accessor }}/u-{{metadata.a}}.{{metadata.b.c}}'
    checkIdTemplate(template, HOME)
    assert.equal(fillIdTemplate(template, facts, HOME), 'spiffe://example.org/auth_userpass_1/u-x.y')
  })

  for (const value of ['a/b', '', '.', '..', 'a b', '*', '%2f', 'ä', '{{metadata.username}}', 'a\0']) {
    test(`takes no ${JSON.stringify(value)}`, () => assert.throws(() => fill(value)))
  }

  test('reaches nothing that is reserved, and no inherited name', () => {
    const facts = { metadata: { a: 'spire' }, mountAccessor: 'm' }
    assert.throws(() => fillIdTemplate('spiffe://example.org/{{metadata.a}}/server', facts, HOME), /reserved/)
    assert.throws(() => fillIdTemplate('spiffe://example.org/{{metadata.constructor}}', facts, HOME), /has no metadata.constructor/)
  })
})

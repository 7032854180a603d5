import assert from 'node:assert/strict'
import { createPublicKey, randomBytes, X509Certificate } from 'node:crypto'
import { describe, test } from 'node:test'
import { Fault } from '../base/fault.ts'
import { silent } from '../base/log.ts'
import { jwtKeyOf } from '../crypto/bundle.ts'
import { verifyJwtSvid } from '../crypto/jwt-svid.ts'
import { newSigningKey } from '../crypto/signing-key.ts'
import { parseSpiffeId, parseTrustDomain } from '../crypto/spiffe-id.ts'
import { NOTHING_REVOKED, verifyX509Svid } from '../crypto/x509-svid.ts'
import { follow } from '../store/follow.ts'
import { memory } from '../store/memory.ts'
import { settableClock, stillTimers } from '../testing/clock.ts'
import { openAgents } from './agents.ts'
import { openAuthorities } from './authorities.ts'
import { openAuthorised } from './authorised.ts'
import { openEntries } from './entries.ts'
import { type EntrySpec, PLAIN_ENTRY } from './entry.ts'
import { openJoinTokens } from './join-tokens.ts'
import { parseSelector } from './selectors.ts'
import { DEFAULTS, openSettings } from './settings.ts'
import { openSvids } from './svids.ts'

const HOUR = 3_600_000
const HOME = parseTrustDomain('example.org')
const AGENT = parseSpiffeId('spiffe://example.org/spire/agent/x509pop/ab')
const id = (path: string) => parseSpiffeId(`spiffe://example.org${path}`)
const random = { bytes: randomBytes }

async function open() {
  const store = memory({ timers: stillTimers })
  const place = { store, ...follow(store) }
  const clock = settableClock()
  const settings = openSettings(place)
  await settings.set({ ...DEFAULTS, trustDomain: HOME })
  const authorities = openAuthorities({ place, clock, random, settings, log: silent })
  await authorities.rotate()
  const entries = openEntries({ place, clock, random, settings })
  const svids = openSvids({ authorities, settings, clock, random })
  return {
    store,
    clock,
    settings,
    authorities,
    entries,
    svids,
    agents: openAgents({ place, clock, issued: { put: () => {} } }),
    authorised: openAuthorised({ place, entries }),
    joinTokens: openJoinTokens({ place, clock, random }),
  }
}

const spec = (more: Partial<EntrySpec> = {}): EntrySpec => ({
  ...PLAIN_ENTRY,
  spiffeId: id('/web'),
  parentId: AGENT,
  selectors: [parseSelector('unix:uid:1000')],
  namespace: '',
  ...more,
})

describe('authorities', () => {
  test('the first of each kind is made and used at once, and published', async () => {
    const { authorities } = await open()
    const { x509Authorities, jwtAuthorities, sequence } = authorities.bundle()
    assert.equal(x509Authorities.length, 1)
    assert.equal(jwtAuthorities.length, 1)
    assert.ok(sequence > 0)
    assert.equal(new X509Certificate(x509Authorities[0] as Buffer).subjectAltName, 'URI:spiffe://example.org')
    assert.equal(authorities.signer('x509').authority.state, 'active')
  })

  test('rotate: published half a life before, used a sixth before the end, removed a day after', async () => {
    const { authorities, clock } = await open()
    const first = authorities.signer('x509').authority.id
    const states = () => authorities.set().x509.map(({ state }) => state)
    const rotateAfter = async (ms: number) => {
      clock.advance(ms)
      await authorities.rotate()
      return states()
    }
    assert.deepEqual(await rotateAfter(11 * HOUR), ['active'])
    assert.deepEqual(await rotateAfter(HOUR), ['active', 'prepared'])
    assert.deepEqual(await rotateAfter(7 * HOUR), ['active', 'prepared'])
    assert.equal(authorities.signer('x509').authority.id, first)
    assert.deepEqual(await rotateAfter(HOUR), ['old', 'active'])
    assert.notEqual(authorities.signer('x509').authority.id, first)
    assert.ok(authorities.set().x509.some((one) => one.id === first))
    for (let hours = 0; hours < 29; hours++) await rotateAfter(HOUR)
    assert.ok(!authorities.set().x509.some((one) => one.id === first))
  })

  test('by hand: only prepared ones are activated, only old ones tainted and revoked', async () => {
    const { authorities, store } = await open()
    const active = authorities.signer('jwt').authority.id
    await assert.rejects(authorities.taint('jwt', active), /only old authorities can be tainted; this one is active/)
    await assert.rejects(authorities.activate('jwt', active), /only prepared authorities can be activated/)
    await assert.rejects(authorities.activate('jwt', ''), /no authority ID provided/)
    await assert.rejects(authorities.activate('jwt', 'x'), /no jwt authority has the ID "x"/)
    const unused = await authorities.prepare('jwt')
    const next = await authorities.prepare('jwt')
    assert.ok(!authorities.set().jwt.some((one) => one.id === unused.id))
    await assert.rejects(authorities.revoke('jwt', next.id), /only old authorities can be revoked/)
    assert.equal((await authorities.activate('jwt', next.id)).state, 'active')
    assert.equal((await authorities.taint('jwt', active)).tainted, true)
    await assert.rejects(authorities.taint('jwt', active), /tainted already/)
    const { sequence } = authorities.bundle()
    await authorities.revoke('jwt', active)
    assert.deepEqual(
      authorities.bundle().jwtAuthorities.map(({ keyId }) => keyId),
      [next.id],
    )
    assert.ok(authorities.bundle().sequence > sequence)
    const keys = [...store.keys({ prefix: 'authority-key/' })]
    assert.equal(keys.length, 2, 'one key of each kind is left')
  })

  test('a trust domain keeps its name, and has lifetimes that fit', async () => {
    const { settings } = await open()
    await assert.rejects(settings.set({ ...settings.need(), trustDomain: parseTrustDomain('other.org') }), /cannot be changed/)
    await assert.rejects(settings.set({ ...settings.need(), x509SvidTtl: 5 * 3600 }), /a sixth/)
    await assert.rejects(settings.set({ ...settings.need(), jwtSvidTtl: 0 }), /at least a second/)
    await assert.rejects(settings.set({ ...settings.need(), jwtIssuer: 'http://x' }), /https/)
  })
})

describe('SVIDs', () => {
  test('come from the entry, whatever the key', async () => {
    const { svids, entries, authorities, clock } = await open()
    const { entry } = await entries.create(spec({ dnsNames: ['web.example.org'], x509SvidTtl: 60, includeJti: true }))
    const { publicKey } = newSigningKey('rsa-2048')
    const { chain, expiresAt } = svids.x509For(entry, publicKey)
    const svid = verifyX509Svid(chain, clock.now(), () => authorities.bundle().x509Authorities, NOTHING_REVOKED)
    assert.equal(svid.id, 'spiffe://example.org/web')
    assert.equal(svid.leaf.subject, 'O=Signet\nCN=web.example.org')
    assert.equal(svid.leaf.subjectAltName, 'URI:spiffe://example.org/web, DNS:web.example.org')
    assert.equal(svid.expiresAt, expiresAt)
    assert.equal(Math.ceil((expiresAt - clock.now()) / 1000), 60)
    const token = svids.jwtFor(entry, ['db'])
    const verified = verifyJwtSvid(token.token, 'db', clock.now(), (_, kid) => jwtKeyOf(authorities.bundle(), kid))
    assert.equal(verified.id, entry.spiffeId)
    assert.match(String(verified.claims['jti']), /^\w{24}$/)
  })

  test('never outlive their authority', async () => {
    const { svids, authorities, clock } = await open()
    clock.advance(23.5 * HOUR)
    const { expiresAt } = svids.x509({ id: id('/a'), publicKey: newSigningKey('ec-p256').publicKey, ttl: 7200, dnsNames: [], subject: [] })
    const end = authorities.signer('x509').authority.expiresAt
    assert.equal(expiresAt, Math.floor(end / 1000) * 1000)
    assert.ok(svids.jwt(id('/a'), ['x'], 7200).expiresAt <= end)
  })

  test('are of this trust domain, and have a path and an audience', async () => {
    const { svids } = await open()
    assert.throws(() => svids.jwt(parseSpiffeId('spiffe://other.org/a'), ['x'], 0), /not a member/)
    assert.throws(() => svids.jwt(parseSpiffeId('spiffe://example.org'), ['x'], 0), /no path/)
    assert.throws(() => svids.jwt(id('/a'), [], 0), /at least one audience/)
    assert.throws(() => svids.jwt(id('/a'), ['x', ''], 0), /at least one audience/)
  })
})

describe('entries', () => {
  test('are made once', async () => {
    const { entries } = await open()
    const first = await entries.create(spec({ selectors: ['unix:uid:1', 'unix:gid:2'].map(parseSelector) }))
    const again = await entries.create(spec({ selectors: ['unix:gid:2', 'unix:uid:1', 'unix:uid:1'].map(parseSelector), hint: 'other' }))
    assert.deepEqual([first.existed, again.existed], [false, true])
    assert.deepEqual(again.entry, first.entry)
    assert.equal(entries.count(), 1)
  })

  for (const [why, more, message] of [
    ['an ID of another trust domain', { spiffeId: parseSpiffeId('spiffe://other.org/a') }, /spiffe_id .* is not a member/],
    ['a parent of another trust domain', { parentId: parseSpiffeId('spiffe://other.org/a') }, /parent_id .* is not a member/],
    ['the ID of the trust domain', { spiffeId: parseSpiffeId('spiffe://example.org') }, /no path/],
    ['a reserved ID', { spiffeId: id('/spire/agent/x') }, /reserved/],
    ['no selectors', { selectors: [] }, /missing selector list/],
    ['a selector of an unknown type', { selectors: [parseSelector('unx:uid:1')] }, /type "unx" is unknown; did you mean "unix"/],
    ['a selector of an unknown kind', { selectors: [parseSelector('unix:user_id:1')] }, /unix has no "user_id"/],
    ['a selector with a near miss', { selectors: [parseSelector('k8s:nss:a')] }, /did you mean "ns"/],
    ['a selector with a value that can never be', { selectors: [parseSelector('unix:uid:root')] }, /"root" cannot be a value of unix:uid/],
    ['a DNS name with a slash', { dnsNames: ['a/b'] }, /invalid DNS name/],
    ['a long hint', { hint: 'x'.repeat(1025) }, /at most 1024/],
    ['itself as federated', { federatesWith: [HOME] }, /no foreign one/],
    [
      'stored SVIDs with selectors of two types',
      { storeSvid: true, selectors: ['unix:uid:1', 'docker:image_id:a'].map(parseSelector) },
      /of one type/,
    ],
  ] as const) {
    test(`are refused with ${why}`, async () => {
      const { entries } = await open()
      await assert.rejects(entries.create(spec(more)), (error) => error instanceof Fault && message.test(error.message))
      assert.equal(entries.count(), 0)
    })
  }

  test('whose SVIDs are stored say where, in words of the store', async () => {
    const { entries } = await open()
    const selectors = ['aws_secretsmanager:secretname:web', 'aws_secretsmanager:kmskeyid:alias/web'].map(parseSelector)
    assert.equal((await entries.create(spec({ storeSvid: true, selectors }))).entry.selectors.length, 2)
    await assert.rejects(entries.create(spec({ selectors })), /"aws_secretsmanager" is unknown/)
    await assert.rejects(entries.create(spec({ storeSvid: true, selectors: [{ type: 'aws_secretsmanager', value: '' }] })), /has no value/)
  })

  test('are changed with a new revision, moved to another parent, and removed', async () => {
    const { entries } = await open()
    const { entry } = await entries.create(spec())
    const moved = await entries.update(entry.id, (before) => ({ ...before, parentId: id('/node') }))
    assert.equal(moved.revision, 1)
    assert.deepEqual(entries.below(AGENT), [])
    assert.deepEqual(
      entries.below(id('/node')).map((child) => child.id),
      [entry.id],
    )
    const { entry: other } = await entries.create(spec())
    await assert.rejects(
      entries.update(other.id, (before) => ({ ...before, parentId: id('/node') })),
      /has this ID, parent and selectors already/,
    )
    await assert.rejects(
      entries.update('none', (before) => before),
      /no entry has the ID/,
    )
    assert.equal(await entries.remove(entry.id), true)
    assert.equal(await entries.remove(entry.id), false)
    assert.equal(entries.count(), 1)
  })

  test('end when their time has come', async () => {
    const { entries, clock, store } = await open()
    const { entry } = await entries.create(spec({ expiresAt: clock.now() + 1000 }))
    await entries.sweep(10)
    assert.ok(entries.get(entry.id))
    clock.advance(1000)
    await entries.sweep(10)
    assert.equal(entries.get(entry.id), undefined)
    assert.deepEqual([...store.keys({ prefix: 'entry-' })], ['entry-count'])
  })

  test('an agent acts for what is below it and below the aliases that describe it, at any depth, and for nothing else', async () => {
    const { entries, authorised } = await open()
    const make = async (path: string, parentId: string, ...selectors: string[]) => {
      const { entry } = await entries.create(spec({ spiffeId: id(path), parentId: parseSpiffeId(parentId), selectors: selectors.map(parseSelector) }))
      return entry.spiffeId
    }
    const server = 'spiffe://example.org/spire/server'
    await make('/own', AGENT, 'unix:uid:1')
    const alias = await make('/nodes/db', server, 'x509pop:subject:cn:db')
    const wider = await make('/nodes/eu', server, 'x509pop:subject:cn:db', `x509pop:ca:fingerprint:${'a'.repeat(40)}`)
    await make('/on-db', alias, 'unix:uid:1')
    await make('/on-eu', wider, 'unix:uid:1')
    const named = await make('/named', server, `spiffe_id:${AGENT}`)
    const nested = await make('/nested', named, 'unix:uid:2')
    await make('/deep', nested, 'unix:uid:3')
    await make('/elsewhere', id('/other'), 'unix:uid:1')
    const agent = { id: AGENT, selectors: [parseSelector('x509pop:subject:cn:db')] }
    const found = () => new Set(Array.from(authorised.idsOf(agent), (one) => entries.get(one)?.spiffeId))
    assert.deepEqual(found(), new Set(['/deep', '/nested', '/on-db', '/own'].map(id)))
    await make('/late', nested, 'unix:uid:4')
    assert.deepEqual(found(), new Set(['/deep', '/late', '/nested', '/on-db', '/own'].map(id)))
  })

  test('a circle of parents ends', async () => {
    const { entries, authorised } = await open()
    await entries.create(spec({ spiffeId: id('/a'), parentId: id('/b') }))
    await entries.create(spec({ spiffeId: id('/b'), parentId: id('/a') }))
    await entries.create(spec({ spiffeId: id('/a') }))
    assert.equal(authorised.idsOf({ id: AGENT, selectors: [] }).size, 3)
  })
})

describe('agents', () => {
  const attested = { id: AGENT, type: 'x509pop', authority: 'a1', serial: 'aa', canReattest: true, selectors: [] }

  test('are known by the serial number of their certificate', async () => {
    const { agents, clock } = await open()
    assert.equal(await agents.authenticate(AGENT, 'aa'), 'not-attested')
    await agents.attest({ ...attested, expiresAt: clock.now() + 1000 })
    assert.equal(typeof (await agents.authenticate(AGENT, 'aa')), 'object')
    assert.equal(await agents.authenticate(AGENT, 'bb'), 'not-active')
    clock.advance(1000)
    assert.equal(await agents.authenticate(AGENT, 'aa'), 'expired')
  })

  test('keep the old certificate until the new one is used', async () => {
    const { agents, clock } = await open()
    const expiresAt = clock.now() + HOUR
    await agents.attest({ ...attested, expiresAt })
    await agents.renew(AGENT, { authority: 'a1', serial: 'bb', expiresAt })
    assert.equal(typeof (await agents.authenticate(AGENT, 'aa')), 'object')
    assert.equal(typeof (await agents.authenticate(AGENT, 'bb')), 'object')
    assert.equal(await agents.authenticate(AGENT, 'aa'), 'not-active')
  })

  test('that are banned stay out, until they are evicted', async () => {
    const { agents, clock } = await open()
    const agent = { ...attested, expiresAt: clock.now() + HOUR }
    await agents.attest(agent)
    await agents.ban(AGENT)
    assert.equal(await agents.authenticate(AGENT, 'aa'), 'banned')
    await assert.rejects(agents.attest(agent), /banned/)
    assert.equal(await agents.evict(AGENT), true)
    await agents.attest(agent)
    assert.equal(typeof (await agents.authenticate(AGENT, 'aa')), 'object')
    assert.equal(await agents.ban(id('/spire/agent/none')), false)
  })

  test('that can attest once only are held to it', async () => {
    const { agents, clock } = await open()
    const agent = { ...attested, canReattest: false, expiresAt: clock.now() + HOUR }
    await agents.attest(agent)
    await assert.rejects(agents.attest(agent), /once only/)
  })
})

describe('join tokens', () => {
  test('work once, for one of 64 at the same time', async () => {
    const { joinTokens } = await open()
    const { token } = await joinTokens.create(600)
    const won = await Promise.all(Array.from({ length: 64 }, () => joinTokens.redeem(token)))
    assert.equal(won.filter(Boolean).length, 1)
    assert.equal(await joinTokens.redeem('none'), false)
  })

  test('end with their time, and leave nothing', async () => {
    const { joinTokens, clock, store } = await open()
    const { token } = await joinTokens.create(60)
    const { token: swept } = await joinTokens.create(60)
    clock.advance(60_000)
    assert.equal(await joinTokens.redeem(token), false)
    await joinTokens.sweep(10)
    assert.equal(await joinTokens.redeem(swept), false)
    assert.deepEqual([...store.keys({ prefix: 'join' })], [])
  })

  test('are not in the store as they are', async () => {
    const { joinTokens, store } = await open()
    const { token } = await joinTokens.create(60, 'a-token-of-my-own')
    assert.equal(token, 'a-token-of-my-own')
    for (const entry of store.range({ prefix: '' })) assert.ok(!`${entry.key} ${entry.value}`.includes(token))
    await assert.rejects(joinTokens.create(60, token), /token already exists/)
    await assert.rejects(joinTokens.create(60, 'short'), /16 to 255/)
    await assert.rejects(joinTokens.create(0), /ttl is required/)
  })
})

test('an authority key is never left where it was read', async () => {
  const { authorities } = await open()
  const { key, authority } = authorities.signer('x509')
  assert.deepEqual(createPublicKey(key.key).export({ format: 'der', type: 'spki' }).toString('base64'), authority.publicKey)
})

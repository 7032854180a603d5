import assert from 'node:assert/strict'
import { randomBytes, X509Certificate } from 'node:crypto'
import { describe, test } from 'node:test'
import { silent } from '../base/log.ts'
import { encodeName } from '../crypto/certificate.ts'
import { issueCrl } from '../crypto/crl.ts'
import { publicKeyOfCsr } from '../crypto/csr.ts'
import { parseTrustDomain } from '../crypto/spiffe-id.ts'
import { certificateId } from '../crypto/x509-svid.ts'
import { entryOf, mapOf } from '../testing/agent-entry.ts'
import { type TestCertificate, testAuthority, testCertificate } from '../testing/certificates.ts'
import { settableClock, stillTimers } from '../testing/clock.ts'
import type { AgentEntry } from './entry.ts'
import { type Lists, NO_LISTS, type Trust } from './trust.ts'
import { X509Svids } from './x509-svids.ts'

const DAY = 86_400_000
const home = parseTrustDomain('example.org')

/** A cache whose server signs what it is asked for, unless a test says otherwise. */
function opened(most: number) {
  const clock = settableClock()
  const server = { authority: testAuthority('one'), asked: [] as string[][], pathOf: (id: string) => `/${id}`, away: false }
  const tainted = new Set<string>()
  const lists: { now: Lists } = { now: NO_LISTS }
  const trust: () => Trust = () => ({
    bundle: {
      trustDomain: home,
      x509Authorities: authorities.map(({ der }) => der),
      jwtAuthorities: [],
      witAuthorities: [],
      refreshHint: 0,
      sequence: 0,
    },
    tainted,
    lists: lists.now,
  })
  const authorities: TestCertificate[] = [server.authority]
  const svids = new X509Svids({
    async ask(requests) {
      server.asked.push(requests.map(({ entryId }) => entryId))
      if (server.away) throw new Error('away')
      return new Map(requests.map(({ entryId, csr }) => [entryId, [signed(server.authority, server.pathOf(entryId), publicKeyOfCsr(csr))]]))
    },
    trust,
    keyType: 'ec-p256',
    most,
    clock,
    random: { bytes: (size) => randomBytes(size) },
    timers: stillTimers,
    log: silent,
  })
  return { svids, server, clock, tainted, lists, authorities, asked: () => server.asked.splice(0) }
}

const signed = (issuer: TestCertificate, path: string, publicKey: Buffer): Buffer =>
  testCertificate('svid', { issuer, publicKey, uris: [`spiffe://example.org${path}`] }).der

describe('X509-SVIDs that an agent holds', () => {
  test('as many as there is room for are made before anybody asks, and the rest on demand', async () => {
    const { svids, asked } = opened(2)
    const entries = ['a', 'b', 'c'].map((id) => entryOf(id))
    await svids.refresh(mapOf(...entries, entryOf('lazy', { prefetch: false }), entryOf('stored', { storeSvid: true })))
    assert.deepEqual(asked(), [['a', 'b']])
    await svids.need(entries)
    assert.deepEqual(asked(), [['c']])
    assert.deepEqual([...svids.all().keys()].sort(), ['a', 'b', 'c'])
  })

  test('of those that nobody uses, the ones that were used longest ago go', async () => {
    const { svids } = opened(2)
    const entries = ['a', 'b', 'c', 'd'].map((id) => entryOf(id))
    const release = svids.hold('a')
    await svids.need(entries)
    svids.get(entries[1] as AgentEntry)
    await svids.refresh(mapOf(...entries))
    assert.deepEqual([...svids.all().keys()].sort(), ['a', 'b', 'd'])
    release()
    await svids.refresh(mapOf(...entries))
    assert.deepEqual([...svids.all().keys()].sort(), ['b', 'd'])
  })

  test('who asks for the same at once, asks the server once', async () => {
    const { svids, asked } = opened(10)
    const [a, b] = [entryOf('a'), entryOf('b')]
    await Promise.all([svids.need([a]), svids.need([a, b]), svids.refresh(mapOf(a, b))])
    assert.deepEqual(asked(), [['a'], ['b']])
  })

  test('a batch has at most 500', async () => {
    const { svids, asked } = opened(1_000)
    await svids.refresh(mapOf(...Array.from({ length: 501 }, (_, n) => entryOf(`e${n}`))))
    assert.deepEqual(
      asked().map((batch) => batch.length),
      [500, 1],
    )
  })

  test('each is renewed at half its life, when its entry changed, and at once when its authority is tainted', async () => {
    const { svids, server, clock, tainted, authorities, asked } = opened(10)
    const [a, b] = [entryOf('a'), entryOf('b')]
    await svids.refresh(mapOf(a, b))
    asked()
    assert.equal(await svids.refresh(mapOf(a, b)), false)
    assert.equal(await svids.refresh(mapOf(a, entryOf('b', { revision: 1 }))), true)
    assert.deepEqual(asked(), [['b']])
    const old = server.authority
    server.authority = testAuthority('two')
    authorities.push(server.authority)
    tainted.add(old.der.toString('base64'))
    await svids.refresh(mapOf(a, entryOf('b', { revision: 1 })))
    assert.deepEqual(asked(), [['a', 'b']])
    clock.advance(0.6 * DAY)
    await svids.refresh(mapOf(a))
    assert.deepEqual(asked(), [['a']])
    assert.deepEqual([...svids.all().keys()], ['a'], 'the entry that is gone took its SVID with it')
  })

  test('one whose authority is none any more is given to nobody, and replaced at once', async () => {
    const { svids, server, authorities, asked } = opened(10)
    const a = entryOf('a')
    await svids.refresh(mapOf(a))
    asked()
    server.authority = testAuthority('two')
    authorities.splice(0, 1, server.authority)
    assert.equal(svids.get(a), undefined)
    await svids.refresh(mapOf(a))
    assert.deepEqual(asked(), [['a']])
    assert.notEqual(svids.get(a), undefined)
  })

  test('one that is revoked is replaced at once, and is not given to anybody while there is no other', async () => {
    const { svids, server, lists, clock, asked } = opened(10)
    const a = entryOf('a')
    await svids.refresh(mapOf(a))
    asked()
    const [leaf = Buffer.alloc(0)] = svids.get(a)?.chain ?? []
    const { key, subject } = server.authority
    const listed = [{ serial: certificateId(new X509Certificate(leaf)).serial, at: clock.now(), reason: 'unspecified' as const }]
    const times = { thisUpdate: clock.now(), nextUpdate: clock.now() + DAY }
    lists.now = { crls: [issueCrl({ number: 2, ...times, listed }, { key, name: encodeName(subject) })], complete: true }
    assert.equal(svids.get(a), undefined)
    server.away = true
    await assert.rejects(svids.refresh(mapOf(a)), /away/)
    assert.equal(svids.get(a), undefined)
    server.away = false
    assert.equal(await svids.refresh(mapOf(a)), true)
    assert.notDeepEqual(svids.get(a)?.chain, [leaf])
    assert.equal(await svids.refresh(mapOf(a)), false)
  })

  test('what is another’s, or of nobody known, is not taken', async () => {
    const { svids, server } = opened(10)
    const a = entryOf('a')
    server.pathOf = () => '/another'
    await svids.need([a])
    assert.equal(svids.get(a), undefined)
    Object.assign(server, { pathOf: () => '/a', authority: testAuthority('stranger') })
    await svids.need([a])
    assert.equal(svids.get(a), undefined)
  })

  test('one that has expired is none, and what was there serves while the server is away', async () => {
    const { svids, server, clock } = opened(10)
    const a = entryOf('a')
    await svids.need([a])
    server.away = true
    clock.advance(0.6 * DAY)
    await assert.rejects(svids.refresh(mapOf(a)), /away/)
    assert.ok(svids.get(a))
    clock.advance(DAY)
    assert.equal(svids.get(a), undefined)
  })
})

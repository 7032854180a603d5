import assert from 'node:assert/strict'
import { createPublicKey, randomBytes } from 'node:crypto'
import { describe, test } from 'node:test'
import { silent } from '../base/log.ts'
import { newSigningKey, type SigningKey } from '../crypto/signing-key.ts'
import { parseSpiffeId, parseTrustDomain } from '../crypto/spiffe-id.ts'
import { issueWitSvid } from '../crypto/wit-svid.ts'
import { entryOf, mapOf } from '../testing/agent-entry.ts'
import { settableClock, stillTimers } from '../testing/clock.ts'
import { GrpcError, STATUS } from '../wire/grpc.ts'
import type { AgentEntry } from './entry.ts'
import { NO_LISTS, type Trust } from './trust.ts'
import { type WitRequest, WitSvids } from './wit-svids.ts'

const HOUR = 3_600_000
const home = parseTrustDomain('example.org')

/** A cache whose server signs what it is asked for, unless a test says otherwise. */
function opened(most = 10) {
  const clock = settableClock()
  const keys = new Map<string, SigningKey>([['one', newSigningKey('ec-p256')]])
  const tainted = new Set<string>()
  const server = {
    kid: 'one',
    asked: [] as string[][],
    problem: undefined as GrpcError | undefined,
    sign: (request: WitRequest): { token: string } | string => ({ token: signed(request) }),
  }
  const signed = ({ entryId, publicKey, signingAlgorithm }: WitRequest, path = `/${entryId}`): string => {
    const issuedAt = Math.floor(clock.now() / 1000)
    const bound = { key: createPublicKey({ key: publicKey, format: 'der', type: 'spki' }), algorithm: signingAlgorithm }
    const subject = parseSpiffeId(`spiffe://example.org${path}`)
    return issueWitSvid(keys.get(server.kid) as SigningKey, server.kid, { subject, bound, issuedAt, expiresAt: issuedAt + 3600, tokenId: 'j' })
  }
  const trust = (): Trust => ({
    bundle: {
      trustDomain: home,
      x509Authorities: [],
      jwtAuthorities: [],
      witAuthorities: Array.from(keys, ([keyId, { publicKey }]) => ({ keyId, publicKey, expiresAt: undefined })),
      refreshHint: 0,
      sequence: 0,
    },
    tainted,
    lists: NO_LISTS,
  })
  const svids = new WitSvids({
    async ask(requests) {
      server.asked.push(requests.map(({ entryId }) => entryId))
      if (server.problem) throw server.problem
      return new Map(requests.map((one) => [one.entryId, server.sign(one)]))
    },
    trust,
    keyType: 'ec-p256',
    most,
    clock,
    random: { bytes: (size) => randomBytes(size) },
    timers: stillTimers,
    log: silent,
  })
  return { svids, server, clock, keys, tainted, signed, asked: () => server.asked.splice(0) }
}

describe('WIT-SVIDs that an agent holds', () => {
  const a = entryOf('a')

  test('are made for those who ask, and for nobody before', async () => {
    const { svids, asked } = opened()
    assert.equal(await svids.refresh(mapOf(a)), false)
    assert.deepEqual(asked(), [])
    await svids.need([a])
    assert.deepEqual(asked(), [['a']])
    assert.equal(svids.get(a)?.id, a.spiffeId)
    assert.equal(await svids.refresh(mapOf(a)), true, 'there is one to keep on disk')
    assert.equal(await svids.refresh(mapOf(a)), false)
    assert.deepEqual(asked(), [])
  })

  test('have a key of their own each, which is new with each renewal at half their life', async () => {
    const { svids, clock, asked } = opened()
    const b = entryOf('b')
    await svids.need([a, b])
    const [first, other] = [svids.get(a), svids.get(b)]
    assert.ok(first && other && !first.key.publicKey.equals(other.key.publicKey))
    clock.advance(0.4 * HOUR)
    asked()
    await svids.refresh(mapOf(a, b))
    assert.deepEqual(asked(), [])
    clock.advance(0.2 * HOUR)
    await svids.refresh(mapOf(a, b))
    assert.deepEqual(asked(), [['a', 'b']])
    assert.ok(!svids.get(a)?.key.publicKey.equals(first.key.publicKey))
    await svids.refresh(mapOf(entryOf('a', { revision: 1 })))
    assert.deepEqual(asked(), [['a']])
    assert.deepEqual([...svids.all().keys()], ['a'])
  })

  test('are replaced at once where their key is tainted, and given to nobody where it is believed no more', async () => {
    const { svids, keys, server, tainted } = opened()
    await svids.need([a])
    keys.set('two', newSigningKey('ec-p256'))
    server.kid = 'two'
    tainted.add('one')
    assert.equal(svids.get(a)?.kid, 'one')
    await svids.refresh(mapOf(a))
    assert.equal(svids.get(a)?.kid, 'two')
    keys.delete('two')
    assert.equal(svids.get(a), undefined)
    Object.assign(server, { kid: 'one' })
    await svids.refresh(mapOf(a))
    assert.equal(svids.get(a)?.kid, 'one')
  })

  test('go when the trust domain has none any more, and the server is not asked again', async () => {
    const { svids, keys, asked } = opened()
    svids.hold('a')
    await svids.need([a])
    asked()
    keys.clear()
    assert.equal(await svids.refresh(mapOf(a)), true)
    assert.equal(await svids.refresh(mapOf(a)), false)
    assert.deepEqual([svids.all().size, asked()], [0, []])
  })

  for (const [why, sign] of [
    ['is of another identity', (one, signed) => ({ token: signed(one, '/another') })],
    ['is for another key', (one, signed) => ({ token: signed({ ...one, publicKey: newSigningKey('ec-p256').publicKey }) })],
    ['is no token', () => ({ token: 'x' })],
    ['was refused', () => 'entry not found or not authorized'],
  ] as const satisfies [string, (one: WitRequest, signed: ReturnType<typeof opened>['signed']) => { token: string } | string][]) {
    test(`are not taken where one ${why}`, async () => {
      const { svids, server, signed } = opened()
      server.sign = (one) => sign(one, signed)
      await svids.need([a])
      assert.equal(svids.get(a), undefined)
    })
  }

  test('are not taken from a key that the agent has not heard of', async () => {
    const { svids, keys, server } = opened()
    const hidden = keys.get('one') as SigningKey
    keys.set('two', newSigningKey('ec-p256'))
    server.sign = (one) => {
      const token = issueWitSvid(hidden, 'three', {
        ...{ subject: a.spiffeId, issuedAt: 0, expiresAt: 9e9, tokenId: 'j' },
        bound: { key: createPublicKey({ key: one.publicKey, format: 'der', type: 'spki' }), algorithm: 'ES256' },
      })
      return { token }
    }
    await svids.need([a])
    assert.equal(svids.get(a), undefined)
  })

  test('serve on while the server is away; what it says of them alone holds up nothing else', async () => {
    const { svids, server, clock } = opened()
    await svids.need([a])
    clock.advance(0.6 * HOUR)
    server.problem = new GrpcError(STATUS.unavailable, 'away')
    await assert.rejects(svids.refresh(mapOf(a)), /away/)
    assert.ok(svids.get(a))
    for (const code of [STATUS.unimplemented, STATUS.internal]) {
      server.problem = new GrpcError(code, 'no')
      assert.equal(await svids.refresh(mapOf(a)), false)
    }
    server.problem = new GrpcError(STATUS.denied, 'banned')
    await assert.rejects(svids.refresh(mapOf(a)), /banned/)
    clock.advance(HOUR)
    assert.equal(svids.get(a), undefined)
  })

  test('of those that nobody uses, as many are kept as there is room for', async () => {
    const { svids } = opened(2)
    const entries = ['a', 'b', 'c'].map((id) => entryOf(id))
    await svids.need(entries)
    svids.get(entries[0] as AgentEntry)
    await svids.refresh(mapOf(...entries))
    assert.deepEqual([...svids.all().keys()].sort(), ['a', 'c'])
  })
})

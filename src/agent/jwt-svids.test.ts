import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { describe, test } from 'node:test'
import { settableClock } from '../testing/clock.ts'
import { GrpcError, STATUS } from '../wire/grpc.ts'
import type { AgentEntry } from './entry.ts'
import { openJwtSvids } from './jwt-svids.ts'
import type { Trust } from './trust.ts'

const LIFE = 300_000
const entry = { id: 'a', revision: 0, createdAt: 0 } as AgentEntry

/** A cache whose server counts its tokens. */
function opened(most = 10) {
  const clock = settableClock()
  const tainted = new Set<string>()
  const server = { given: 0, kid: 'one', problem: undefined as GrpcError | undefined }
  const svids = openJwtSvids({
    async ask() {
      if (server.problem) throw server.problem
      const header = Buffer.from(JSON.stringify({ kid: server.kid })).toString('base64url')
      return { token: `${header}.${++server.given}.`, issuedAt: clock.now(), expiresAt: clock.now() + LIFE }
    },
    trust: () => ({ tainted }) as unknown as Trust,
    most,
    clock,
    random: { bytes: (size) => randomBytes(size) },
  })
  const number = async (audience: string[], of = entry) => Number((await svids.get(of, audience)).token.split('.')[1])
  return { number, server, clock, tainted }
}

describe('JWT-SVIDs that an agent holds', () => {
  test('one serves until half its life, for its entry and audiences', async () => {
    const { number, clock } = opened()
    assert.equal(await number(['a', 'b']), 1)
    assert.equal(await number(['b', 'a', 'a']), 1)
    assert.equal(await number(['a']), 2)
    assert.equal(await number(['a', 'b'], { ...entry, revision: 1 }), 3)
    clock.advance(0.4 * LIFE)
    assert.equal(await number(['a', 'b']), 1)
    clock.advance(0.2 * LIFE)
    assert.equal(await number(['a', 'b']), 4)
  })

  test('an old one serves while the server is away, and not where it refuses', async () => {
    const { number, clock, server } = opened()
    await number(['a'])
    clock.advance(0.7 * LIFE)
    server.problem = new GrpcError(STATUS.unavailable, 'away')
    assert.equal(await number(['a']), 1)
    server.problem = new GrpcError(STATUS.denied, 'no more')
    await assert.rejects(number(['a']), /no more/)
    server.problem = new GrpcError(STATUS.unavailable, 'away')
    clock.advance(0.4 * LIFE)
    await assert.rejects(number(['a']), /away/)
  })

  test('what a tainted key signed is replaced', async () => {
    const { number, server, tainted } = opened()
    await number(['a'])
    tainted.add('one')
    server.kid = 'two'
    assert.deepEqual([await number(['a']), await number(['a'])], [2, 2])
  })

  test('who asks at once gets the same, and the least used one goes', async () => {
    const { number } = opened(2)
    assert.deepEqual(await Promise.all([number(['a']), number(['a'])]), [1, 1])
    await number(['b'])
    await number(['a'])
    await number(['c'])
    assert.deepEqual([await number(['a']), await number(['b'])], [1, 4])
  })
})

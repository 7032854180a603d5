// Counting by itself: intervals, blocks, what processes tell each other, and how much is remembered.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { settableClock } from '../testing/clock.ts'
import { type Limit, type Limiter, MAX_NEWS, openLimiter } from './limiter.ts'

const LIMIT: Limit = { id: 'a', requests: 3, intervalMs: 1000, blockMs: 0 }

function openRoom(limit: Limit = LIMIT) {
  const clock = settableClock(0)
  const limiter = openLimiter(clock)
  /** How many of `n` requests are allowed. */
  const take = (n: number, client = 'ann', at = limiter) =>
    Array.from({ length: n }, () => at.take(limit, client)).filter(({ allowed }) => allowed).length
  return { clock, limiter, take }
}

test('an interval allows as many as the limit says, and begins with the first request', () => {
  const { clock, limiter, take } = openRoom()
  clock.advance(300)
  assert.equal(take(5), 3)
  assert.equal(take(5, 'bob'), 3, 'each client by itself')
  clock.advance(999)
  assert.deepEqual(limiter.take(LIMIT, 'ann'), { allowed: false, remaining: 0, resetMs: 1, retryMs: 1 })
  clock.advance(1)
  assert.deepEqual(limiter.take(LIMIT, 'ann'), { allowed: true, remaining: 2, resetMs: 1000, retryMs: 1000 })
})

test('a client that asks for more is blocked for the time of the block, however long its intervals are', () => {
  const limit = { ...LIMIT, blockMs: 5000 }
  const { clock, limiter, take } = openRoom(limit)
  assert.equal(take(4), 3)
  clock.advance(4999)
  assert.deepEqual(limiter.take(limit, 'ann'), { allowed: false, remaining: 3, resetMs: 1, retryMs: 1 })
  clock.advance(1)
  assert.equal(take(4), 3)
})

test('limits of different ids are counted apart', () => {
  const { limiter, take } = openRoom()
  assert.equal(take(3), 3)
  assert.equal(limiter.take({ ...LIMIT, id: 'b' }, 'ann').allowed, true)
})

function tell(from: Limiter, to: Limiter): void {
  to.hear(structuredClone(from.news()))
}

test('what one process allowed counts in the other once it was told, and is told once', () => {
  const { clock, limiter: here, take } = openRoom()
  const there = openLimiter(clock)
  assert.equal(take(2), 2)
  clock.advance(50)
  tell(here, there)
  assert.deepEqual(here.news(), [])
  assert.deepEqual(there.take(LIMIT, 'ann'), { allowed: true, remaining: 0, resetMs: 950, retryMs: 950 }, 'the same interval in both')
  assert.equal(take(5, 'ann', there), 0)
})

test('what two processes allowed before they heard of each other is paid back', () => {
  const { clock, limiter: here, take } = openRoom()
  const there = openLimiter(clock)
  assert.equal(take(3) + take(3, 'ann', there), 6)
  const [news, more] = [here.news(), there.news()]
  here.hear(more)
  there.hear(news)
  clock.advance(1000)
  assert.equal(take(3) + take(3, 'ann', there), 0, 'the interval that was spent in advance')
  clock.advance(1000)
  assert.equal(take(3), 3)
})

test('an old count is no credit against news', () => {
  const { clock, limiter: here, take } = openRoom()
  const there = openLimiter(clock)
  assert.equal(take(1, 'ann', there), 1)
  there.news()
  clock.advance(10_000)
  assert.equal(take(3), 3)
  tell(here, there)
  assert.equal(take(1, 'ann', there), 0)
})

test('a block is told', () => {
  const limit = { ...LIMIT, blockMs: 60_000 }
  const { clock, limiter: here, take } = openRoom(limit)
  const there = openLimiter(clock)
  take(4)
  tell(here, there)
  clock.advance(10_000)
  assert.equal(there.take(limit, 'ann').retryMs, 50_000)
})

test('over any time, three processes allow no more than the limit, and twice the limit that they did not know of', () => {
  const round = fc.record({ gap: fc.nat(700), requests: fc.array(fc.nat(5), { minLength: 3, maxLength: 3 }) })
  fc.assert(
    fc.property(fc.array(round, { maxLength: 60 }), (rounds) => {
      const { clock, take } = openRoom()
      const all = [0, 1, 2].map(() => openLimiter(clock))
      let allowed = 0
      for (const { gap, requests } of rounds) {
        clock.advance(gap)
        allowed += all.reduce((sum, limiter, at) => sum + take(requests[at] ?? 0, 'ann', limiter), 0)
        const news = all.map((limiter) => limiter.news())
        for (const [at, limiter] of all.entries()) limiter.hear(news.filter((_, from) => from !== at).flat())
        const intervals = Math.floor(clock.now() / LIMIT.intervalMs) + 1
        assert.ok(allowed <= LIMIT.requests * (intervals + 2), `${allowed} in ${intervals} intervals`)
      }
    }),
    { numRuns: 500 },
  )
})

test('however many clients there are, a bounded number is remembered and told', () => {
  const { limiter, take } = openRoom()
  assert.equal(take(3, 'first'), 3)
  for (let n = 0; n < 65_536; n++) limiter.take(LIMIT, `client-${n}`)
  assert.equal(take(3, 'first'), 3, 'forgotten')
  assert.equal(limiter.news().length, MAX_NEWS)
})

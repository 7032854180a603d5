// The process dies at any commit, whether that was written or not: the next one finds what is outside, and leaves nothing by half.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Fate, faulty } from '../store/faulty.ts'
import { memory } from '../store/memory.ts'
import { openAccounts } from '../testing/accounts.ts'
import { stillTimers } from '../testing/clock.ts'
import { type LeaseBench, openLeaseBench } from '../testing/lease-bench.ts'
import { AGAIN_MS, INTENT_MS } from './times.ts'

const DAY_MS = 86_400_000

/** Everything that can happen to leases, one after the other. */
async function live(bench: LeaseBench): Promise<void> {
  for (const hash of ['ann', 'bob']) await bench.addToken(hash)
  for (const name of ['db', 'mq']) await bench.addMount(name)
  const { leased } = await bench.borrow('db', 'ann', { ttl: 3_000 })
  await bench.borrow('db', 'bob', { plain: true, role: 'r' })
  await bench.renew(leased.id, 3_600)
  const again = await bench.borrow('mq', 'ann')
  await bench.leases.end([again.leased.id], bench.clock.now() + 1_000, true)
  await bench.giveBack(again.leased.id)
  bench.accounts.fault = 'refuses'
  await bench.borrow('mq', 'bob').catch(() => {})
  await bench.due.beat()
  bench.accounts.fault = 'none'
  await bench.borrow('mq', 'bob')
  await bench.endToken('bob')
  await bench.due.beat()
  await bench.borrow('mq', 'ann')
  await bench.removeMount('mq')
  await bench.leave(bench.mount('mq'), true)
}

async function cut(nth: number, fate: Fate): Promise<boolean> {
  const disk = memory({ timers: stillTimers })
  const accounts = openAccounts()
  const died = Promise.withResolvers<'died'>()
  const store = faulty(disk, { fate: (at) => (at === nth ? fate : 'commit'), onUnknown: () => died.resolve('died') })
  const bench = openLeaseBench(store, accounts)
  const came = await Promise.race([live(bench).then(() => 'through' as const), died.promise])
  for (let turns = 0; turns < 5; turns++) await stillTimers.turn() // what else was under way
  accounts.fault = 'none'
  const next = openLeaseBench(disk, accounts)
  next.clock.set(bench.clock.now())
  for (let n = 0; n < 4; n++) {
    next.clock.advance(INTENT_MS + AGAIN_MS)
    await next.due.beat()
  }
  assert.deepEqual(next.check(), [], `${fate} at ${nth}`)
  const held = next.leases.under('root', '').map((id) => next.leases.find(id)?.internal['name'])
  assert.deepEqual(
    [...accounts.names].filter((name) => !held.includes(name)),
    [],
    `${fate} at ${nth}: nobody knows of it`,
  )
  next.clock.advance(DAY_MS)
  await next.due.beat()
  assert.deepEqual([[...accounts.names], next.leases.count()], [[], 0], `${fate} at ${nth}`)
  return came === 'died'
}

for (const fate of ['vanish', 'lose'] as const) {
  test(`at each commit in turn, which ${fate === 'vanish' ? 'never happened' : 'happened, though nobody heard'}`, async () => {
    let commits = 0
    while (await cut(commits + 1, fate)) commits++
    assert.ok(commits > 20, `only ${commits} commits`)
  })
}

test('at no commit: what is left is what is live', async () => {
  const bench = openLeaseBench()
  await live(bench)
  assert.equal(bench.leases.count(), 1)
  assert.equal(bench.accounts.names.size, 1)
  assert.deepEqual(bench.check(), [])
})

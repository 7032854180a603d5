// Lending, whatever becomes of the action, the token and the mount while it happens.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Fault } from '../base/fault.ts'
import { faulty } from '../store/faulty.ts'
import { memory } from '../store/memory.ts'
import { stillTimers } from '../testing/clock.ts'
import { type LeaseBench, openLeaseBench } from '../testing/lease-bench.ts'
import { ACT_MS, AGAIN_MS, INTENT_MS } from './times.ts'

async function opened(): Promise<LeaseBench> {
  const bench = openLeaseBench()
  await bench.addToken('t')
  await bench.addMount('db')
  return bench
}

/** Nothing is left of anything, here or outside. */
function assertNothing(bench: LeaseBench): void {
  assert.equal(bench.leases.count(), 0)
  assert.deepEqual([...bench.accounts.names], [])
  assert.deepEqual(bench.check(), [])
  assert.deepEqual(
    [...bench.store.keys({ prefix: '' })].filter((key) => key.includes('lease')),
    [],
  )
}

test('what is lent is a lease of the path that was asked, and is counted', async () => {
  const bench = await opened()
  const { leased, warnings } = await bench.borrow('db', 't', { ttl: 7_200 })
  assert.match(leased.id, /^db\/creds\/r\/[0-9A-Za-z]{24}$/)
  assert.deepEqual({ ...leased, id: '' }, { id: '', renewable: true, ttl: 3600 })
  assert.deepEqual(warnings, ['TTL of "2h" exceeded the effective max_ttl of "1h"; TTL value is capped accordingly'])
  const lease = bench.leases.find(leased.id)
  assert.equal(lease?.expiresAt, bench.clock.now() + 3_600_000)
  assert.deepEqual([...bench.accounts.names], [lease?.internal['name']])
  assert.equal(bench.leases.count({ namespace: 'root', mount: 'uuid-of-db' }), 1)
  assert.deepEqual(bench.check(), [])
})

test('the intent is durable before anything happens outside', async () => {
  const bench = await opened()
  let intents: string[] = []
  await bench.borrow('db', 't', {
    act: async () => {
      intents = [...bench.store.keys({ prefix: 'ns/root/lease/intent/' })]
    },
  })
  assert.equal(intents.length, 1)
  assert.deepEqual([...bench.store.keys({ prefix: 'ns/root/lease/intent/' })], [])
})

test('what only the outside could tell is shown and kept', async () => {
  const bench = await opened()
  const act = async () => ({ data: { key_id: 'AK1' }, internal: { key: 'AK1' } })
  const { leased, data } = await bench.borrow('db', 't', { act })
  assert.deepEqual(data, { key_id: 'AK1' })
  assert.equal(bench.leases.find(leased.id)?.internal['key'], 'AK1')
})

test('what needs no action is a lease with one commit', async () => {
  const bench = await opened()
  const before = bench.store.revision
  const { leased } = await bench.borrow('db', 't', { plain: true, renewable: false })
  assert.equal(bench.store.revision, before + 1)
  assert.equal(bench.leases.find(leased.id)?.renewable, false)
})

test('an action that fails is undone at once, in case it half happened', async () => {
  const bench = await opened()
  bench.accounts.fault = 'refuses'
  await assert.rejects(bench.borrow('db', 't'), { message: 'the target refuses' })
  assert.equal(bench.leases.count(), 1)
  bench.accounts.fault = 'none'
  await bench.due.beat()
  assert.equal(bench.accounts.asked.filter((one) => one.startsWith('remove')).length, 1)
  assertNothing(bench)
})

test('an action without an answer is undone when it can no longer be under way, and once more later', async () => {
  const bench = await opened()
  bench.accounts.fault = 'late'
  const borrowing = bench.borrow('db', 't')
  await bench.timers.turn()
  await bench.timers.turn()
  bench.timers.fire(ACT_MS)
  await assert.rejects(borrowing, (error) => error instanceof Fault && error.status === 503)
  bench.accounts.fault = 'none'
  bench.clock.advance(ACT_MS)
  await bench.due.beat()
  assert.equal(bench.accounts.names.size, 1)
  bench.clock.advance(INTENT_MS - ACT_MS)
  await bench.due.beat()
  assert.equal(bench.accounts.names.size, 0)
  const [name = ''] = bench.accounts.asked.map((one) => one.split(' ')[1])
  bench.accounts.names.add(name) // the request was still on its way
  bench.clock.advance(AGAIN_MS)
  await bench.due.beat()
  assertNothing(bench)
})

test('an intent whose process died is undone the same way', async () => {
  const store = memory({ timers: stillTimers })
  const first = openLeaseBench(store)
  await first.addToken('t')
  await first.addMount('db')
  void first.borrow('db', 't', { act: () => new Promise(() => {}) })
  await first.timers.turn()
  await first.timers.turn()
  const second = openLeaseBench(store)
  second.clock.set(first.clock.now())
  await second.due.beat()
  assert.equal(second.leases.count(), 1)
  second.clock.advance(INTENT_MS)
  await second.due.beat()
  assert.equal(second.leases.count(), 1)
  second.clock.advance(AGAIN_MS)
  await second.due.beat()
  assert.equal(second.accounts.asked.length, 2)
  assertNothing(second)
})

test('an action that ends after its intent was taken back is no lease', async () => {
  const bench = await opened()
  const acting = Promise.withResolvers<void>()
  const borrowing = bench.borrow('db', 't', { act: () => acting.promise })
  await bench.timers.turn()
  await bench.timers.turn()
  bench.clock.advance(INTENT_MS)
  await bench.due.beat()
  acting.resolve()
  await assert.rejects(borrowing, { status: 403 })
  await bench.due.beat()
  assertNothing(bench)
})

for (const [what, end] of [
  ['token', (bench: LeaseBench) => bench.endToken('t')],
  ['mount', (bench: LeaseBench) => bench.removeMount('db')],
] as const) {
  test(`a ${what} that dies during the action gets nothing`, async () => {
    const bench = await opened()
    await assert.rejects(bench.borrow('db', 't', { act: () => end(bench) }), { status: 403 })
    assert.equal(bench.leases.count(), 1)
    await bench.due.beat()
    assertNothing(bench)
  })

  test(`a ${what} that is dead gets nothing, and nothing happens outside`, async () => {
    const bench = await opened()
    await end(bench)
    await assert.rejects(bench.borrow('db', 't'), { status: 403 })
    assert.deepEqual(bench.accounts.asked, [])
    assertNothing(bench)
  })
}

test('a lease whose commit is refused is undone later', async () => {
  let refusing = false
  const store = faulty(memory({ timers: stillTimers }), { fate: () => (refusing ? 'refuse' : 'commit') })
  const bench = openLeaseBench(store)
  await bench.addToken('t')
  await bench.addMount('db')
  const act = async () => {
    refusing = true
  }
  await assert.rejects(bench.borrow('db', 't', { act }), { status: 503 })
  refusing = false
  bench.clock.advance(INTENT_MS)
  await bench.due.beat()
  bench.clock.advance(AGAIN_MS)
  await bench.due.beat()
  assertNothing(bench)
})

test('a module that wants too much kept is a bug, before anything happens', async () => {
  const bench = await opened()
  await assert.rejects(bench.borrow('db', 't', { internal: { blob: 'x'.repeat(70_000) } }), /carries too much/)
  assertNothing(bench)
})

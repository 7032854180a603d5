// Taking back what has ended: in time, as often as it takes, and without one target holding up another.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type LeaseBench, openLeaseBench } from '../testing/lease-bench.ts'
import { MAX_TRIES } from './lease.ts'
import { REVOKE_MS } from './times.ts'

async function opened(...mounts: string[]): Promise<LeaseBench> {
  const bench = openLeaseBench()
  await bench.addToken('t')
  for (const name of mounts.length > 0 ? mounts : ['db']) await bench.addMount(name)
  return bench
}

async function borrow(bench: LeaseBench, count: number, mount = 'db', more = {}): Promise<string[]> {
  const loans = await Promise.all(Array.from({ length: count }, () => bench.borrow(mount, 't', more)))
  return loans.map(({ leased }) => leased.id)
}

/** Beats at whatever time something is next due, for so long. */
async function pass(bench: LeaseBench, ms: number): Promise<void> {
  const until = bench.clock.now() + ms
  for (;;) {
    await bench.due.beat()
    const times = [...bench.store.keys({ prefix: 'lease-due/' })].map((key) => Number(key.split('/')[2]))
    const next = Math.min(...times.map((at) => Math.max(at, bench.clock.now() + 1_000)))
    if (next > until) break
    bench.clock.set(next)
  }
  bench.clock.set(until)
}

test('nothing is taken back before its time, everything at it', async () => {
  const bench = await opened()
  await borrow(bench, 300)
  bench.clock.advance(599_999)
  await bench.due.beat()
  assert.equal(bench.accounts.names.size, 300)
  bench.clock.advance(1)
  await bench.due.beat()
  assert.equal(bench.accounts.names.size, 0)
  assert.equal(bench.leases.count(), 0)
  assert.equal(bench.counted.takenBack, 300)
  assert.deepEqual(bench.check(), [])
})

test('a lease that was renewed is left alone at the time it first had', async () => {
  const bench = await opened()
  const [id = ''] = await borrow(bench, 1)
  bench.clock.advance(300_000)
  await bench.renew(id, 900)
  bench.clock.advance(300_001)
  await bench.due.beat()
  assert.equal(bench.accounts.names.size, 1)
  bench.clock.advance(600_000)
  await bench.due.beat()
  assert.equal(bench.accounts.names.size, 0)
})

test('failures are tried again ever later, then the lease is irrevocable, and still tried once a day', async () => {
  const bench = await opened()
  const [id = ''] = await borrow(bench, 1)
  bench.accounts.fault = 'refuses'
  bench.clock.advance(600_000)
  await bench.due.beat()
  assert.deepEqual({ tries: bench.leases.find(id)?.tries, error: bench.leases.find(id)?.error }, { tries: 1, error: 'the target refuses' })
  await bench.due.beat()
  assert.equal(bench.leases.find(id)?.tries, 1)
  const waits: number[] = []
  for (let tries = 1; tries < MAX_TRIES; tries++) {
    waits.push((bench.leases.find(id)?.dueAt ?? 0) - bench.clock.now())
    bench.clock.advance(400_000)
    await bench.due.beat()
  }
  for (const [n, wait] of waits.entries()) assert.ok(wait >= 5_000 * 2 ** n && wait <= 15_000 * 2 ** n, `${wait}`)
  assert.equal(bench.leases.find(id)?.tries, MAX_TRIES)
  assert.deepEqual(
    [...bench.leases.irrevocable('root')].map((lease) => lease.id),
    [id],
  )
  await assert.rejects(bench.renew(id, 60), { message: 'lease is expired and has failed previous revocation attempts' })
  assert.deepEqual(bench.check(), [])
  bench.clock.advance(3_600_000)
  await bench.due.beat()
  assert.equal(bench.leases.find(id)?.tries, MAX_TRIES)
  bench.accounts.fault = 'none'
  bench.clock.advance(36 * 3_600_000)
  await bench.due.beat()
  assert.deepEqual([...bench.leases.irrevocable('root')], [])
  assert.equal(bench.leases.count(), 0)
  assert.deepEqual(bench.check(), [])
})

test('a bug in a module is told as such, and nothing of it is shown', async () => {
  const bench = await opened()
  const [id = ''] = await borrow(bench, 1)
  bench.accounts.fault = 'broken'
  bench.clock.advance(600_000)
  await bench.due.beat()
  assert.equal(bench.leases.find(id)?.error, 'internal error')
})

test('a target that never answers counts as failed after a while, and other lanes go on meanwhile', async () => {
  const bench = await opened('slow', 'quick')
  await borrow(bench, 3, 'slow')
  bench.clock.advance(600_000)
  bench.accounts.fault = 'silent'
  const stuck = bench.due.beat()
  await bench.timers.turn()
  await bench.timers.turn()
  bench.accounts.fault = 'none'
  const [id = ''] = await borrow(bench, 1, 'quick')
  bench.clock.advance(600_000)
  void bench.due.beat()
  for (let turns = 0; bench.leases.find(id) && turns < 50; turns++) await bench.timers.turn()
  assert.equal(bench.leases.find(id), undefined)
  bench.timers.fire(REVOKE_MS)
  await stuck
  assert.equal(bench.counted.failed, 3)
  await pass(bench, 60_000)
  assert.equal(bench.leases.count(), 0)
})

test('a target that is away is left alone, asked now and then, and emptied when it is back', async () => {
  const bench = await opened()
  await borrow(bench, 500)
  bench.accounts.fault = 'away'
  bench.clock.advance(600_000)
  const before = bench.accounts.asked.length
  await pass(bench, 10 * 60_000)
  const asked = bench.accounts.asked.length - before
  assert.ok(asked < 60, `asked ${asked} times in ten minutes`)
  assert.equal(bench.leases.count(), 500)
  bench.accounts.fault = 'none'
  await pass(bench, 5 * 60_000 + 1_000)
  assert.ok(bench.leases.count() < 30)
  await pass(bench, 60 * 60_000)
  assert.equal(bench.accounts.names.size, 0)
  assert.deepEqual(bench.check(), [])
})

test('targets of one mount have circuits of their own', async () => {
  const bench = await opened()
  await borrow(bench, 20, 'db', { target: 'one/two' })
  await borrow(bench, 20, 'db')
  assert.deepEqual(
    new Set([...bench.store.keys({ prefix: 'lease-due/' })].map((key) => key.split('/')[1])),
    new Set(['uuid-of-db', 'uuid-of-db~one%2Ftwo']),
  )
  bench.clock.advance(600_000)
  await bench.due.beat()
  assert.equal(bench.leases.count(), 0)
})

test('a key in the time index that leads nowhere is dropped', async () => {
  const bench = await opened()
  await borrow(bench, 1)
  const [key = ''] = bench.store.keys({ prefix: 'lease-due/' })
  const early = key.replace(/\/\d{15}\//, '/000000000000001/')
  const nobody = early.replace('/r/', '/s/')
  await bench.store.commit({ ops: [early, nobody].map((one) => ({ key: one, value: Buffer.alloc(0) })) })
  await bench.due.beat()
  assert.deepEqual([...bench.store.keys({ prefix: 'lease-due/' })], [key])
  assert.equal(bench.accounts.names.size, 1)
})

test('two processes that do due work at once do no harm', async () => {
  const bench = await opened()
  await borrow(bench, 100)
  const other = openLeaseBench(bench.store)
  other.clock.set(bench.clock.now() + 600_000)
  bench.clock.advance(600_000)
  await Promise.all([bench.due.beat(), other.due.beat()])
  assert.equal(bench.leases.count(), 0)
  assert.deepEqual(bench.check(), [])
})

test('leases without an action are taken back too', async () => {
  const bench = await opened()
  await borrow(bench, 10, 'db', { plain: true })
  bench.clock.advance(600_000)
  await bench.due.beat()
  assert.equal(bench.accounts.asked.filter((one) => one.startsWith('remove')).length, 10)
  assert.deepEqual(bench.check(), [])
})

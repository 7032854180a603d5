// How leases go on and end: renewals, tokens that die, mounts that leave, quotas, tidying.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { silent } from '../base/log.ts'
import { stillTimers } from '../testing/clock.ts'
import { type LeaseBench, openLeaseBench } from '../testing/lease-bench.ts'
import { openTidy } from './tidy.ts'
import { CLAIM_MS } from './times.ts'

async function opened(): Promise<LeaseBench> {
  const bench = openLeaseBench()
  await bench.addToken('t')
  await bench.addMount('db')
  return bench
}

test('a renewal is from now on, within the limits, and the outside hears of it before it counts', async () => {
  const bench = await opened()
  const { leased } = await bench.borrow('db', 't')
  bench.clock.advance(500_000)
  assert.deepEqual(await bench.renew(leased.id, 60), { leased: { id: leased.id, renewable: true, ttl: 60 }, warnings: [] })
  assert.deepEqual((await bench.renew(leased.id, 0)).leased.ttl, 600)
  assert.deepEqual((await bench.renew(leased.id, 7_200)).leased.ttl, 3_100)
  assert.equal(bench.accounts.asked.filter((one) => one.startsWith('prolong')).length, 3)
  const { expiresAt } = bench.leases.find(leased.id) ?? {}
  bench.accounts.fault = 'refuses'
  await assert.rejects(bench.renew(leased.id, 60), { message: 'the target refuses' })
  assert.equal(bench.leases.find(leased.id)?.expiresAt, expiresAt)
  assert.deepEqual(bench.check(), [])
})

test('what cannot be renewed is refused in Vault’s words', async () => {
  const bench = await opened()
  await assert.rejects(bench.renew('db/creds/r/none', 0), { message: 'lease not found', status: 400 })
  const fixed = await bench.borrow('db', 't', { renewable: false })
  await assert.rejects(bench.renew(fixed.leased.id, 0), { message: 'lease is not renewable', status: 400 })
  const short = await bench.borrow('db', 't', { ttl: 1 })
  bench.clock.advance(1_000)
  await assert.rejects(bench.renew(short.leased.id, 0), { message: 'lease expired', status: 400 })
})

test('a lease that ends while it is being renewed stays ended', async () => {
  const bench = await opened()
  const { leased } = await bench.borrow('db', 't')
  bench.accounts.prolong = async () => bench.leases.end([leased.id], bench.clock.now())
  await assert.rejects(bench.renew(leased.id, 60), { message: 'lease expired' })
  await bench.due.beat()
  assert.equal(bench.leases.count(), 0)
})

test('a lease that ends with a token of a fixed end is never longer than that', async () => {
  const bench = await opened()
  const latest = bench.clock.now() + 90_000
  const { leased } = await bench.borrow('db', '', { latest })
  assert.equal(leased.ttl, 90)
  bench.clock.advance(30_000)
  assert.equal((await bench.renew(leased.id, 600)).leased.ttl, 60)
  bench.clock.advance(60_000)
  await bench.due.beat()
  assert.equal(bench.leases.count(), 0)
})

test('a token’s leases end with it, of however many pages', async () => {
  const bench = await opened()
  await bench.addToken('other')
  await Promise.all(Array.from({ length: 450 }, () => bench.borrow('db', 't', { plain: true })))
  const kept = await bench.borrow('db', 'other')
  await bench.endToken('t')
  await bench.due.beat()
  assert.equal(bench.leases.count(), 1)
  assert.ok(bench.leases.find(kept.leased.id))
  assert.deepEqual(bench.check(), [])
})

test('a mount that leaves has its leases taken back while somebody waits', async () => {
  const bench = await opened()
  const mount = bench.mount('db')
  await Promise.all(Array.from({ length: 250 }, () => bench.borrow('db', 't')))
  await bench.removeMount('db')
  assert.equal(await bench.leave(mount, true), 0)
  assert.equal(bench.accounts.names.size, 0)
  assert.deepEqual([...bench.store.keys({ prefix: 'lease' })], [])
})

test('what cannot be taken back from a mount that leaves is tried again, and is visible', async () => {
  const bench = await opened()
  const mount = bench.mount('db')
  await Promise.all(Array.from({ length: 50 }, () => bench.borrow('db', 't')))
  await bench.removeMount('db')
  bench.accounts.fault = 'away'
  assert.equal(await bench.leave(mount, true), 50)
  assert.equal(await bench.leave(mount, false), 50)
  const tries = [...bench.leases.ofMount(mount.uuid)].map((id) => bench.leases.find(id)?.tries ?? 0)
  assert.ok(tries.reduce((a, b) => a + b) <= 16)
  bench.accounts.fault = 'none'
  for (let n = 0; n < 10; n++) {
    bench.clock.advance(CLAIM_MS)
    await bench.due.beat()
  }
  assert.equal(await bench.leave(mount, false), 0)
  assert.deepEqual(bench.check(), [])
})

test('quotas count by namespace, mount and role, and the one that says most decides', async () => {
  const bench = await opened()
  await bench.addMount('mq')
  const quota = { name: 'q', namespace: 'root', mount: '', path: '', role: '', maxLeases: 3, inheritable: true }
  const refused = { status: 429, message: '1 error occurred:\n\t* request path "db/creds/r": lease count quota exceeded\n\n' }
  assert.equal(await bench.quotas.put(quota), undefined)
  const loans = await Promise.allSettled(Array.from({ length: 8 }, () => bench.borrow('db', 't')))
  assert.equal(loans.filter(({ status }) => status === 'fulfilled').length, 3)
  await assert.rejects(bench.borrow('db', 't'), refused)
  assert.equal(bench.accounts.asked.filter((one) => one.startsWith('add')).length, 3)
  await bench.quotas.put({ ...quota, name: 'm', mount: 'uuid-of-mq', maxLeases: 2 })
  await bench.borrow('mq', 't')
  await bench.borrow('mq', 't', { role: 'r' })
  await assert.rejects(bench.borrow('mq', 't'), { status: 429 })
  await bench.quotas.put({ ...quota, name: 'r', mount: 'uuid-of-mq', role: 'r', maxLeases: 2 })
  await bench.borrow('mq', 't', { role: 'r' })
  await assert.rejects(bench.borrow('mq', 't', { role: 'r' }), { status: 429 })
  await bench.quotas.delete('q')
  await bench.borrow('db', 't')
  assert.deepEqual(bench.check(), [])
})

test('a quota is one of its place; it goes with its mount', async () => {
  const bench = await opened()
  const quota = { name: 'a', namespace: 'root', mount: 'uuid-of-db', path: 'db/', role: '', maxLeases: 3, inheritable: false }
  assert.equal(await bench.quotas.put(quota), undefined)
  assert.equal(await bench.quotas.put({ ...quota, name: 'b' }), 'a')
  assert.equal(await bench.quotas.put({ ...quota, role: 'r' }), undefined)
  assert.equal(await bench.quotas.put({ ...quota, name: 'b' }), undefined)
  assert.deepEqual(
    bench.quotas.list().map(({ name }) => name),
    ['default', 'a', 'b'],
  )
  await bench.removeMount('db')
  await bench.leave(bench.mount('db'), true)
  assert.deepEqual(
    bench.quotas.list().map(({ name, maxLeases }) => [name, maxLeases]),
    [['default', 1_000_000]],
  )
})

test('tidying ends leases whose token is gone', async () => {
  const bench = await opened()
  await bench.addToken('lost')
  await Promise.all(Array.from({ length: 300 }, (_, n) => bench.borrow('db', n % 2 ? 't' : 'lost', { plain: true })))
  await bench.store.commit({ ops: [{ key: 'alive/lost', value: undefined }] })
  const tidy = openTidy({ ...bench, holderKnown: (hash) => bench.store.get(`alive/${hash}`) !== undefined, timers: stillTimers, log: silent })
  await Promise.all([tidy('root'), tidy('root')])
  await bench.due.beat()
  assert.equal(bench.leases.count(), 150)
  assert.deepEqual(bench.check(), [])
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { stillTimers as timers } from '../testing/clock.ts'
import { conformStore } from './conform.ts'
import { type Fate, faulty } from './faulty.ts'
import { memory } from './memory.ts'
import { Conflict, type Store } from './store.ts'

conformStore('faulty, without faults,', () => faulty(memory({ timers }), { fate: () => 'commit' }))

const batch = { ops: [{ key: 'a', value: Buffer.from('1') }] }

function one(fate: Fate | Promise<Fate>): { store: Store; inner: Store; reports: string[] } {
  const inner = memory({ timers })
  const reports: string[] = []
  return { inner, reports, store: faulty(inner, { fate: () => fate, onUnknown: (reason) => reports.push(reason) }) }
}

test('refused and conflicting commits write nothing', async () => {
  const refused = one('refuse')
  await assert.rejects(refused.store.commit(batch), { code: 'unavailable' })
  const conflicting = one('conflict')
  await assert.rejects(conflicting.store.commit(batch), Conflict)
  for (const { inner } of [refused, conflicting]) assert.equal(inner.revision, 0)
})

test('a lost answer comes after the write, a vanished commit writes nothing; neither settles', async () => {
  for (const [fate, revision] of [
    ['lose', 1],
    ['vanish', 0],
  ] as const) {
    const { store, inner, reports } = one(fate)
    let settled = false
    void store.commit(batch).finally(() => (settled = true))
    while (reports.length === 0) await timers.turn()
    assert.deepEqual([inner.revision, settled], [revision, false])
  }
})

test('a commit is held back until it is released', async () => {
  const held = Promise.withResolvers<Fate>()
  const { store, inner } = one(held.promise)
  const committed = store.commit(batch)
  await timers.turn()
  assert.equal(inner.revision, 0)
  held.resolve('commit')
  assert.equal(await committed, 1)
})

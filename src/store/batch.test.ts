import assert from 'node:assert/strict'
import { test } from 'node:test'
import { stillTimers } from '../testing/clock.ts'
import { openBatcher } from './batch.ts'
import { faulty } from './faulty.ts'
import { memory } from './memory.ts'
import { encode } from './records.ts'
import type { Tx } from './transact.ts'

const bump = (tx: Tx): number => {
  const next = Number(tx.get('n')?.value.toString() ?? 0) + 1
  tx.put('n', encode(next))
  return next
}

test('bodies that meet on a key see each other in turn, and are few commits', async () => {
  const store = memory({ timers: stillTimers })
  const batcher = openBatcher(store)
  const results = await Promise.all(Array.from({ length: 200 }, () => batcher.run(bump)))
  assert.deepEqual(
    results,
    Array.from({ length: 200 }, (_, n) => n + 1),
  )
  assert.ok(store.revision < 10)
})

test('a body that throws fails alone and leaves nothing', async () => {
  const store = memory({ timers: stillTimers })
  const batcher = openBatcher(store)
  const breaks = (tx: Tx) => {
    bump(tx)
    tx.delete('n')
    tx.put('half', encode(1))
    assert.equal(tx.get('n'), undefined)
    assert.equal(tx.get('half')?.value.toString(), '1')
    throw new Error('no')
  }
  const outcomes = await Promise.allSettled([batcher.run(bump), batcher.run(breaks), batcher.run(bump)])
  assert.deepEqual(
    outcomes.map((one) => (one.status === 'fulfilled' ? one.value : (one.reason as Error).message)),
    [1, 'no', 2],
  )
  assert.equal(store.get('half'), undefined)
  assert.equal(store.get('n')?.value.toString(), '2')
})

test('two batchers on one store lose nothing', async () => {
  const store = memory({ timers: stillTimers })
  const batchers = [openBatcher(store), openBatcher(store)]
  await Promise.all(batchers.flatMap((batcher) => Array.from({ length: 50 }, () => batcher.run(bump))))
  assert.equal(store.get('n')?.value.toString(), '100')
})

test('where the commit fails, all who waited for it hear so, and the next go on', async () => {
  const store = faulty(memory({ timers: stillTimers }), { fate: (nth) => (nth === 1 ? 'refuse' : 'commit') })
  const batcher = openBatcher(store)
  const first = await Promise.allSettled([batcher.run(bump)])
  assert.equal(first[0]?.status, 'rejected')
  assert.equal(await batcher.run(bump), 1)
})

test('notes go with the bodies that succeed', async () => {
  const store = memory({ timers: stillTimers })
  const batcher = openBatcher(store)
  const noted = (text: string, fails = false) =>
    batcher.run((tx) => {
      tx.note(text)
      bump(tx)
      if (fails) throw new Error(text)
    })
  await Promise.allSettled([noted('first'), noted('bad', true), noted('last')])
  assert.deepEqual(
    [...store.changesSince(0)].flatMap(({ notes = [] }) => notes),
    ['first', 'last'],
  )
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { stillTimers } from '../testing/clock.ts'
import { dueIndex } from './due-index.ts'
import { memory } from './memory.ts'
import { transact } from './transact.ts'

test('a due index gives what is due, the longest due first', async () => {
  const store = memory({ timers: stillTimers })
  const due = dueIndex('x/due/')
  await transact(store, (tx) => {
    due.put(tx, 2_000, 'b/with/slashes')
    due.put(tx, 900, 'a')
    due.put(tx, 1_900_000_000_000, 'far')
    due.put(tx, 2_000, 'c')
  })
  assert.deepEqual(due.before(store, 899, 10), [])
  assert.deepEqual(due.before(store, 2_000, 10), ['a', 'b/with/slashes', 'c'])
  assert.deepEqual(due.before(store, 2_000, 2), ['a', 'b/with/slashes'])
  await transact(store, (tx) => due.delete(tx, 900, 'a'))
  assert.deepEqual(due.before(store, 2_000, 10), ['b/with/slashes', 'c'])
})

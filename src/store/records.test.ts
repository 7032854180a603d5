import assert from 'node:assert/strict'
import { test } from 'node:test'
import { stillTimers as timers } from '../testing/clock.ts'
import { memory } from './memory.ts'
import { records } from './records.ts'
import { transact } from './transact.ts'

test('records come back as they were put, and ids in order', async () => {
  const store = memory({ timers })
  const roles = records<{ ttl: number; name: string }>('role/')
  await transact(store, (tx) => {
    for (const name of ['b', 'a', 'c']) roles.put(tx, name, { ttl: 60, name })
    assert.deepEqual(roles.get(tx, 'a'), { ttl: 60, name: 'a' })
  })
  assert.deepEqual(roles.get(store, 'b'), { ttl: 60, name: 'b' })
  assert.deepEqual(roles.ids(store), ['a', 'b', 'c'])
  assert.deepEqual(roles.ids(store, { after: 'a', limit: 1 }), ['b'])
  await transact(store, (tx) => roles.delete(tx, 'a'))
  assert.equal(roles.get(store, 'a'), undefined)
  assert.equal(roles.key('a'), 'role/a')
})

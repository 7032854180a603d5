import assert from 'node:assert/strict'
import { test } from 'node:test'
import { stillTimers as timers } from '../testing/clock.ts'
import { faulty } from './faulty.ts'
import { memory } from './memory.ts'
import { transact, type Tx } from './transact.ts'

const textOf = (tx: Pick<Tx, 'get'>, key: string): string | undefined => tx.get(key)?.value.toString()
const text = (value: string): Buffer => Buffer.from(value)

test('a body sees its own writes, and the store sees them when it is over', async () => {
  const store = memory({ timers })
  await store.commit({ ops: [{ key: 'a', value: text('1') }] })
  const result = await transact(store, (tx) => {
    tx.put('a', text('2'))
    tx.put('b', text('2'))
    assert.deepEqual([textOf(tx, 'a'), textOf(tx, 'b')], ['2', '2'])
    tx.delete('a')
    assert.equal(tx.get('a'), undefined)
    assert.equal(textOf(store, 'a'), '1')
    return 'done'
  })
  assert.equal(result, 'done')
  assert.deepEqual([...store.keys({ prefix: '' })], ['b'])
})

test('only what was read before it was written is expected to be unchanged', async () => {
  const store = memory({ timers })
  await store.commit({ ops: [{ key: 'a', value: text('1') }] })
  const expectations: unknown[] = []
  const watched = faulty(store, { fate: (_, { expect }) => (expectations.push(expect), 'commit') })
  await transact(watched, (tx) => {
    tx.put('blind', text('x'))
    tx.get('blind')
    tx.get('a')
    tx.put('a', text('2'))
    tx.get('a')
    tx.get('absent')
  })
  assert.deepEqual(expectations, [
    [
      { key: 'a', revision: 1 },
      { key: 'absent', revision: 0 },
    ],
  ])
})

test('a conflict runs the body again', async () => {
  const store = memory({ timers })
  let runs = 0
  const broken = faulty(store, { fate: (nth) => (nth < 3 ? 'conflict' : 'commit') })
  await transact(broken, (tx) => tx.put('n', text(`${++runs}`)))
  assert.equal(textOf(store, 'n'), '3')
})

test('many transactions on one entry all take effect', async () => {
  const store = memory({ timers })
  const one = (): Promise<void> => transact(store, (tx) => tx.put('n', text(`${Number(textOf(tx, 'n') ?? 0) + 1}`)))
  await Promise.all(Array.from({ length: 250 }, one))
  assert.equal(textOf(store, 'n'), '250')
})

test('what the body throws is thrown, and nothing is written; without writes nothing is committed', async () => {
  const store = memory({ timers })
  await assert.rejects(
    transact(store, (tx) => {
      tx.put('a', text('1'))
      throw new Error('no')
    }),
    /no/,
  )
  assert.equal(await transact(store, (tx) => tx.get('a')), undefined)
  assert.equal(store.revision, 0)
})

test('gives up in the end', async () => {
  const hopeless = faulty(memory({ timers }), { fate: () => 'conflict' })
  await assert.rejects(
    transact(hopeless, (tx) => tx.put('a', text(''))),
    { code: 'unavailable' },
  )
})

test('a note goes with what was written', async () => {
  const store = memory({ timers })
  await transact(store, (tx) => {
    tx.put('a', Buffer.from('1'))
    tx.note('why')
  })
  await transact(store, (tx) => tx.put('a', Buffer.from('2')))
  assert.deepEqual(
    [...store.changesSince(0)],
    [
      { revision: 1, keys: ['a'], notes: ['why'] },
      { revision: 2, keys: ['a'] },
    ],
  )
})

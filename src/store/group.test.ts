import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decide } from './group.ts'
import { checkBatch } from './limits.ts'
import { Conflict } from './store.ts'

const commit = (key: string, text: string | undefined, revision?: number) =>
  checkBatch({
    ops: [{ key, value: text === undefined ? undefined : Buffer.from(text) }],
    ...(revision === undefined ? {} : { expect: [{ key, revision }] }),
  })

test('each commit sees those before it, and a conflict leaves no trace', () => {
  const commits = [commit('a', '1', 4), commit('a', '2', 4), commit('a', '3', 11), commit('b', '1', 0), commit('b', undefined), commit('b', '2', 0)]
  const { revision, writes, changes, verdicts } = decide(commits, 10, (key) => (key === 'a' ? 4 : 0))
  assert.deepEqual(
    verdicts.map((verdict) => (verdict instanceof Conflict ? 'conflict' : verdict)),
    [11, 'conflict', 12, 13, 14, 15],
  )
  assert.equal(revision, 15)
  assert.deepEqual(Object.fromEntries(writes), {
    a: { value: Buffer.from('3'), revision: 12 },
    b: { value: Buffer.from('2'), revision: 15 },
  })
  assert.deepEqual(
    changes.map(({ keys }) => keys[0]),
    ['a', 'a', 'b', 'b', 'b'],
  )
})

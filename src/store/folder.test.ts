import assert from 'node:assert/strict'
import { test } from 'node:test'
import { stillTimers as timers } from '../testing/clock.ts'
import { children } from './folder.ts'
import { memory } from './memory.ts'
import type { Store } from './store.ts'

async function filled(...keys: string[]): Promise<Store> {
  const store = memory({ timers })
  await store.commit({ ops: keys.map((key) => ({ key, value: Buffer.from('x') })) })
  return store
}

test('names and folders, each once, in the order of their bytes', async () => {
  const store = await filled('p/b/1', 'p/a', 'p/a/2', 'p/a/1/deep', 'p/a-b', 'p/b', 'p/', 'q', 'p0')
  assert.deepEqual([...children(store, 'p/')], ['a', 'a-b', 'a/', 'b', 'b/'])
  assert.deepEqual([...children(store, 'p/a/')], ['1/', '2'])
  assert.deepEqual([...children(store, '')], ['p/', 'p0', 'q'])
  assert.deepEqual([...children(store, 'none/')], [])
})

test('a page goes on after a name, after a folder, and after either when it is gone', async () => {
  const store = await filled('p/a', 'p/b/1', 'p/b/2', 'p/c')
  assert.deepEqual([...children(store, 'p/', { limit: 2 })], ['a', 'b/'])
  assert.deepEqual([...children(store, 'p/', { after: 'b/' })], ['c'])
  assert.deepEqual([...children(store, 'p/', { after: 'a' })], ['b/', 'c'])
  assert.deepEqual([...children(store, 'p/', { after: 'aa' })], ['b/', 'c'])
  assert.deepEqual([...children(store, 'p/', { after: 'bb/' })], ['c'])
  assert.deepEqual([...children(store, 'p/', { after: '' })], ['a', 'b/', 'c'])
  assert.deepEqual([...children(store, 'p/', { limit: 0 })], [])
})

test('a folder of the last characters there are ends, too', async () => {
  const store = await filled('p/a/\u{10ffff}', 'p/a/\u{10ffff}\u{10ffff}z', 'p/b')
  assert.deepEqual([...children(store, 'p/')], ['a/', 'b'])
})

test('what lies deeper is not walked', async () => {
  const store = await filled(...Array.from({ length: 500 }, (_, n) => `p/a/${n}`), 'p/b')
  let walked = 0
  const counting: Pick<Store, 'keys'> = {
    *keys(span) {
      for (const key of store.keys(span)) {
        walked++
        yield key
      }
    },
  }
  assert.deepEqual([...children(counting, 'p/')], ['a/', 'b'])
  assert.ok(walked < 10)
})

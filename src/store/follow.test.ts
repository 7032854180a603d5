import assert from 'node:assert/strict'
import { beforeEach, test } from 'node:test'
import { stillTimers as timers } from '../testing/clock.ts'
import { follow } from './follow.ts'
import { memory } from './memory.ts'
import type { Store } from './store.ts'
import { view } from './view.ts'

let store: Store
beforeEach(() => {
  store = memory({ timers, logLimit: 20 })
})

const put = (key: string, text = ''): Promise<number> => store.commit({ ops: [{ key, value: Buffer.from(text) }] })
const read = (key: string): string | undefined => store.get(key)?.value.toString()

test('a cache loads once, and again only after something under its prefix changed', async () => {
  const follower = follow(store)
  let loads = 0
  const all = follower.cache('policy/', () => `${++loads}: ${[...store.keys({ prefix: 'policy/' })]}`)
  assert.equal(all(), '1: ')
  await put('other/a')
  await put('policy')
  assert.equal(all(), '1: ')
  await put('policy/a')
  await put('policy/b')
  assert.equal(all(), '2: policy/a,policy/b')
  assert.equal(all(), '2: policy/a,policy/b')
})

test('a load that fails is tried again', async () => {
  let loads = 0
  const once = follow(store).cache('', () => {
    if (++loads === 1) throw new Error('not yet')
    return loads
  })
  assert.throws(once, /not yet/)
  assert.equal(once(), 2)
})

test('keyed entries go one by one', async () => {
  await put('role/a', '1')
  await put('role/b', '1')
  const loaded: string[] = []
  const load = (id: string): string | undefined => {
    loaded.push(id)
    return read(`role/${id}`)
  }
  const role = follow(store).keyed('role/', load, 10)
  assert.deepEqual(['a', 'b', 'a', 'b'].map(role), ['1', '1', '1', '1'])
  assert.deepEqual(loaded.splice(0), ['a', 'b'])
  await put('role/a', '2')
  assert.deepEqual([role('a'), role('b')], ['2', '1'])
  assert.deepEqual(loaded.splice(0), ['a'])
  await store.commit({ ops: [{ key: 'role/b', value: undefined }] })
  assert.deepEqual([role('b'), role('b')], [undefined, undefined])
  assert.deepEqual(loaded, ['b', 'b'])
})

test('keyed entries make room for others, the least used first', async () => {
  for (const id of ['a', 'b', 'c']) await put(`role/${id}`, id)
  const loaded: string[] = []
  const role = follow(store).keyed('role/', (id) => loaded.push(id) && read(`role/${id}`), 2)
  for (const id of ['a', 'b', 'a', 'c', 'a', 'b']) role(id)
  assert.deepEqual(loaded, ['a', 'b', 'c', 'b'])
})

test('a follower that fell behind forgets everything', async () => {
  await put('role/a', '1')
  const follower = follow(store)
  const role = follower.keyed('role/', (id) => read(`role/${id}`), 10)
  const all = follower.cache('role/', () => [...store.keys({ prefix: 'role/' })].length)
  assert.deepEqual([role('a'), all()], ['1', 1])
  await put('role/a', '2')
  await put('role/b', '2')
  for (let n = 0; n < 50; n++) await put('noise')
  assert.deepEqual([role('a'), all()], ['2', 2])
  assert.equal(follower.sync(), store.revision)
})

test('what changes while it is being loaded is not kept', async () => {
  await put('a/x', 'old')
  let newest = 1
  const late: Store = Object.create(store, { revision: { get: () => newest } })
  late.changesSince = (since) => (since < newest ? [{ revision: newest, keys: ['a/x'] }] : [])
  const follower = follow(late)
  let loads = 0
  const load = (): number => {
    if (++loads === 1) newest++ // another process commits
    follower.sync()
    return loads
  }
  const outer = follower.cache('a/', load)
  assert.deepEqual([outer(), outer(), outer()], [1, 2, 2])
})

test('follows a slice of a store by the keys of the slice', async () => {
  const slice = view(store, 'ns/1/')
  let loads = 0
  const count = follow(slice).cache('role/', () => ++loads)
  assert.equal(count(), 1)
  await put('ns/2/role/a')
  assert.equal(count(), 1)
  await put('ns/1/role/a')
  assert.equal(count(), 2)
})

test('caches of a folder are let go of together, and what still holds one is never shown what was', async () => {
  const follower = follow(store)
  const first = follower.scope('ns/1/')
  const second = follower.scope('ns/1/')
  const other = follower.scope('ns/11/')
  const loads = { first: 0, second: 0, other: 0 }
  const keysIn = (folder: string, name: keyof typeof loads) => () => {
    loads[name]++
    return [...store.keys({ prefix: `${folder}role/` })].length
  }
  const caches = {
    first: first.cache('role/', keysIn('ns/1/', 'first')),
    second: second.cache('role/', keysIn('ns/1/', 'second')),
    other: other.cache('role/', keysIn('ns/11/', 'other')),
  }
  const all = () => [caches.first(), caches.second(), caches.other()]
  assert.deepEqual(
    [all(), all()],
    [
      [0, 0, 0],
      [0, 0, 0],
    ],
  )
  assert.deepEqual(loads, { first: 1, second: 1, other: 1 })
  await put('ns/1/policy/a')
  await put('ns/1')
  assert.deepEqual([all(), loads], [[0, 0, 0], { first: 1, second: 1, other: 1 }])
  await put('ns/1/role/a')
  assert.deepEqual([all(), loads], [[1, 1, 0], { first: 2, second: 2, other: 1 }])
  first.close()
  await put('ns/1/role/b')
  assert.deepEqual(
    [all(), all()],
    [
      [2, 2, 0],
      [2, 2, 0],
    ],
  )
  assert.deepEqual(loads, { first: 4, second: 3, other: 1 })
})

test('a folder whose follower fell behind forgets everything', async () => {
  const count = follow(store)
    .scope('ns/1/')
    .cache('', () => [...store.keys({ prefix: 'ns/1/' })].length)
  assert.equal(count(), 0)
  await put('ns/1/a')
  for (let n = 0; n < 50; n++) await put('noise')
  assert.equal(count(), 1)
})

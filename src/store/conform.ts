// What every store must do, as one suite that each implementation and wrapper runs.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { Fault } from '../base/fault.ts'
import { conformOrder } from './conform-order.ts'
import { type Change, Conflict, Gap, type Key, MAX_KEY_BYTES, MAX_NOTE_CHARS, MAX_VALUE_BYTES, type Store } from './store.ts'

/** Gives a fresh, empty store; the suite closes it. */
export type OpenStore = () => Store | Promise<Store>

/** A wrapper may need this much of a key or value for itself. */
const OWN_BYTES = 256

/** @example conformStore('memory', () => memory({ timers })) */
export function conformStore(name: string, open: OpenStore): void {
  describe(`${name} is a store`, () => {
    let store: Store
    before(async () => {
      store = await open()
    })
    after(() => store.close())
    conformWrites(() => store)
    conformExpectations(() => store)
    conformLimits(() => store)
    conformOrder(() => store)
    conformLog(() => store)
    conformFollowing(() => store)
  })
}

const put = (key: Key, text: string) => ({ key, value: Buffer.from(text) })
const remove = (key: Key) => ({ key, value: undefined })
const textOf = (store: Store, key: Key): string | undefined => store.get(key)?.value.toString()

function conformWrites(open: () => Store): void {
  test('reads what was committed, with the revision that wrote it', async () => {
    const store = open()
    const first = await store.commit({ ops: [put('w/a', 'one'), put('w/b', 'two')] })
    const second = await store.commit({ ops: [put('w/b', 'three')] })
    assert.equal(second, first + 1)
    assert.equal(store.revision, second)
    assert.deepEqual(store.get('w/a'), { key: 'w/a', value: Buffer.from('one'), revision: first })
    assert.deepEqual(store.get('w/b'), { key: 'w/b', value: Buffer.from('three'), revision: second })
    assert.equal(store.get('w'), undefined)
  })
  test('removes, and tolerates removing what is not there', async () => {
    const store = open()
    await store.commit({ ops: [put('w/gone', 'x')] })
    await store.commit({ ops: [remove('w/gone'), remove('w/never')] })
    assert.equal(store.get('w/gone'), undefined)
    assert.deepEqual([...store.keys({ prefix: 'w/gone' })], [])
  })
  test('keeps an empty value apart from an absent one', async () => {
    const store = open()
    await store.commit({ ops: [put('w/empty', '')] })
    assert.equal(store.get('w/empty')?.value.length, 0)
  })
  test('lets the last op on a key win', async () => {
    const store = open()
    await store.commit({ ops: [put('w/twice', 'first'), remove('w/twice'), put('w/twice', 'last')] })
    assert.equal(textOf(store, 'w/twice'), 'last')
    await store.commit({ ops: [put('w/twice', 'again'), remove('w/twice')] })
    assert.equal(store.get('w/twice'), undefined)
  })
  test('takes values as they are at the call, and gives each reader its own', async () => {
    const store = open()
    const value = Buffer.from('mine')
    const committed = store.commit({ ops: [{ key: 'w/own', value }] })
    value.fill(0)
    await committed
    const read = store.get('w/own')?.value
    const [ranged] = store.range({ prefix: 'w/own' })
    read?.fill(0)
    ranged?.value.fill(0)
    assert.equal(textOf(store, 'w/own'), 'mine')
  })
  test('commits of one process take effect in the order of the calls', async () => {
    const store = open()
    const revisions = await Promise.all(Array.from({ length: 20 }, (_, n) => store.commit({ ops: [put('w/order', `${n}`)] })))
    assert.deepEqual(
      revisions,
      revisions.toSorted((a, b) => a - b),
    )
    assert.equal(textOf(store, 'w/order'), '19')
  })
}

function conformExpectations(open: () => Store): void {
  test('commits when every expectation holds', async () => {
    const store = open()
    const revision = await store.commit({ ops: [put('e/a', '1')], expect: [{ key: 'e/a', revision: 0 }] })
    await store.commit({
      ops: [put('e/a', '2')],
      expect: [
        { key: 'e/a', revision },
        { key: 'e/absent', revision: 0 },
      ],
    })
    assert.equal(textOf(store, 'e/a'), '2')
  })
  test('writes nothing on a conflict', async () => {
    const store = open()
    const revision = await store.commit({ ops: [put('e/c', '1')] })
    const wrong = [{ key: 'e/c', revision: 0 }, ...(revision > 1 ? [{ key: 'e/c', revision: revision - 1 }] : []), { key: 'e/none', revision }]
    for (const one of wrong) {
      await assert.rejects(store.commit({ ops: [put('e/c', 'x'), put('e/d', 'x')], expect: [{ key: 'e/c', revision }, one] }), Conflict)
    }
    assert.equal(textOf(store, 'e/c'), '1')
    assert.equal(store.get('e/d'), undefined)
    assert.equal(store.revision, revision)
  })
  test('a removed key counts as absent', async () => {
    const store = open()
    const revision = await store.commit({ ops: [put('e/r', '1')] })
    await store.commit({ ops: [remove('e/r')] })
    await assert.rejects(store.commit({ ops: [put('e/r', '2')], expect: [{ key: 'e/r', revision }] }), Conflict)
    await store.commit({ ops: [put('e/r', '2')], expect: [{ key: 'e/r', revision: 0 }] })
  })
  test('of commits that expect the same, one succeeds', async () => {
    const store = open()
    const tries = Array.from({ length: 8 }, (_, n) => store.commit({ ops: [put('e/race', `${n}`)], expect: [{ key: 'e/race', revision: 0 }] }))
    const results = await Promise.allSettled(tries)
    assert.deepEqual(
      results.map(({ status }) => status),
      ['fulfilled', ...Array(7).fill('rejected')],
    )
    for (const result of results) if (result.status === 'rejected') assert.ok(result.reason instanceof Conflict)
    assert.equal(textOf(store, 'e/race'), '0')
  })
  test('a batch without ops only checks', async () => {
    const store = open()
    const revision = await store.commit({ ops: [put('e/check', '1')] })
    assert.equal(await store.commit({ ops: [], expect: [{ key: 'e/check', revision }] }), revision)
    await assert.rejects(store.commit({ ops: [], expect: [{ key: 'e/check', revision: 0 }] }), Conflict)
    assert.equal(store.revision, revision)
  })
}

function conformLimits(open: () => Store): void {
  const code = (wanted: string) => (error: unknown) => error instanceof Fault && error.code === wanted
  test('holds keys and values up to the bounds', async () => {
    const store = open()
    const key = `l/${'é'.repeat((MAX_KEY_BYTES - OWN_BYTES - 2) / 2)}`
    const value = Buffer.alloc(MAX_VALUE_BYTES - OWN_BYTES, 'v')
    await store.commit({ ops: [{ key, value }, put('l/small', 's')] })
    assert.ok(store.get(key)?.value.equals(value))
    assert.equal(textOf(store, 'l/small'), 's')
    const [first] = store.range({ prefix: 'l/', reverse: true })
    assert.ok(first?.value.equals(value))
    await store.commit({ ops: [remove(key)] })
  })
  test('refuses what is past them, whole', async () => {
    const store = open()
    for (const key of ['k'.repeat(MAX_KEY_BYTES + 1), '\u{1f511}'.repeat(MAX_KEY_BYTES / 4 + 1), 'l/\ud800']) {
      await assert.rejects(store.commit({ ops: [put('l/with', 'x'), put(key, 'x')] }), code('invalid'))
    }
    const value = Buffer.alloc(MAX_VALUE_BYTES + 1)
    await assert.rejects(store.commit({ ops: [put('l/with', 'x'), { key: 'l/big', value }] }), code('too-large'))
    assert.equal(store.get('l/with'), undefined)
  })
  test('finds nothing under a text that is no key', () => {
    const store = open()
    for (const text of ['l/\ud800', 'k'.repeat(5_000)]) assert.equal(store.get(text), undefined)
    for (const prefix of ['l/\ud800', 'k'.repeat(5_000)]) assert.deepEqual([...store.keys({ prefix })], [])
    assert.deepEqual([...store.keys({ prefix: 'l/', after: 'l/zz'.repeat(2_000) })], [])
  })
}

function conformLog(open: () => Store): void {
  test('logs each commit with its keys, each once', async () => {
    const store = open()
    const start = store.revision
    const first = await store.commit({ ops: [put('c/b', '1'), put('c/a', '1'), put('c/b', '2')] })
    const second = await store.commit({ ops: [remove('c/a')] })
    await assert.rejects(store.commit({ ops: [put('c/no', '1')], expect: [{ key: 'c/b', revision: 0 }] }), Conflict)
    const all: Change[] = [
      { revision: first, keys: ['c/b', 'c/a'] },
      { revision: second, keys: ['c/a'] },
    ]
    assert.deepEqual([...store.changesSince(start)], all)
    assert.deepEqual([...store.changesSince(first)], all.slice(1))
    assert.deepEqual([...store.changesSince(second)], [])
  })
  test('notes go with their commit, one of several at a time too', async () => {
    const store = open()
    const start = store.revision
    await Promise.all([1, 2, 3].map((n) => store.commit({ ops: [put(`note/${n}`, '')], ...(n === 2 ? { notes: ['two', 'more'] } : {}) })))
    assert.deepEqual(
      [...store.changesSince(start)].map(({ notes }) => notes),
      [undefined, ['two', 'more'], undefined],
    )
    const tooLong = store.commit({ ops: [put('note/4', '')], notes: ['x', 'x'.repeat(MAX_NOTE_CHARS)] })
    await assert.rejects(tooLong, (error) => error instanceof Fault && error.code === 'too-large')
    assert.equal(textOf(store, 'note/4'), undefined)
  })
  test('a revision yet to come is a gap', () => {
    const store = open()
    assert.throws(() => [...store.changesSince(store.revision + 1)], Gap)
  })
}

function conformFollowing(open: () => Store): void {
  test('followers see every commit, first the logged and then the new', async () => {
    const store = open()
    const start = store.revision
    await store.commit({ ops: [put('f/0', '')] })
    const followers = [1, 2].map(() => collect(store, start, 10))
    for (let n = 1; n < 5; n++) await store.commit({ ops: [put(`f/${n}`, '')] })
    await Promise.all(Array.from({ length: 5 }, (_, n) => store.commit({ ops: [put(`f/${n + 5}`, '')] })))
    const wanted = Array.from({ length: 10 }, (_, n) => ({ revision: start + n + 1, keys: [`f/${n}`] }))
    for (const seen of await Promise.all(followers)) assert.deepEqual(seen, wanted)
  })
  test('an abort ends a follower that waits', async () => {
    const store = open()
    const stop = new AbortController()
    const seen: Change[] = []
    const following = (async () => {
      for await (const change of store.changes(store.revision, stop.signal)) seen.push(change)
    })()
    await store.commit({ ops: [put('f/last', '')] })
    stop.abort()
    await following
    for await (const change of store.changes(0, stop.signal)) seen.push(change)
    assert.ok(seen.length <= 1)
  })
}

async function collect(store: Store, since: number, count: number): Promise<Change[]> {
  const seen: Change[] = []
  for await (const change of store.changes(since, new AbortController().signal)) if (seen.push(change) === count) break
  return seen
}

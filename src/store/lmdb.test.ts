import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import type { Timers } from '../base/ports.ts'
import { stillTimers } from '../testing/clock.ts'
import { conformStore } from './conform.ts'
import { type LmdbOptions, openLmdb } from './lmdb.ts'
import { Gap, type Store } from './store.ts'
import { view } from './view.ts'

const folder = mkdtempSync(join(tmpdir(), 'lmdb-'))
after(() => rmSync(folder, { recursive: true }))
let opened = 0
const newPath = (): string => join(folder, `${opened++}`)

function open(options: Partial<LmdbOptions> = {}): Promise<Store> {
  return openLmdb({ path: newPath(), timers: stillTimers, onUnknown: (reason) => assert.fail(reason), ...options })
}

const put = (key: string, text: string) => ({ ops: [{ key, value: Buffer.from(text) }] })

conformStore('lmdb', () => open())
conformStore('a view of lmdb', async () => view(await open(), 'mount/\u{1f512}/'))

test('what was committed is there after closing and opening', async () => {
  const path = newPath()
  const first = await open({ path })
  const revision = await first.commit(put('kept', 'value'))
  await first.close()
  const second = await open({ path })
  assert.deepEqual(second.get('kept'), { key: 'kept', value: Buffer.from('value'), revision })
  assert.equal(second.revision, revision)
  assert.deepEqual([...second.changesSince(0)], [{ revision, keys: ['kept'] }])
  assert.equal(await second.commit(put('more', '')), revision + 1)
  await second.close()
})

test('only the owner can read the files', async () => {
  const path = newPath()
  await (await open({ path })).close()
  for (const name of ['data.mdb', 'lock.mdb']) assert.equal(statSync(join(path, name)).mode & 0o777, 0o600)
})

test('the log keeps as many commits as it should, also when that number changes', async () => {
  const path = newPath()
  const wide = await open({ path, logLimit: 50 })
  for (let n = 1; n <= 60; n++) await wide.commit(put('n', `${n}`))
  assert.throws(() => [...wide.changesSince(9)], Gap)
  assert.equal([...wide.changesSince(10)].length, 50)
  await wide.close()
  const narrow = await open({ path, logLimit: 5 })
  for (let n = 61; n <= 75; n++) await narrow.commit(put('n', `${n}`))
  assert.throws(() => [...narrow.changesSince(69)], Gap)
  assert.deepEqual(
    [...narrow.changesSince(70)].map(({ revision }) => revision),
    [71, 72, 73, 74, 75],
  )
  await narrow.close()
})

test('values stay as they were read while the store moves on', async () => {
  const store = await open()
  await store.commit({ ops: Array.from({ length: 50 }, (_, n) => ({ key: `v/${n}`, value: Buffer.alloc(9_000, n) })) })
  const kept = [...store.range({ prefix: 'v/' })]
  for (let round = 0; round < 5; round++) {
    await store.commit({ ops: kept.map(({ key }) => ({ key, value: Buffer.alloc(9_000, 0xee) })) })
    assert.equal(store.get('v/1')?.value[0], 0xee)
  }
  for (const { key, value } of kept) assert.ok(value.equals(Buffer.alloc(9_000, Number(key.slice(2)))))
  await store.close()
})

test('a range goes on where it was while the snapshot moves under it', async () => {
  const store = await open()
  await store.commit({ ops: ['a', 'b', 'c'].map((key) => ({ key, value: Buffer.from('1') })) })
  const seen: string[] = []
  for (const { key } of store.range({ prefix: '' })) {
    void store.revision
    for (const inner of store.keys({ prefix: key })) seen.push(inner)
  }
  assert.deepEqual(seen, ['a', 'b', 'c'])
  await store.close()
})

test('a range has the values of its keys while another process removes them', async () => {
  const path = newPath()
  const store = await open({ path })
  await store.commit({ ops: ['a', 'b', 'c'].map((key) => ({ key, value: Buffer.from(key) })) })
  const seen: string[] = []
  for (const { key, value } of store.range({ prefix: '' })) {
    if (key === 'a') execFileSync(process.execPath, [join(import.meta.dirname, '../../test/faults/remover.ts'), path, 'b', 'c'])
    void store.revision
    seen.push(`${key}=${value}`)
  }
  assert.deepEqual(seen, ['a=a', 'b=b', 'c=c'])
  assert.deepEqual([...store.keys({ prefix: '' })], ['a'])
  await store.close()
})

test('closing waits for what is under way, ends followers and refuses what comes later', async () => {
  const path = newPath()
  const store = await open({ path })
  const committed = store.commit(put('last', 'word'))
  const following = store.changes(1, new AbortController().signal)[Symbol.asyncIterator]()
  await committed
  const next = following.next()
  const closed = store.close()
  await assert.rejects(store.commit(put('late', '')), { code: 'unavailable' })
  await closed
  assert.deepEqual(await next, { done: true, value: undefined })
  const again = await open({ path })
  assert.equal(again.get('last')?.value.toString(), 'word')
  assert.equal(again.get('late'), undefined)
  await again.close()
})

test('no result in time is unknown: it is reported once, nothing settles, nothing more is taken', async () => {
  const reports: string[] = []
  const delays: number[] = []
  const impatient: Timers = {
    ...stillTimers,
    after(delay, run) {
      delays.push(delay)
      queueMicrotask(run)
      return () => {}
    },
  }
  const store = await open({ timers: impatient, commitTimeoutMs: 7_000, onUnknown: (reason) => reports.push(reason) })
  let settled = 0
  for (const key of ['a', 'b']) void store.commit(put(key, '')).finally(() => settled++)
  await stillTimers.turn()
  await assert.rejects(store.commit(put('c', '')), { code: 'unavailable' })
  while (store.revision < 2) await stillTimers.turn()
  await stillTimers.turn()
  assert.deepEqual(reports, ['no result of a commit within 7000 ms'])
  assert.deepEqual(delays, [7_000])
  assert.equal(settled, 0)
})

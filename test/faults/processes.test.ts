// Several processes on one store: nothing is lost, nothing comes late, nothing comes out of order.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { timers } from '../../src/app/ports.ts'
import { openLmdb } from '../../src/store/lmdb.ts'
import type { Change, Store } from '../../src/store/store.ts'
import { start } from './lines.ts'
import { assertKept, hear, records } from './record.ts'

const folder = mkdtempSync(join(tmpdir(), 'processes-'))
after(() => rmSync(folder, { recursive: true }))

function open(path: string): Promise<Store> {
  return openLmdb({ path, timers, onUnknown: (reason) => assert.fail(reason) })
}

test('of increments in three processes none is lost', { timeout: 60_000 }, async () => {
  const path = join(folder, 'count')
  const counters = [1, 2, 3].map(() => start('counter.ts', [path, 200], () => {}))
  for (const { ended } of counters) assert.deepEqual(await ended, { code: 0, signal: null })
  const store = await open(path)
  assert.equal(store.get('count')?.value.toString(), '600')
  assert.equal(store.revision, 600)
  await store.close()
})

test('a commit that another process was promised is seen by the next reads, once the revision was read', { timeout: 60_000 }, async () => {
  const path = join(folder, 'seen')
  const store = await open(path)
  let heard = 0
  const writer = start('writer.ts', [path, 'w', 300], (line) => {
    const [word, n, revision] = line.split(' ')
    if (word !== 'ack') return
    heard++
    assert.ok(store.revision >= Number(revision))
    assert.equal(store.get(`record/w/${String(n).padStart(8, '0')}/0`)?.revision, Number(revision))
  })
  assert.deepEqual(await writer.ended, { code: 0, signal: null })
  assert.equal(heard, 300)
  await store.close()
})

test('a follower sees every commit of every process in order', { timeout: 60_000 }, async () => {
  const path = join(folder, 'followed')
  const store = await open(path)
  const acks = { a: new Map<number, number>(), b: new Map<number, number>() }
  const seen: Change[] = []
  const following = (async () => {
    for await (const change of store.changes(0, new AbortController().signal)) if (seen.push(change) === 450) break
  })()
  const writers = (['a', 'b'] as const).map((name) => start('writer.ts', [path, name, 200], (line) => hear(acks[name], line)))
  for (let n = 0; n < 50; n++) await store.commit({ ops: [{ key: `own/${n}`, value: Buffer.from('x') }] })
  for (const { ended } of writers) assert.deepEqual(await ended, { code: 0, signal: null })
  await following
  assert.deepEqual(
    seen.map(({ revision }) => revision),
    Array.from({ length: 450 }, (_, n) => n + 1),
  )
  for (const name of ['a', 'b'] as const) {
    const revisions = records(store, name)
    assertKept(acks[name], revisions)
    for (const revision of revisions) assert.ok(seen[revision - 1]?.keys.includes(`last/${name}`))
  }
  await store.close()
})

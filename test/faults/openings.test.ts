// Processes open the store again and again while another writes: no commit is lost by a newcomer.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { openLmdb } from '../../src/store/lmdb.ts'
import { stillTimers } from '../../src/testing/clock.ts'
import { start } from './lines.ts'
import { assertKept, hear, records } from './record.ts'

const COMMITS = 1_500
const OPENINGS = 100
const folder = mkdtempSync(join(tmpdir(), 'openings-'))
after(() => rmSync(folder, { recursive: true }))

test(`${COMMITS} commits while the store is opened ${2 * OPENINGS} times`, { timeout: 300_000 }, async () => {
  const acks = new Map<number, number>()
  const writer = start('writer.ts', [folder, 'w', COMMITS], (line) => hear(acks, line))
  const openers = [1, 2].map(() => start('opener.ts', [folder, OPENINGS], () => {}))
  for (const { ended } of [writer, ...openers]) assert.deepEqual(await ended, { code: 0, signal: null })
  const store = await openLmdb({ path: folder, timers: stillTimers, onUnknown: (reason) => assert.fail(reason) })
  const found = records(store, 'w')
  assert.equal(found.length, COMMITS)
  assertKept(acks, found)
  await store.close()
})

// Two writers are killed at random moments, again and again: what was promised is there, and nothing is there by half.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { openLmdb } from '../../src/store/lmdb.ts'
import { stillTimers } from '../../src/testing/clock.ts'
import { type Child, start } from './lines.ts'
import { assertKept, hear, records } from './record.ts'
import { seeded } from './seeded.ts'

const STORES = 10
const ROUNDS = 20
const folder = mkdtempSync(join(tmpdir(), 'crash-'))
after(() => rmSync(folder, { recursive: true }))

type Acks = Map<number, number>

test(`${STORES * ROUNDS} rounds of two killed writers`, { timeout: 300_000 }, async (t) => {
  const { seed, random } = seeded()
  t.diagnostic(`seed ${seed}`)
  let promised = 0
  for (let store = 0; store < STORES; store++) {
    const path = join(folder, `${store}`)
    const written = new Map<string, Acks>()
    let newest = 0
    for (let round = 0; round < ROUNDS; round++) {
      for (const [name, acks] of await crash(path, round, random)) written.set(name, acks)
      newest = await check(path, written, newest)
    }
    for (const acks of written.values()) promised += acks.size
    rmSync(path, { recursive: true })
  }
  t.diagnostic(`${promised} promised commits, none lost`)
})

/** Kills one of two writers after some commits, and the other after it has gone on alone. */
async function crash(path: string, round: number, random: (below: number) => number): Promise<Map<string, Acks>> {
  const writers = new Map<string, Acks>([`${round}a`, `${round}b`].map((name) => [name, new Map()]))
  const children: Child[] = []
  const victim = random(2)
  const first = random(4) === 0 ? 0 : random(150)
  const second = random(3) === 0 ? 0 : random(40)
  let lines = 0
  for (const [name, acks] of writers) {
    const child = start('writer.ts', [path, name], (line) => {
      hear(acks, line)
      lines++
      if (lines >= first) children[victim]?.kill('SIGKILL')
      if (lines >= first + second) for (const one of children) one.kill('SIGKILL')
    })
    children.push(child)
  }
  for (const { ended } of children) assert.deepEqual(await ended, { code: null, signal: 'SIGKILL' })
  return writers
}

/** With a fresh opening; returns the newest revision. */
async function check(path: string, written: ReadonlyMap<string, Acks>, before: number): Promise<number> {
  const store = await openLmdb({ path, timers: stillTimers, onUnknown: (reason) => assert.fail(reason) })
  const revisions = [...written].flatMap(([name, acks]) => {
    const found = records(store, name)
    assertKept(acks, found)
    return found
  })
  const newest = store.revision
  assert.ok(newest >= before, 'the revision went back')
  assert.deepEqual(
    revisions.sort((a, b) => a - b),
    Array.from({ length: newest }, (_, n) => n + 1),
  )
  assert.equal([...store.changesSince(before)].length, newest - before)
  await store.close()
  return newest
}

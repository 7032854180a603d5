// The disk is full, or a system call fails: what was promised is there, what was refused is not, and nothing hangs.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { openLmdb } from '../../src/store/lmdb.ts'
import { stillTimers } from '../../src/testing/clock.ts'
import { command } from './lines.ts'

const folder = mkdtempSync(join(tmpdir(), 'io-errors-'))
after(() => rmSync(folder, { recursive: true }))
const script = fileURLToPath(new URL('steady.ts', import.meta.url))

/** Runs the script under a command that makes its writes fail, then checks what a fresh opening finds; counts what it said. */
async function run(name: string, wrapped: readonly string[], count: number, size: number): Promise<Record<string, number>> {
  const path = join(folder, name)
  const said: string[][] = []
  await command([...wrapped, process.execPath, script, path, `${count}`, `${size}`], (line) => said.push(line.split(' '))).ended
  const store = await openLmdb({ path, timers: stillTimers, onUnknown: (reason) => assert.fail(reason) })
  const removed = said.some(([word]) => word === 'removed')
  for (const [word, key = ''] of said) {
    if (word === 'ack' && !(key === '0' && removed)) assert.ok(store.get(key)?.value.equals(Buffer.alloc(size, `${key} `)), `${key} was promised`)
    if (word === 'unavailable' && key !== '0') assert.equal(store.get(key), undefined, `${key} was refused`)
  }
  await store.commit({ ops: [{ key: 'after', value: Buffer.from('all is well') }] })
  await store.close()
  return Object.fromEntries(
    Map.groupBy(said, ([word]) => word as string)
      .entries()
      .map(([word, all]) => [word, all.length]),
  )
}

test('a full disk refuses what does not fit, and takes what frees space', { timeout: 60_000 }, async () => {
  const said = await run('full', ['sh', '-c', 'ulimit -f 1000 && exec "$@"', 'sh'], 200, 6_000)
  assert.ok((said['ack'] ?? 0) > 10 && (said['unavailable'] ?? 0) > 10, JSON.stringify(said))
  assert.equal(said['removed'], 1)
})

test('failing system calls', { timeout: 120_000 }, async (t) => {
  const probe = spawnSync('strace', ['-qq', '-o', '/dev/null', 'true'])
  if (probe.status !== 0) return t.skip("can't trace processes here")
  const total = { unavailable: 0, unknown: 0 }
  for (const call of ['writev', 'fdatasync', 'pwrite64']) {
    for (const nth of [10, 13, 16]) {
      const strace = ['strace', '-f', '-qq', '-o', '/dev/null', '-e', `trace=${call}`, '-e', `inject=${call}:error=EIO:when=${nth}`]
      const said = await run(`${call}-${nth}`, strace, 80, 300)
      total.unavailable += said['unavailable'] ?? 0
      total.unknown += said['unknown'] ?? 0
    }
  }
  t.diagnostic(JSON.stringify(total))
  assert.ok(total.unavailable > 0 && total.unknown > 0, 'no fault was met')
})

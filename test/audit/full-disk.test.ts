// The disk of an audit file is full: nothing is answered unrecorded, nothing unrecorded happens, and room is all it takes to go on.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { command } from '../faults/lines.ts'
import { folder } from '../support/server.ts'

/** Mounts of this namespace end with their first process. */
const APART = ['unshare', '--mount', '--propagation', 'private', 'sh', '-c', 'mount -t tmpfs -o size=512k tmpfs "$0" && exec "$@"']

test('a full disk', async (t) => {
  const at = folder(t)
  const [full, other] = ['full', 'other'].map((name) => join(at, name)) as [string, string]
  for (const path of [full, other]) mkdirSync(path)
  if (spawnSync(APART[0] as string, [...APART.slice(1), full, 'true']).status !== 0) return t.skip("can't mount a file system here")
  const said: string[] = []
  const rig = fileURLToPath(new URL('full-disk-rig.ts', import.meta.url))
  const { ended } = command([...APART, full, process.execPath, rig, full, other], (line) => said.push(line))
  assert.deepEqual(await ended, { code: 0, signal: null })
  const { alone, both, health, findings, lines } = JSON.parse(said.join(''))
  for (const cycle of alone) {
    assert.deepEqual(cycle, {
      refused: { errors: ['internal error'] },
      written: 500,
      health: { devices: 1, failing: 1, stalled: 0 },
      after: 200,
      unwritten: 404,
    })
  }
  assert.deepEqual([both, health], [[200], { devices: 2, failing: 1, stalled: 0 }])
  assert.deepEqual(findings, [])
  assert.ok(lines > 10)
})

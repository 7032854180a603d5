// The power fails: every promised commit is on the disk. Needs root, loop devices and namespaces; without them it is skipped.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { command } from './lines.ts'
import { seeded } from './seeded.ts'

const CUTS = 10
const CONTROLS = 2
/** Mounts and processes of these namespaces end with their first process. */
const APART = ['unshare', '--mount', '--propagation', 'private', '--pid', '--fork', '--kill-child']

interface Cut {
  readonly control?: true
  readonly promised: number
  readonly lost: number
}

test(`${CUTS} power cuts`, { timeout: 120_000 }, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'power-cut-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const reason = whyNot(folder)
  if (reason) return t.skip(reason)
  const { seed } = seeded()
  t.diagnostic(`seed ${seed}`)
  const cuts: Cut[] = []
  const rig = fileURLToPath(new URL('power-cut-rig.ts', import.meta.url))
  const { ended } = command([...APART, process.execPath, rig, folder, `${seed}`, `${CUTS}`, `${CONTROLS}`], (line) => cuts.push(JSON.parse(line)))
  assert.deepEqual(await ended, { code: 0, signal: null })
  const real = cuts.filter(({ control }) => !control)
  const controls = cuts.filter(({ control }) => control)
  assert.equal(real.length, CUTS)
  assert.equal(controls.length, CONTROLS)
  for (const { promised } of cuts) assert.ok(promised >= 10, 'a cut before anything was promised proves nothing')
  for (const { lost } of controls) assert.ok(lost > 0, 'without syncing nothing was lost: the cuts cut nothing')
  for (const { lost } of real) assert.equal(lost, 0)
  t.diagnostic(
    `${real.reduce((sum, { promised }) => sum + promised, 0)} promised commits, none lost; control lost ${controls.map(({ lost, promised }) => `${lost} of ${promised}`).join(', ')}`,
  )
})

/** Tries what the rig needs. */
function whyNot(folder: string): string | undefined {
  const probe = `truncate -s 16M ${folder}/probe && mkfs.ext4 -q -F ${folder}/probe && mkdir ${folder}/at && mount -o loop ${folder}/probe ${folder}/at`
  const tried = spawnSync(APART[0] as string, [...APART.slice(1), 'sh', '-c', probe], { encoding: 'utf8' })
  if (tried.status === 0) return undefined
  return `can't mount a loop device here: ${tried.error?.message ?? tried.stderr.trim()}`
}

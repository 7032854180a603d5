import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { test } from 'node:test'
import { type Hardening, hasSwap, refusedOptions } from './hardening.ts'

const linuxOnly = { skip: process.platform !== 'linux' }

/** Hardens a process of its own, which then tells what /proc says of it. */
function hardened(options: { uid?: number; args?: string[]; env?: NodeJS.ProcessEnv } = {}) {
  const script = `
    import { readFileSync, statSync } from 'node:fs'
    const { harden } = await import(${JSON.stringify(new URL('./hardening.ts', import.meta.url).href)})
    const before = statSync('/proc/self/environ').uid
    const report = harden()
    const core = readFileSync('/proc/self/limits', 'utf8').match(/^Max core file size +(\\S+) +(\\S+)/m).slice(1)
    console.log(JSON.stringify({ report, core, before, after: statSync('/proc/self/environ').uid }))`
  const args = [...(options.args ?? []), '--input-type=module', '--eval', script]
  const output = execFileSync(process.execPath, args, {
    encoding: 'utf8',
    env: { ...process.env, NODE_OPTIONS: '', ...options.env },
    stdio: ['ignore', 'pipe', 'ignore'],
    ...(options.uid === undefined ? {} : { uid: options.uid, gid: options.uid, cwd: '/' }),
  })
  return JSON.parse(output) as { report: Hardening; core: string[]; before: number; after: number }
}

test('a process of one without privileges is not dumpable and leaves no core', linuxOnly, () => {
  const uid = process.getuid?.() === 0 ? 65534 : undefined
  const { report, core, before, after } = hardened(uid === undefined ? {} : { uid })
  assert.equal(report.dumpable, false)
  assert.equal(report.coreLimit, 0)
  assert.deepEqual(report.refusals, [])
  assert.deepEqual(core, ['0', '0'])
  // The kernel gives the /proc entries of a process that isn't dumpable to root.
  assert.equal(before, uid ?? process.getuid?.())
  assert.equal(after, 0)
})

test('refuses an open inspector, however it was opened', linuxOnly, () => {
  const opened = hardened({ env: { NODE_OPTIONS: '--inspect=127.0.0.1:0' } }).report.refusals
  assert.deepEqual(opened, ['NODE_OPTIONS has --inspect', 'the inspector is open'])
  assert.ok(hardened({ args: ['--heapsnapshot-signal=SIGUSR2'] }).report.refusals.includes('started with --heapsnapshot-signal'))
})

test('which options reveal memory', () => {
  assert.deepEqual(refusedOptions(['--inspect', '--inspect-brk=0', '--inspect_wait', '--max-old-space-size=100'], ''), [
    'started with --inspect',
    'started with --inspect-brk',
    'started with --inspect-wait',
  ])
  assert.deepEqual(refusedOptions([], '--no-warnings  "--report-on-signal" --require=--inspect'), ['NODE_OPTIONS has --report-on-signal'])
  assert.deepEqual(refusedOptions([], ''), [])
})

test('reads /proc/swaps', () => {
  const header = 'Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n'
  assert.equal(hasSwap(header), false)
  assert.equal(hasSwap(`${header}/dev/sda2 partition 1048572 0 -2\n`), true)
})

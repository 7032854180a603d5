// Cuts the power of a file system under its writers, in namespaces of its own, so that nothing of it outlives this process.
// The file system lies in a file, through a loop device: a copy of the file holds what had reached the disk, and no more.
// Arguments: folder, seed, cuts, cuts of the control. Prints one line of JSON per cut.
import { execFileSync } from 'node:child_process'
import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { openLmdb } from '../../src/store/lmdb.ts'
import { stillTimers } from '../../src/testing/clock.ts'
import { start } from './lines.ts'
import { assertKept, hear, records } from './record.ts'
import { seeded } from './seeded.ts'

type Acks = Map<number, number>

const [folder = '', seed = '', cuts = '0', controls = '0'] = process.argv.slice(2)
process.env['FAULT_SEED'] = seed
const { random } = seeded()
const [image, copy] = [join(folder, 'image'), join(folder, 'copy')]
const [live, after] = [join(folder, 'live'), join(folder, 'after')]

for (const path of [live, after]) mkdirSync(path)
execFileSync('truncate', ['-s', '256M', image])
execFileSync('mkfs.ext4', ['-q', '-F', image])
execFileSync('mount', ['-o', 'loop', image, live])
for (let n = 0; n < Number(cuts); n++) console.log(JSON.stringify(await cut(`${n}`)))
for (let n = 0; n < Number(controls); n++) console.log(JSON.stringify(await cutControl(`control-${n}`)))

/** Two writers in a store of their own. */
async function cut(name: string): Promise<object> {
  const writers = new Map<string, Acks>(['a', 'b'].map((writer) => [writer, new Map()]))
  const scripts = [...writers].map(([writer, acks]) => ({ script: 'writer.ts', args: [join(live, name), writer], acks }))
  await writeAndCut(scripts, 20 + random(400))
  const store = await openLmdb({ path: join(after, name), timers: stillTimers, onUnknown: (reason) => console.error(reason) })
  for (const [writer, acks] of writers) assertKept(acks, records(store, writer))
  await store.close()
  unmount(after)
  return { promised: [...writers.values()].reduce((sum, acks) => sum + acks.size, 0), lost: 0 }
}

async function cutControl(name: string): Promise<object> {
  const acks: Acks = new Map()
  await writeAndCut([{ script: 'unsynced-writer.ts', args: [join(live, name)], acks }], 200 + random(200))
  let kept = 0
  const reader = start('unsynced-reader.ts', [join(after, name)], (line) => {
    kept = Number(line.split(' ')[1])
  })
  await reader.ended
  unmount(after)
  return { control: true, promised: acks.size, lost: Math.max(0, acks.size - kept) }
}

/** Runs the writers until enough was promised, stops them, and mounts what the disk then held. */
async function writeAndCut(writers: readonly { script: string; args: string[]; acks: Acks }[], enough: number): Promise<void> {
  const cutOff = Promise.withResolvers<void>()
  let lines = 0
  const children = writers.map(({ script, args, acks }) =>
    start(script, args, (line) => {
      hear(acks, line)
      if (++lines === enough) cutOff.resolve()
    }),
  )
  const ended = Promise.all(children.map((child) => child.ended))
  await Promise.race([cutOff.promise, ended])
  for (const child of children) child.kill('SIGSTOP')
  execFileSync('cp', ['--sparse=always', image, copy])
  for (const child of children) child.kill('SIGKILL')
  await ended
  execFileSync('mount', ['-o', 'loop', copy, after])
}

function unmount(path: string): void {
  execFileSync('umount', [path])
  rmSync(copy)
}

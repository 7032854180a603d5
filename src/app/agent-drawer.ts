// The agent's folder on disk: whole files, for its user alone.
import { closeSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, rmSync, statSync, writeSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { type Drawer, KEY_BYTES } from '../agent/keeping.ts'
import type { Random } from '../base/ports.ts'
import { Failure } from '../cli/failure.ts'

const OWNER_ONLY = 0o600
const GROUP_READS = 0o040
const OTHERS = 0o037

export function openDrawer(folder: string): Drawer {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  checkPrivate(folder)
  const at = (name: string) => join(folder, `${name}.sealed`)
  return {
    read: (name) => readIfThere(at(name)),
    write: (name, bytes) => writeWhole(at(name), bytes),
    remove: (name) => rmSync(at(name), { force: true }),
  }
}

/** The key that what is kept is sealed under; made when there is none yet. Throws a Failure for a file that is no such key, or others can read. */
export function readOrMakeKey(path: string, random: Random): Buffer {
  const found = readIfThere(path)
  if (!found) {
    const key = random.bytes(KEY_BYTES)
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
    writeWhole(path, key)
    return key
  }
  checkPrivate(path)
  if (found.length !== KEY_BYTES) throw new Failure(1, `${path} is not a key of ${KEY_BYTES} bytes`)
  return found
}

function checkPrivate(path: string): void {
  const { mode, uid, gid } = statSync(path)
  // systemd hands credentials over by an access list, whose mask stands where the group's bits do.
  const readable = (mode & GROUP_READS) !== 0 && gid !== 0 && gid !== process.getegid?.()
  if ((mode & OTHERS) !== 0 || readable) throw new Failure(1, `others can get at ${path}`, { hints: [`chmod go= ${path}`] })
  if (uid !== process.geteuid?.() && uid !== 0) throw new Failure(1, `${path} belongs to another user`)
}

function readIfThere(path: string): Buffer | undefined {
  try {
    return readFileSync(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

/** Under another name first, and on disk before it takes its own: a power cut leaves the old file or the new one. */
function writeWhole(path: string, bytes: Buffer): void {
  const beside = `${path}.new`
  rmSync(beside, { force: true })
  const fd = openSync(beside, 'wx', OWNER_ONLY)
  try {
    for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at)
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
  renameSync(beside, path)
  const folder = openSync(dirname(path), 'r')
  try {
    fsyncSync(folder)
  } finally {
    closeSync(folder)
  }
}

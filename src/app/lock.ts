// The lock that keeps a second server from the same storage; the system lets go of it when the process ends, however it ends.
import { closeSync, constants, ftruncateSync, openSync, readFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import koffi from 'koffi'
import { Failure } from '../cli/failure.ts'

const LOCK_EX = 2
const LOCK_NB = 4

/** Returns how to let go of it. Throws a Failure where another process has it. */
export function lockStorage(path: string): () => void {
  const name = join(path, 'server.lock')
  const { O_CREAT, O_NOFOLLOW, O_RDWR } = constants
  const fd = openSync(name, O_CREAT | O_NOFOLLOW | O_RDWR, 0o600) // closed on exec, so that no child keeps it
  if (flock(fd, LOCK_EX | LOCK_NB) !== 0) {
    closeSync(fd)
    throw new Failure(1, `another server runs on the storage ${path}${holder(name)}`, {
      hints: ['stop it first, or give this server a storage of its own'],
    })
  }
  ftruncateSync(fd)
  writeSync(fd, `${process.pid}\n`)
  return () => closeSync(fd)
}

function flock(fd: number, operation: number): number {
  return koffi.load(null).func('flock', 'int', ['int', 'int'])(fd, operation) as number
}

function holder(name: string): string {
  const pid = readFileSync(name, 'utf8').trim()
  return /^\d+$/.test(pid) ? `, as process ${pid}` : ''
}

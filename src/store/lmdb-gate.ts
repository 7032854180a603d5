// Keeps the opening of a store apart from commits of other processes. LMDB's open takes the number of the newest transaction
// from the file and, a moment later, writes it to the memory that all processes share: a commit in between is undone.
import koffi from 'koffi'
import type { Timers } from '../base/ports.ts'

const O_RDWR = 2
const O_CREAT = 0o100
const O_CLOEXEC = 0o2000000
const LOCK_SH = 1
const LOCK_EX = 2
const LOCK_NB = 4
const LOCK_UN = 8

/** Locks end with the process that holds them. */
export interface Gate {
  /** Runs `commit` while nobody opens the store; any number may at the same time. */
  pass<T>(commit: () => Promise<T>): Promise<T>
  /** Runs `open` while nobody commits. */
  alone<T>(open: () => T): Promise<T>
  close(): void
}

interface Libc {
  mkdir(path: string, mode: number): number
  open(path: string, flags: number, mode: number): number
  flock(fd: number, operation: number): number
  close(fd: number): number
}

let loaded: Libc | undefined

function libc(): Libc {
  if (loaded) return loaded
  const lib = koffi.load(null)
  loaded = {
    mkdir: lib.func('mkdir', 'int', ['str', 'int']) as Libc['mkdir'],
    open: lib.func('open', 'int', ['str', 'int', 'int']) as Libc['open'],
    flock: lib.func('flock', 'int', ['int', 'int']) as Libc['flock'],
    close: lib.func('close', 'int', ['int']) as Libc['close'],
  }
  return loaded
}

/**
 * Two locks in `folder`: whoever passes holds the first for a moment and the second to the end, so that one who waits to be
 * alone keeps newcomers out with the first while those inside finish, and never starves.
 */
export function openGate(folder: string, timers: Timers): Gate {
  const { mkdir, open, flock, close } = libc()
  mkdir(folder, 0o700) // is there already, as a rule
  const lockFile = (name: string): number => {
    const fd = open(`${folder}/${name}`, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
    if (fd < 0) throw new Error(`${folder}/${name} can't be opened (error ${koffi.errno()})`)
    return fd
  }
  const door = lockFile('door.lock')
  const room = lockFile('room.lock')

  async function lock(fd: number, operation: number): Promise<void> {
    while (flock(fd, operation | LOCK_NB) !== 0) await timers.turn()
  }

  return {
    async pass(commit) {
      await lock(door, LOCK_SH)
      await lock(room, LOCK_SH)
      flock(door, LOCK_UN)
      try {
        return await commit()
      } finally {
        flock(room, LOCK_UN)
      }
    },
    async alone(enter) {
      await lock(door, LOCK_EX)
      try {
        await lock(room, LOCK_EX)
        return enter()
      } finally {
        flock(room, LOCK_UN)
        flock(door, LOCK_UN)
      }
    },
    close() {
      close(door)
      close(room)
    },
  }
}

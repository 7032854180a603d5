// Real files: audit files that are appended to, and folders of the server's own.
import {
  closeSync,
  constants,
  existsSync,
  fchmodSync,
  fdatasync,
  fstatSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
  type Stats,
} from 'node:fs'
import { dirname, join, sep } from 'node:path'
import { promisify } from 'node:util'
import { type AppendFile, type Files, type Folder, type OpenOptions, Torn } from '../base/ports.ts'
import { tryLock } from './syscalls.ts'

const OWNER_ONLY = 0o600
const PERMISSIONS = 0o7777
const EXECUTABLE = 0o111
const syncData = promisify(fdatasync)

export const files: Files = {
  openAppend(path, options = {}) {
    checkPlace(path, options)
    const { O_APPEND, O_CREAT, O_NOFOLLOW, O_NONBLOCK, O_RDWR } = constants
    const isNew = !existsSync(path)
    const fd = openSync(path, O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_RDWR, options.mode || OWNER_ONLY)
    try {
      settle(path, fd, options)
      if (isNew) syncFolder(dirname(path))
    } catch (error) {
      closeSync(fd)
      throw error
    }
    return appendTo(fd)
  },
  openRead(path) {
    const { O_NOFOLLOW, O_NONBLOCK, O_RDONLY } = constants
    const fd = ifThere(() => openSync(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK), undefined)
    if (fd === undefined) return undefined
    if (fstatSync(fd).isFile()) return appendTo(fd)
    closeSync(fd)
    throw refused(path, 'is not a regular file')
  },
  idOf(path) {
    const stats = statSync(path, { throwIfNoEntry: false })
    return stats && idOf(stats)
  },
}

/** Without it, a power cut could take the name of a new file away, with all that was written to it. */
function syncFolder(path: string): void {
  const fd = openSync(path, constants.O_RDONLY)
  try {
    fsyncSync(fd)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EINVAL') throw error // a file system that has no such thing
  } finally {
    closeSync(fd)
  }
}

function checkPlace(path: string, { within }: OpenOptions): void {
  if (!within) return
  const folder = realpathSync(dirname(path))
  const allowed = within.map((one) => realpathSync(one))
  if (!allowed.some((one) => folder === one || folder.startsWith(one + sep))) throw refused(path, 'lies in no folder that is allowed')
}

function settle(path: string, fd: number, { mode = OWNER_ONLY }: OpenOptions): void {
  const stats = fstatSync(fd)
  if (!stats.isFile()) throw refused(path, 'is not a regular file')
  if (stats.nlink > 1) throw refused(path, 'has other names')
  if ((stats.mode & EXECUTABLE) !== 0) throw refused(path, 'can be executed')
  if (mode !== 0 && (stats.mode & PERMISSIONS) !== mode) fchmodSync(fd, mode)
}

function refused(path: string, why: string): Error {
  return Object.assign(new Error(`${path} ${why}`), { code: 'EPERM' })
}

function idOf({ dev, ino }: Stats): string {
  return `${dev}:${ino}`
}

function appendTo(fd: number): AppendFile {
  let syncing = 0
  let closed = false
  const release = (): void => {
    if (closed && syncing === 0) closeSync(fd)
  }
  return {
    append(bytes) {
      let written = 0
      try {
        while (written < bytes.length) written += writeSync(fd, bytes, written)
      } catch (error) {
        throw new Torn(written, error)
      }
    },
    state() {
      const stats = fstatSync(fd)
      return { size: stats.size, links: stats.nlink, id: idOf(stats) }
    },
    read(at, size) {
      const bytes = Buffer.alloc(size)
      let read = 0
      while (read < size) {
        const more = readSync(fd, bytes, read, size - read, at + read)
        if (more === 0) break
        read += more
      }
      return bytes.subarray(0, read)
    },
    async sync() {
      syncing++
      try {
        await syncData(fd)
      } finally {
        syncing--
        release()
      }
    },
    close() {
      closed = true
      release() // its number may be given to another file, so not before a sync that is under way has ended
    },
  }
}

/** Made, with mode 0700, when something is first put into it. */
export function nodeFolder(path: string): Folder {
  const at = (name: string): string => join(path, name)
  return {
    path,
    list: (below = '') => ifThere(() => readdirSync(at(below)).sort(), []),
    make: (name) => void mkdirSync(at(name), { recursive: true, mode: 0o700 }),
    open: (name) => files.openAppend(at(name)),
    readText: (name) => ifThere(() => readFileSync(at(name), 'utf8'), ''),
    writeText(name, text) {
      writeFileSync(at(`${name}.new`), text, { mode: OWNER_ONLY })
      renameSync(at(`${name}.new`), at(name))
    },
    remove: (name) => rmSync(at(name), { recursive: true, force: true }),
    lock(name) {
      const fd = openSync(at(name), constants.O_CREAT | constants.O_RDWR | constants.O_NOFOLLOW, OWNER_ONLY)
      if (tryLock(fd)) return () => closeSync(fd)
      closeSync(fd)
      return undefined
    },
  }
}

function ifThere<T>(read: () => T, absent: T): T {
  try {
    return read()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return absent
    throw error
  }
}

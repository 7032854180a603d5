// Audit files in memory: several may hold one open, and a test can break, cut, delete or replace them.
import { type AppendFile, type Files, Torn } from '../base/ports.ts'

interface Inode {
  readonly id: string
  bytes: Buffer
  links: number
}

export interface MemoryFiles extends Files {
  /** '' where nothing was written. */
  text(path: string): string
  /** What every append throws from now on, once it has taken this many bytes, and after so many more that pass; undefined mends it. */
  breakAt(error: Error | undefined, taken?: number, passing?: number): void
  cut(path: string, size: number): void
  /** Takes the name away; whoever has the file open still writes to it. */
  unlink(path: string): void
  rename(from: string, to: string): void
  /** How often something was brought to the disk. */
  readonly syncs: number
}

export function memoryFiles(): MemoryFiles {
  const names = new Map<string, Inode>()
  let broken: { readonly error: Error; readonly taken: number } | undefined
  let passes = 0
  let made = 0
  let syncs = 0

  function openFile(inode: Inode): AppendFile {
    return {
      append(bytes) {
        const failing = broken && passes-- <= 0 ? broken : undefined
        const taken = failing ? Math.min(failing.taken, bytes.length) : bytes.length
        inode.bytes = Buffer.concat([inode.bytes, bytes.subarray(0, taken)])
        if (failing) throw new Torn(taken, failing.error)
      },
      state: () => ({ size: inode.bytes.length, links: inode.links, id: inode.id }),
      read: (at, size) => Buffer.from(inode.bytes.subarray(at, at + size)),
      async sync() {
        syncs++
      },
      close() {},
    }
  }

  return {
    openAppend(path) {
      if (broken?.taken === 0 && passes <= 0 && !names.has(path)) throw broken.error
      const inode = names.get(path) ?? { id: `1:${++made}`, bytes: Buffer.alloc(0), links: 1 }
      names.set(path, inode)
      return openFile(inode)
    },
    openRead(path) {
      const inode = names.get(path)
      return inode && openFile(inode)
    },
    idOf: (path) => names.get(path)?.id,
    text: (path) => names.get(path)?.bytes.toString() ?? '',
    breakAt(error, taken = 0, passing = 0) {
      broken = error && { error, taken }
      passes = passing
    },
    cut(path, size) {
      const inode = names.get(path)
      if (inode) inode.bytes = inode.bytes.subarray(0, size)
    },
    unlink(path) {
      const inode = names.get(path)
      if (inode) inode.links--
      names.delete(path)
    },
    rename(from, to) {
      const inode = names.get(from)
      if (inode) names.set(to, inode)
      names.delete(from)
    },
    get syncs() {
      return syncs
    },
  }
}

// Memory for keys: pages of our own that are never swapped out, never dumped, and empty in a forked child.
import koffi from 'koffi'

export interface Locked {
  /** Zeroed at first. Of length 0 once closed. */
  readonly bytes: Buffer
  /** False where the system refused to lock the pages, or can't: then they may reach the swap. */
  readonly locked: boolean
  /** Zeroes and gives back the memory. */
  close(): void
}

const PROT_READ_WRITE = 3
const MAP_PRIVATE_ANONYMOUS = 0x22
const MAP_FAILED = 0xffff_ffff_ffff_ffffn
const MADV_DONTDUMP = 16
const MADV_WIPEONFORK = 18

type Address = bigint

interface PageCalls {
  mmap(at: null, size: number, protection: number, flags: number, fd: number, offset: number): Address
  munmap(at: Address, size: number): number
  mlock(at: Address, size: number): number
  madvise(at: Address, size: number, advice: number): number
}

const calls = process.platform === 'linux' ? bind() : undefined

export function openLocked(size: number): Locked {
  const at = calls?.mmap(null, size, PROT_READ_WRITE, MAP_PRIVATE_ANONYMOUS, -1, 0)
  if (!calls || at === undefined || at === MAP_FAILED) return block(new ArrayBuffer(size), false, () => {})
  const { mlock, madvise, munmap } = calls
  const guarded = [mlock(at, size), madvise(at, size, MADV_DONTDUMP), madvise(at, size, MADV_WIPEONFORK)]
  const locked = guarded.every((result) => result === 0)
  return block(koffi.view(at, size), locked, () => void munmap(at, size))
}

function block(memory: ArrayBuffer, locked: boolean, release: () => void): Locked {
  const bytes = Buffer.from(memory)
  return {
    bytes,
    locked,
    close() {
      if (memory.detached) return
      bytes.fill(0)
      memory.transfer() // leaves `bytes` empty, so that a late reader finds nothing and not an unmapped page
      release()
    },
  }
}

function bind(): PageCalls {
  const libc = koffi.load(null)
  return {
    mmap: libc.func('void *mmap(void *at, size_t size, int protection, int flags, int fd, int64_t offset)'),
    munmap: libc.func('int munmap(void *at, size_t size)'),
    mlock: libc.func('int mlock(void *at, size_t size)'),
    madvise: libc.func('int madvise(void *at, size_t size, int advice)'),
  }
}

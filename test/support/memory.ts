// Searches the writable memory of another process.
import { closeSync, openSync, readFileSync, readSync } from 'node:fs'

const CHUNK = 1 << 20
const OVERLAP = 128

/** What an allocator writes into a block that it was given back. */
const OVERWRITTEN = 16

/** A secret as it stands in memory that was freed: without its beginning. */
export const remains = (secret: Buffer): Buffer => secret.subarray(OVERWRITTEN)

/** How often each needle stands in the writable memory of a process. */
export function copies(pid: number, needles: readonly Buffer[]): number[] {
  const counts = needles.map(() => 0)
  const memory = openSync(`/proc/${pid}/mem`, 'r')
  const chunk = Buffer.alloc(CHUNK + OVERLAP)
  for (const [, from, to] of readFileSync(`/proc/${pid}/maps`, 'utf8').matchAll(/^(\w+)-(\w+) rw/gm)) {
    const end = Number(`0x${to}`)
    for (let at = Number(`0x${from}`); at < end; at += CHUNK) {
      const size = readSync(memory, chunk, 0, Math.min(CHUNK + OVERLAP, end - at), at)
      for (const [index, needle] of needles.entries()) counts[index] = (counts[index] as number) + occurrences(chunk.subarray(0, size), needle)
    }
  }
  closeSync(memory)
  return counts
}

/** Those that begin within the chunk proper; one that begins in the overlap is the next chunk's. */
function occurrences(chunk: Buffer, needle: Buffer): number {
  let count = 0
  for (let at = chunk.indexOf(needle); at >= 0 && at < CHUNK; at = chunk.indexOf(needle, at + 1)) count++
  return count
}

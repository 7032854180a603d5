// The little of tar that a snapshot needs (POSIX ustar): regular files of known size, written and read as they pass.
import { Fault } from '../base/fault.ts'

export interface TarFile {
  readonly name: string
  readonly content: Buffer
}

const BLOCK = 512
/** What ends an archive. */
const END = Buffer.alloc(2 * BLOCK)
const OWNER_ONLY = 0o600

/** One file as it stands in an archive. `mtime` in seconds. */
export function tarEntry({ name, content }: TarFile, mtime: number): Buffer {
  const padding = Buffer.alloc((BLOCK - (content.length % BLOCK)) % BLOCK)
  return Buffer.concat([header(name, content.length, mtime), content, padding])
}

export const tarEnd = (): Buffer => END

function header(name: string, size: number, mtime: number): Buffer {
  const block = Buffer.alloc(BLOCK)
  block.write(name, 0, 100)
  octal(block, OWNER_ONLY, 100, 8)
  octal(block, 0, 108, 8)
  octal(block, 0, 116, 8)
  octal(block, size, 124, 12)
  octal(block, mtime, 136, 12)
  block.write('0', 156)
  block.write('ustar\x0000', 257)
  octal(block, checksum(block), 148, 8)
  return block
}

function octal(block: Buffer, value: number, at: number, size: number): void {
  block.write(`${value.toString(8).padStart(size - 1, '0')}\0`, at)
}

/** Of all bytes, with those of the sum itself taken for spaces. */
function checksum(block: Buffer): number {
  return block.reduce((sum, byte, at) => sum + (at >= 148 && at < 156 ? 0x20 : byte), 0)
}

/** The files of an archive in order, each whole. Throws `invalid` for anything but regular files of at most `limit` bytes, and where the end is missing. */
export async function* readTar(source: AsyncIterable<Uint8Array>, limit: number): AsyncGenerator<TarFile> {
  const pull = puller(source)
  for (;;) {
    const block = await pull(BLOCK)
    if (!block) throw broken('it ends too early')
    if (block.every((byte) => byte === 0)) return
    const { name, size } = parseHeader(block)
    if (size > limit) throw broken(`${JSON.stringify(name)} is larger than ${limit} bytes`)
    const content = size === 0 ? Buffer.alloc(0) : await pull(size)
    const padding = (BLOCK - (size % BLOCK)) % BLOCK
    if (!content || (padding > 0 && !(await pull(padding)))) throw broken('it ends too early')
    yield { name, content }
  }
}

function parseHeader(block: Buffer): { name: string; size: number } {
  const name = block.toString('latin1', 0, 100).replace(/\0.*$/s, '')
  const [type, magic] = [block.toString('latin1', 156, 157), block.toString('latin1', 257, 262)]
  const [size, sum] = [number(block, 124, 12), number(block, 148, 8)]
  if (magic !== 'ustar' || size === undefined || sum !== checksum(block)) throw broken('it is not a tar archive')
  if ((type !== '0' && type !== '\0') || name === '') throw broken('it holds something other than files')
  return { name, size }
}

function number(block: Buffer, at: number, size: number): number | undefined {
  const text = block.toString('latin1', at, at + size).replace(/[\0 ].*$/s, '')
  return /^[0-7]+$/.test(text) ? Number.parseInt(text, 8) : undefined
}

/** Takes exactly so many bytes from a source; undefined where it ends before. */
function puller(source: AsyncIterable<Uint8Array>): (size: number) => Promise<Buffer | undefined> {
  const chunks = source[Symbol.asyncIterator]()
  let held: Buffer[] = []
  let length = 0
  return async (size) => {
    while (length < size) {
      const { value, done } = await chunks.next()
      if (done) return undefined
      held.push(Buffer.from(value.buffer, value.byteOffset, value.length))
      length += value.length
    }
    const all = held.length === 1 ? (held[0] as Buffer) : Buffer.concat(held, length)
    held = [all.subarray(size)]
    length -= size
    return all.subarray(0, size)
  }
}

export function broken(why: string): Fault {
  return new Fault('invalid', `failed to read snapshot: ${why}`)
}

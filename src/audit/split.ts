// Bytes as lines: each without its end, whatever pieces the bytes come in.

const NEWLINE = 0x0a

/** The lines that are whole; what comes after the last end is not one of them. */
export function* linesOf(bytes: Buffer): Generator<Buffer> {
  let start = 0
  for (let end = bytes.indexOf(NEWLINE); end >= 0; end = bytes.indexOf(NEWLINE, start)) {
    yield bytes.subarray(start, end)
    start = end + 1
  }
}

/** All lines of a file, the last one too where its end is missing. */
export async function* linesIn(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<{ readonly line: Buffer; readonly ended: boolean }> {
  let rest: Buffer[] = []
  for await (const chunk of chunks) {
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)
    let start = 0
    for (let end = bytes.indexOf(NEWLINE); end >= 0; end = bytes.indexOf(NEWLINE, start)) {
      rest.push(bytes.subarray(start, end))
      yield { line: rest.length === 1 ? (rest[0] as Buffer) : Buffer.concat(rest), ended: true }
      rest = []
      start = end + 1
    }
    if (start < bytes.length) rest.push(bytes.subarray(start))
  }
  if (rest.length > 0) yield { line: Buffer.concat(rest), ended: false }
}

// Gzip as a step between two async iterables.
import { pipeline } from 'node:stream/promises'
import { createGunzip, createGzip } from 'node:zlib'
import { broken } from './tar.ts'

/** What lies in a snapshot is ciphertext, so compressing it well is not worth the time. */
export const gzipped = (source: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer> => through(source, createGzip({ level: 1 }))

/** Throws `invalid` for what isn't gzip. */
export async function* gunzipped(source: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer> {
  try {
    yield* through(source, createGunzip())
  } catch (error) {
    const isOfZlib = error instanceof Error && 'code' in error && String(error.code).startsWith('Z_')
    throw isOfZlib ? broken('it can not be decompressed') : error
  }
}

async function* through(source: AsyncIterable<Uint8Array>, step: ReturnType<typeof createGzip>): AsyncGenerator<Buffer> {
  // What goes wrong in the source or the step is thrown by reading the step.
  void pipeline(source, step).catch(() => {})
  yield* step as AsyncIterable<Buffer>
}

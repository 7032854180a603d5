// Whole texts on one stream, in the order they were given, off the event loop: whoever reads the stream may be slow.
import { write } from 'node:fs'
import { promisify } from 'node:util'

const writeTo = promisify(write)
const RETRY_MS = 10

export function printer(fd: number): (text: string) => Promise<void> {
  let last: Promise<void> = Promise.resolve()
  return (text) => {
    const done = last.then(() => writeAll(fd, Buffer.from(text)))
    last = done.catch(() => {})
    return done
  }
}

async function writeAll(fd: number, bytes: Buffer): Promise<void> {
  for (let at = 0; at < bytes.length; ) {
    try {
      at += (await writeTo(fd, bytes, at)).bytesWritten
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS)) // a pipe that is full and was set not to block
    }
  }
}

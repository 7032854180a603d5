// A TPM as the system shows it: a device that takes one command at a time, or the socket of one in software.
import { lstatSync } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import type { TpmLink } from '../agent/node/ports.ts'
import { Fault } from '../base/fault.ts'
import { fileProblem } from '../cli/failure.ts'

const MAX_ANSWER_BYTES = 4_096
/** Where an answer says how long it is. */
const SIZE_AT = 2
const HEADER_BYTES = 10

/** Throws `unavailable` where it can't be opened. Commands wait for each other. */
export async function openTpm(path: string): Promise<TpmLink> {
  try {
    const { exchange, close } = lstatSync(path).isSocket() ? await overSocket(path) : overDevice(await open(path, 'r+'))
    let last: Promise<unknown> = Promise.resolve()
    return {
      send(command) {
        const answer = last.then(() => exchange(command))
        last = answer.catch(() => {})
        return answer
      },
      close,
    }
  } catch (error) {
    throw new Fault('unavailable', `${path}: ${fileProblem(error)}`)
  }
}

interface Exchange {
  exchange(command: Buffer): Promise<Buffer>
  close(): void
}

function overDevice(file: FileHandle): Exchange {
  return {
    async exchange(command) {
      await file.write(command)
      const { bytesRead, buffer } = await file.read(Buffer.alloc(MAX_ANSWER_BYTES), 0, MAX_ANSWER_BYTES, null)
      return buffer.subarray(0, bytesRead)
    },
    close: () => void file.close(),
  }
}

async function overSocket(path: string): Promise<Exchange> {
  const socket: Socket = connect(path)
  await new Promise<void>((resolve, reject) => void socket.once('connect', resolve).once('error', reject))
  const incoming = socket[Symbol.asyncIterator]() as AsyncIterator<Buffer>
  return {
    async exchange(command) {
      socket.write(command)
      let answer = Buffer.alloc(0)
      while (answer.length < HEADER_BYTES || answer.length < answer.readUInt32BE(SIZE_AT)) {
        const next = await incoming.next()
        if (next.done) throw new Fault('unavailable', 'the TPM hung up')
        answer = Buffer.concat([answer, next.value])
        if (answer.length > MAX_ANSWER_BYTES) throw new Fault('unavailable', 'the TPM answered more than it may')
      }
      return answer
    },
    close: () => void socket.destroy(),
  }
}

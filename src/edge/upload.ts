// A body of any size, on the paths that take one: handed on as it arrives, once it is known who sends it.
import { Fault } from '../base/fault.ts'
import type { Incoming } from './exchange.ts'
import type { Ask } from './ask.ts'

/** Vault has no bound for these either. */
const PATHS: readonly string[] = ['sys/storage/raft/snapshot', 'sys/storage/raft/snapshot-force']

export function takesUpload({ verb, path }: Ask): boolean {
  return verb === 'write' && PATHS.includes(path)
}

export interface Upload {
  readonly chunks: AsyncIterable<Uint8Array>
  /** Whether all of it was read. */
  readonly whole: boolean
  /** Ends it for whoever reads it. */
  fail(fault: Fault): void
}

export function openUpload(req: Incoming): Upload {
  let failed: Fault | undefined
  async function* chunks(): AsyncGenerator<Uint8Array> {
    try {
      yield* req.iterator({ destroyOnReturn: false })
    } catch {
      throw failed ?? new Fault('invalid', 'the request body ended too early')
    }
  }
  return {
    chunks: { [Symbol.asyncIterator]: chunks },
    get whole() {
      return req.readableEnded
    },
    fail(fault) {
      failed = fault
      req.destroy(fault)
    },
  }
}

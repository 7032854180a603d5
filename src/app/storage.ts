// Opening the database of a server: its folder made, no other server on it, and in words that help where that fails.
import { mkdirSync } from 'node:fs'
import { resolve } from 'node:path'
import type { Log } from '../base/log.ts'
import { Failure, fileProblem } from '../cli/failure.ts'
import { openLmdb } from '../store/lmdb.ts'
import type { Store } from '../store/store.ts'
import { lastWords } from './last-words.ts'
import { lockStorage } from './lock.ts'
import { ports } from './ports.ts'
import { takeRestored } from './staging.ts'

export interface Storage {
  readonly store: Store
  close(): Promise<void>
}

/** For the one process that holds the storage. Throws a Failure. */
export async function openStorage(path: string, log: Log): Promise<Storage> {
  const folder = resolve(path)
  try {
    makeFolder(folder)
    const unlock = lockStorage(folder)
    takeRestored(folder)
    const store = await openWorkerStore(folder, log)
    return {
      store,
      async close() {
        await store.close()
        unlock()
      },
    }
  } catch (error) {
    if (error instanceof Failure) throw error
    throw new Failure(1, `the storage ${folder} can't be opened: ${fileProblem(error)}`, {
      hints: ["it must be a folder on a local disk that the server's user owns"],
    })
  }
}

/** The folder alone: what it lies in is the operator's, with modes of its own. */
function makeFolder(path: string): void {
  try {
    mkdirSync(path, { mode: 0o700 })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
}

/** For processes that share it under the first one's lock. */
export function openWorkerStore(path: string, log: Log): Promise<Store> {
  return openLmdb({ path, timers: ports.timers, onUnknown: lastWords(log) })
}

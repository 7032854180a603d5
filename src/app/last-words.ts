// Fail-stop: a process that is no longer sure of itself says so and ends by force, before it can answer anything.
import type { Log } from '../base/log.ts'

/**
 * Ends this process as `kill -9` does. An orderly exit would wait for the store's writer thread, which may wait for the event
 * loop; and while it waits, it holds the lock that every other process needs to write.
 */
export function endNow(): never {
  process.kill(process.pid, 'SIGKILL')
  throw new Error('unreachable')
}

/** For a store that can't know whether a commit was written. */
export function lastWords(log: Log): (reason: string) => void {
  return (reason) => {
    log.error('the result of a commit is unknown; this process ends', { reason })
    endNow()
  }
}

/** An error that nobody caught leaves the process in an unknown state. */
export function endOnBugs(log: Log): void {
  process.on('uncaughtException', (error) => {
    log.error('an error was not caught; this process ends', {}, error)
    endNow()
  })
  process.on('unhandledRejection', (reason) => {
    log.error('a rejection was not handled; this process ends', {}, reason)
    endNow()
  })
}

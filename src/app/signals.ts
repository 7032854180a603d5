// The signals a server listens to: HUP reloads, TERM and INT stop.
import { endNow } from './last-words.ts'

/** Resolves at the first TERM or INT; a second one ends the process at once. */
export function untilStopped(reload: () => void): Promise<void> {
  process.on('SIGHUP', reload)
  return new Promise((resolve) => {
    let asked = false
    const stop = () => {
      if (asked) endNow()
      asked = true
      resolve()
    }
    process.on('SIGTERM', stop)
    process.on('SIGINT', stop)
  })
}

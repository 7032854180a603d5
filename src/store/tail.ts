// Following a store: a bell that rings on commits, and the loop that turns bell and log into a stream of changes.
import type { Change, Revision, Store } from './store.ts'

export interface Bell {
  ring(): void
  readonly rings: number
  /** Resolves at the next ring after `heard` rings, or when the signal aborts. */
  wait(heard: number, signal: AbortSignal): Promise<void>
}

/** `watch` runs while anyone waits, to ring for commits that this process did not make; it returns how to stop. */
export function openBell(watch: () => () => void = () => () => {}): Bell {
  const waiting = new Set<() => void>()
  let rings = 0
  let unwatch = (): void => {}
  return {
    ring() {
      rings++
      for (const wake of [...waiting]) wake()
    },
    get rings() {
      return rings
    },
    wait(heard, signal) {
      if (heard !== rings || signal.aborted) return Promise.resolve()
      return new Promise((resolve) => {
        const wake = (): void => {
          signal.removeEventListener('abort', wake)
          waiting.delete(wake)
          if (waiting.size === 0) unwatch()
          resolve()
        }
        signal.addEventListener('abort', wake)
        if (waiting.size === 0) unwatch = watch()
        waiting.add(wake)
      })
    },
  }
}

/** Changes taken from the log at once: no cursor stays open while the follower works. */
const PAGE = 1000

export async function* tail(
  store: Pick<Store, 'revision' | 'changesSince'>,
  bell: Bell,
  since: Revision,
  signal: AbortSignal,
): AsyncGenerator<Change> {
  let seen = since
  while (!signal.aborted) {
    const heard = bell.rings
    void store.revision // moves the snapshot to the newest commit
    const page = Array.from(Iterator.from(store.changesSince(seen)).take(PAGE))
    for (const change of page) {
      if (signal.aborted) return
      seen = change.revision
      yield change
    }
    if (page.length < PAGE) await bell.wait(heard, signal)
  }
}

// Those in this process who hear of commits: the log is followed only while somebody listens.
import type { Log } from '../base/log.ts'
import { type Change, Gap, type Revision, type Store } from './store.ts'

export interface Feed<L extends Heard> {
  readonly listeners: ReadonlySet<L>
  /** Returns how to stop listening. */
  listen(listener: L): () => void
  /** Ends all listeners. */
  close(): void
}

/** The least that a listener must take: that nothing more comes. */
export interface Heard {
  end(): void
}

export interface FeedOf<L extends Heard> {
  /** What the log is of, in a log line: "events". */
  readonly name: string
  hear(change: Change, listeners: ReadonlySet<L>): void
  /** More was written than could be told of; what comes next follows the present state. */
  missed(listeners: ReadonlySet<L>): void
}

export function openFeed<L extends Heard>(store: Pick<Store, 'revision' | 'changes'>, log: Log, { name, hear, missed }: FeedOf<L>): Feed<L> {
  const listeners = new Set<L>()
  let following: AbortController | undefined

  async function follow(from: Revision, signal: AbortSignal): Promise<void> {
    try {
      for await (const change of store.changes(from, signal)) hear(change, listeners)
    } catch (error) {
      if (signal.aborted) return
      if (!(error instanceof Gap)) {
        log.error(`${name} can not be followed`, {}, error)
        return close()
      }
      log.warn(`${name} were missed: more was written than could be told of`)
      const now = store.revision
      missed(listeners)
      return follow(now, signal)
    }
  }

  function stop(): void {
    following?.abort()
    following = undefined
  }

  function close(): void {
    stop()
    for (const listener of [...listeners]) listener.end()
    listeners.clear()
  }

  return {
    listeners,
    listen(listener) {
      listeners.add(listener)
      if (!following) {
        following = new AbortController()
        void follow(store.revision, following.signal)
      }
      return () => {
        listeners.delete(listener)
        if (listeners.size === 0) stop()
      }
    },
    close,
  }
}

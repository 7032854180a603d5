// Those who hear of events in this process: fed from the log of commits, which is followed only while somebody listens.
import type { Log } from '../base/log.ts'
import { eventOf, type ModuleEvent } from '../contract/event.ts'
import { type Change, Gap, type Revision, type Store } from '../store/store.ts'

/** An event as it was committed. */
export interface Heard extends ModuleEvent {
  /** The same for all who hear of it. */
  readonly id: string
}

export interface Listener {
  hear(event: Heard): void
  /** No more events come. */
  end(): void
}

export interface EventHub {
  /** Returns how to stop listening. */
  listen(listener: Listener): () => void
  /** Ends all listeners. */
  close(): void
}

/** `behind` is the store behind the barrier. */
export function openEventHub(behind: Pick<Store, 'revision' | 'changes'>, log: Log): EventHub {
  const listeners = new Set<Listener>()
  let following: AbortController | undefined

  async function follow(from: Revision, signal: AbortSignal): Promise<void> {
    try {
      for await (const change of behind.changes(from, signal)) for (const event of eventsOf(change)) spread(event)
    } catch (error) {
      if (!(error instanceof Gap)) log.error('events can not be followed', {}, error)
      else log.warn('events were missed: more was written than could be told of')
      if (signal.aborted) return
      if (error instanceof Gap) return follow(behind.revision, signal)
      close()
    }
  }

  function spread(event: Heard): void {
    for (const listener of listeners) listener.hear(event)
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
    listen(listener) {
      listeners.add(listener)
      if (!following) {
        following = new AbortController()
        void follow(behind.revision, following.signal)
      }
      return () => {
        listeners.delete(listener)
        if (listeners.size === 0) stop()
      }
    },
    close,
  }
}

function eventsOf({ revision, notes = [] }: Change): Heard[] {
  return notes.flatMap((note, at) => {
    const event = eventOf(note)
    return event ? [{ ...event, id: `${revision}-${at}` }] : []
  })
}

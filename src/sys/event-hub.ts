// Those who hear of events in this process: fed from the log of commits.
import type { Log } from '../base/log.ts'
import { eventOf, type ModuleEvent } from '../contract/event.ts'
import { openFeed } from '../store/feed.ts'
import type { Change, Store } from '../store/store.ts'

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
  return openFeed<Listener>(behind, log, {
    name: 'events',
    hear(change, listeners) {
      for (const event of eventsOf(change)) for (const listener of listeners) listener.hear(event)
    },
    missed() {}, // nobody can be told of what is not known
  })
}

function eventsOf({ revision, notes = [] }: Change): Heard[] {
  return notes.flatMap((note, at) => {
    const event = eventOf(note)
    return event ? [{ ...event, id: `${revision}-${at}` }] : []
  })
}

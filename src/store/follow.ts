// Derived state that the store's own change log keeps true: caches that a commit of any process invalidates.
import { Gap, type Key, type Revision, type Store } from './store.ts'

/** What is cached is never older than the newest commit at the time it is asked for. A load must be synchronous. */
export interface Follower {
  /** What `load` makes of the keys under `prefix`; made anew after any of them changed. */
  cache<T>(prefix: string, load: () => T): () => T
  /** The same by id, for at most `max` ids: the entry goes when the key `prefix + id` changes, or when others are used more. */
  keyed<T>(prefix: string, load: (id: string) => T | undefined, max: number): (id: string) => T | undefined
  /** Moves to the newest commit and forgets what changed since the last call. */
  sync(): Revision
}

interface Watcher {
  readonly prefix: string
  changed(id: string): void
  forget(): void
}

export function follow(store: Store): Follower {
  const watchers: Watcher[] = []
  let seen = store.revision

  function changed(key: Key): void {
    for (const watcher of watchers) if (key.startsWith(watcher.prefix)) watcher.changed(key.slice(watcher.prefix.length))
  }

  function sync(): Revision {
    const revision = store.revision
    if (revision === seen) return revision
    try {
      for (const change of store.changesSince(seen)) change.keys.forEach(changed)
    } catch (error) {
      if (!(error instanceof Gap)) throw error
      for (const watcher of watchers) watcher.forget()
    }
    seen = revision
    return revision
  }

  return {
    sync,
    cache(prefix, load) {
      const box = new Box(load)
      watchers.push({ prefix, changed: () => box.forget(), forget: () => box.forget() })
      return () => {
        sync()
        return box.get()
      }
    },
    keyed(prefix, load, max) {
      const recent = new Recent(load, max)
      watchers.push({ prefix, changed: (id) => recent.delete(id), forget: () => recent.clear() })
      return (id) => {
        sync()
        return recent.get(id)
      }
    },
  }
}

/** Keeps one value. What changed while it was being loaded may be in it or not, so such a value is used once and not kept. */
class Box<T> {
  readonly #load: () => T
  #held: { readonly value: T } | undefined
  #forgotten = 0

  constructor(load: () => T) {
    this.#load = load
  }

  get(): T {
    if (this.#held) return this.#held.value
    const before = this.#forgotten
    const value = this.#load()
    if (before === this.#forgotten) this.#held = { value }
    return value
  }

  forget(): void {
    this.#held = undefined
    this.#forgotten++
  }
}

/** Keeps what was used last; a Map's order is the order of use. */
class Recent<T> {
  readonly #load: (id: string) => T | undefined
  readonly #max: number
  readonly #held = new Map<string, T>()
  #forgotten = 0

  constructor(load: (id: string) => T | undefined, max: number) {
    this.#load = load
    this.#max = max
  }

  get(id: string): T | undefined {
    const held = this.#held.get(id)
    if (held !== undefined) {
      this.#held.delete(id)
      this.#held.set(id, held)
      return held
    }
    const before = this.#forgotten
    const value = this.#load(id)
    if (value !== undefined && before === this.#forgotten) this.#keep(id, value)
    return value
  }

  delete(id: string): void {
    this.#held.delete(id)
    this.#forgotten++
  }

  clear(): void {
    this.#held.clear()
    this.#forgotten++
  }

  #keep(id: string, value: T): void {
    if (this.#held.size >= this.#max) this.#held.delete(this.#held.keys().next().value as string)
    this.#held.set(id, value)
  }
}

// Derived state that the store's own change log keeps true: caches that a commit of any process invalidates.
import { Box, Recent } from './kept.ts'
import { Gap, type Key, type Revision, type Store } from './store.ts'

/** What is cached is never older than the newest commit at the last pause of the event loop before it is asked for. A load must be synchronous. */
export interface Follower {
  /** What `load` makes of the keys under `prefix`; made anew after any of them changed. */
  cache<T>(prefix: string, load: () => T): () => T
  /**
   * The same by id, for at most `max` ids: the entry goes when the key `prefix + id` changes, or when others are used more.
   * Where the id is not the whole rest of the key, `idOf` finds it there; undefined for keys that nothing was made from.
   */
  keyed<T>(prefix: string, load: (id: string) => T | undefined, max: number, idOf?: IdOf): (id: string) => T | undefined
  /** Caches for keys under a folder two levels deep, `a/b/`, that are let go of together. */
  scope(folder: string): Scope
  /** Moves to the newest commit and forgets what changed since the last call. */
  sync(): Revision
  /** Forgets everything: what could be read before may not be any more. */
  forget(): void
}

export type IdOf = (rest: string) => string | undefined

export interface Scope {
  /** As a follower's; `prefix` is within the folder. */
  cache<T>(prefix: string, load: () => T): () => T
  /** From now on nothing is kept: what still holds one of its caches gets what is loaded at each call. */
  close(): void
}

interface Watcher {
  readonly prefix: string
  changed(rest: string): void
  forget(): void
}

export function follow(store: Store): Follower {
  const watchers: Watcher[] = []
  const scopes = new Scopes()
  let seen = store.revision
  const settle = oncePerTurn(sync)

  function changed(key: Key): void {
    for (const watcher of watchers) if (key.startsWith(watcher.prefix)) watcher.changed(key.slice(watcher.prefix.length))
    scopes.changed(key)
  }

  function forget(): void {
    for (const watcher of watchers) watcher.forget()
    scopes.forget()
  }

  function sync(): Revision {
    const revision = store.revision
    if (revision === seen) return revision
    try {
      for (const change of store.changesSince(seen)) change.keys.forEach(changed)
    } catch (error) {
      if (!(error instanceof Gap)) throw error
      forget()
    }
    seen = revision
    return revision
  }

  return {
    sync,
    forget,
    cache(prefix, load) {
      const box = new Box(load)
      watchers.push({ prefix, changed: () => box.forget(), forget: () => box.forget() })
      return () => {
        settle()
        return box.get()
      }
    },
    keyed(prefix, load, max, idOf = (rest) => rest) {
      const recent = new Recent(load, max)
      const drop = (id: string | undefined) => id !== undefined && recent.delete(id)
      watchers.push({ prefix, changed: (rest) => drop(idOf(rest)), forget: () => recent.clear() })
      return (id) => {
        settle()
        return recent.get(id)
      }
    },
    scope: (folder) => scopes.open(folder, settle),
  }
}

/**
 * Looking for commits costs more than most of what is cached, so that caches do it once between two pauses. What a commit causes
 * runs after the next pause: whoever waited for it sees it.
 */
function oncePerTurn(sync: () => void): () => void {
  let done = false
  const again = (): void => {
    done = false
  }
  return () => {
    if (done) return
    done = true
    void Promise.resolve().then(again)
    sync()
  }
}

/** Caches by folder, so that a commit is shown only to those of its own. */
class Scopes {
  readonly #byFolder = new Map<string, Set<Watched[]>>()

  open(folder: string, settle: () => void): Scope {
    const watched: Watched[] = []
    const scopes = this.#byFolder.get(folder) ?? new Set()
    this.#byFolder.set(folder, scopes.add(watched))
    return {
      cache(prefix, load) {
        const box = new Box(load)
        watched.push({ prefix: folder + prefix, box })
        return () => {
          settle()
          return box.get()
        }
      },
      close: () => {
        for (const { box } of watched) box.close()
        if (scopes.delete(watched) && scopes.size === 0) this.#byFolder.delete(folder)
      },
    }
  }

  changed(key: Key): void {
    const folder = key.slice(0, key.indexOf('/', key.indexOf('/') + 1) + 1)
    for (const scope of this.#byFolder.get(folder) ?? []) {
      for (const { prefix, box } of scope) if (key.startsWith(prefix)) box.forget()
    }
  }

  forget(): void {
    for (const scopes of this.#byFolder.values()) for (const scope of scopes) for (const { box } of scope) box.forget()
  }
}

interface Watched {
  readonly prefix: string
  readonly box: Pick<Box<unknown>, 'forget' | 'close'>
}

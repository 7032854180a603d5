// Who listens for changes, found by what a commit touches: of thousands of agents few are looked at.
import type { SpiffeId } from '../crypto/spiffe-id.ts'

/** What a watcher is found by. */
export interface Marks {
  /** Hashes of the IDs below which its entries lie: its own, and those of the aliases that describe it. */
  readonly names: ReadonlySet<string>
  /** Hashes of the selectors by which an alias may describe it. */
  readonly selectors: ReadonlySet<string>
}

export class Watchers<W extends { readonly agent: SpiffeId }> {
  readonly #marks = new Map<W, Marks>()
  readonly #byAgent = new Groups<W>()
  readonly #byName = new Groups<W>()
  readonly #bySelector = new Groups<W>()

  /** Also of one that is there, when its marks are others now. */
  set(watcher: W, marks: Marks): void {
    this.delete(watcher)
    this.#marks.set(watcher, marks)
    this.#byAgent.add([watcher.agent], watcher)
    this.#byName.add(marks.names, watcher)
    this.#bySelector.add(marks.selectors, watcher)
  }

  delete(watcher: W): void {
    const marks = this.#marks.get(watcher)
    if (!marks) return
    this.#marks.delete(watcher)
    this.#byAgent.remove([watcher.agent], watcher)
    this.#byName.remove(marks.names, watcher)
    this.#bySelector.remove(marks.selectors, watcher)
  }

  names(watcher: W): ReadonlySet<string> {
    return this.#marks.get(watcher)?.names ?? new Set()
  }

  of(agents: Iterable<string>): Set<W> {
    return this.#byAgent.of(agents)
  }

  named(hashes: Iterable<string>): Set<W> {
    return this.#byName.of(hashes)
  }

  selected(hashes: Iterable<string>): Set<W> {
    return this.#bySelector.of(hashes)
  }
}

/** Members by any number of keys each. */
class Groups<T> {
  readonly #groups = new Map<string, Set<T>>()

  add(keys: Iterable<string>, member: T): void {
    for (const key of keys) {
      const group = this.#groups.get(key)
      if (group) group.add(member)
      else this.#groups.set(key, new Set([member]))
    }
  }

  remove(keys: Iterable<string>, member: T): void {
    for (const key of keys) {
      const group = this.#groups.get(key)
      group?.delete(member)
      if (group?.size === 0) this.#groups.delete(key)
    }
  }

  of(keys: Iterable<string>): Set<T> {
    const found = new Set<T>()
    for (const key of keys) for (const member of this.#groups.get(key) ?? []) found.add(member)
    return found
  }
}

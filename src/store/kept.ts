// What a follower keeps: one value, or the values used last; each is forgotten when told so, also while it is being loaded.

/** Keeps one value. What changed while it was being loaded may be in it or not, so such a value is used once and not kept. */
export class Box<T> {
  readonly #load: () => T
  #held: { readonly value: T } | undefined
  #forgotten = 0
  #closed = false

  constructor(load: () => T) {
    this.#load = load
  }

  get(): T {
    if (this.#held) return this.#held.value
    const before = this.#forgotten
    const value = this.#load()
    if (before === this.#forgotten && !this.#closed) this.#held = { value }
    return value
  }

  forget(): void {
    this.#held = undefined
    this.#forgotten++
  }

  close(): void {
    this.#closed = true
    this.forget()
  }
}

/** Keeps what was used last; a Map's order is the order of use. */
export class Recent<T> {
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

// The keys of namespaces with a seal of their own, in a process that serves: of those that are unsealed.
import { Keyring } from './keyring.ts'

export class Rings {
  readonly #open = new Map<string, Keyring>()

  /** By the id of the namespace; undefined while it is sealed. */
  of(id: string): Keyring | undefined {
    return this.#open.get(id)
  }

  /** By id, as of now. */
  all(): [id: string, ring: Keyring][] {
    return [...this.#open]
  }

  /** Copies the keys in; the caller wipes them. */
  open(id: string, encoded: Uint8Array, active?: number): void {
    const ring = this.#open.get(id) ?? new Keyring()
    ring.load(encoded, active)
    this.#open.set(id, ring)
  }

  /** The keys are gone from here when it returns. */
  close(id: string): void {
    this.#open.get(id)?.close()
    this.#open.delete(id)
  }

  closeAll(): void {
    for (const id of [...this.#open.keys()]) this.close(id)
  }
}

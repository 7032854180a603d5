// Binary formats of fixed and counted fields, read one after another.

/** `malformed` makes what is thrown where the bytes end early, or don't end where they should. */
export class ByteReader {
  readonly #bytes: Buffer
  readonly #malformed: () => Error
  #at = 0

  constructor(bytes: Buffer, malformed: () => Error) {
    this.#bytes = bytes
    this.#malformed = malformed
  }

  /** How many bytes were read. */
  get at(): number {
    return this.#at
  }

  get atEnd(): boolean {
    return this.#at === this.#bytes.length
  }

  /** What was not read yet. */
  get rest(): Buffer {
    return this.#bytes.subarray(this.#at)
  }

  take(size: number): Buffer {
    const end = this.#at + size
    if (end > this.#bytes.length) throw this.#malformed()
    const taken = this.#bytes.subarray(this.#at, end)
    this.#at = end
    return taken
  }

  uint16(): number {
    return this.take(2).readUInt16BE()
  }

  uint32(): number {
    return this.take(4).readUInt32BE()
  }

  uint64(): bigint {
    return this.take(8).readBigUInt64BE()
  }

  end(): void {
    if (!this.atEnd) throw this.#malformed()
  }
}

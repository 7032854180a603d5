// A value that must not be printed: no conversion to text, JSON or a console line shows it.
const INSPECT = Symbol.for('nodejs.util.inspect.custom')

/**
 * Holds a token or password on its way through a request.
 * @example new Secret('hvs.x').reveal() // 'hvs.x'; `${secret}` is '[redacted]'
 */
export class Secret {
  readonly #value: string

  constructor(value: string) {
    this.#value = value
  }

  /** The value itself, for the one place that needs it. */
  reveal(): string {
    return this.#value
  }

  toString(): string {
    return '[redacted]'
  }

  toJSON(): string {
    return '[redacted]'
  }

  [INSPECT](): string {
    return '[redacted]'
  }
}

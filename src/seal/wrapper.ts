// A key kept somewhere else that wraps the root key, so that a server opens by itself.

export interface Wrapped {
  /** Names the key that wrapped, for the kinds that have several. */
  readonly keyId: string
  /** As the kind prints it: base64, or a text of its own. */
  readonly text: string
}

/** The calls reject with an Error that says why, in words for the log. */
export interface Wrapper {
  /** As configured: `static`, `transit`, … */
  readonly type: string
  wrap(key: Uint8Array): Promise<Wrapped>
  /** The caller wipes what it gets. */
  unwrap(wrapped: Wrapped): Promise<Buffer>
  /** What has to be done now and then to stay able to: renewing a token. */
  tend?(): Promise<void>
  close?(): void
}

export interface Seal {
  /** Unique among the configured; its type, unless the configuration says otherwise. */
  readonly name: string
  /** Lower ones are asked first. */
  readonly priority: number
  /** Only unwraps, to be migrated away from. */
  readonly disabled: boolean
  readonly wrapper: Wrapper
}

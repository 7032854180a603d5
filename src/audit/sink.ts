// Where records go: as the devices see it, and as the writer of a chain's lines does.

/** Where the records of one device go. */
export interface Sink {
  /** Resolves when the record is kept; rejects where it isn't, and where it can't be told in time. */
  write(record: string): Promise<void>
  /** Writes a first line, and rejects where that can't be done or would lead nowhere. */
  prove(): Promise<void>
  /** Lets go of what log rotation may have moved. */
  reopen(): void
  /** Writes what waits, ends the chain, and lets go of everything. */
  close(): Promise<void>
  /** Always up to date, and cheap. */
  state(): SinkState
}

export interface SinkState {
  /** Why the last record was not kept; undefined where it was. */
  readonly failing: string | undefined
  /** Why nothing arrives at a remote sink though it is kept here. */
  readonly stalled?: string | undefined
  /** Bytes that are kept here until a remote sink takes them. */
  readonly spooled?: number
}

/** What a writer appends to. */
export interface Out {
  /** Called before each append. Throws where there is nothing to append to. */
  ready(): Ready
  /** A promise where the bytes aren't kept when it returns. Fails with Torn where only a part was taken. */
  append(bytes: Buffer): void | Promise<void>
  /** The last part of what is there already, from the start of a line. */
  tail?(): Buffer
  reopen?(): void
  /** Where appended bytes may still be lost with the power. */
  sync?(): Promise<void>
  close(): void
}

export interface Ready {
  /** The next line is the first in a file, or the first after something happened to it. */
  readonly fresh: boolean
  /** The half line that is the last thing there; undefined where the last line is whole. */
  readonly torn: Buffer | undefined
}

// What the closed and the open loop have in common.

/** Told of every answer: its status (0: none came), its body, and when it was sent or should have been (monotonic ms). */
export type Outcome = (status: number, body: Buffer, since: number) => void

export interface Load {
  /** Resolves when nothing is left to send or to wait for. */
  readonly finished: Promise<void>
  /** When each request that is due but found no free connection should have been sent. */
  waiting(): readonly number[]
  /** Sends nothing more and resolves when what is under way was answered. */
  stop(): Promise<void>
}

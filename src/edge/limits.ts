// Bounds that a request must keep before anything is spent on it, in one process. Sizes in bytes, times in milliseconds.
import { MAX_TOKEN_BYTES } from '../contract/token.ts'

export interface EdgeLimits {
  readonly bodyBytes: number
  /** Request line and headers together. */
  readonly headBytes: number
  readonly headers: number
  readonly tokenBytes: number
  /** Query parameters, and fields of a form. */
  readonly parameters: number
  /** Requests being answered at once; those of the vital lane are counted by themselves. */
  readonly concurrent: number
  readonly concurrentPerClient: number
  /** Requests without a token. */
  readonly anonymousPerClient: number
  /** Requests by which an operator sees the state of the server and stops things. */
  readonly vital: number
  /** Memory for bodies of all requests that are being received or answered. */
  readonly bytes: number
  readonly bytesPerClient: number
  readonly connections: number
  readonly connectionsPerClient: number
  /** For a whole head to arrive. */
  readonly headMs: number
  /** For a whole request to arrive. */
  readonly requestMs: number
  readonly idleMs: number
  /** How long, and for how many bytes, a refused client may go on sending before the connection is cut. */
  readonly lingerMs: number
  readonly lingerBytes: number
}

export const EDGE_LIMITS: EdgeLimits = {
  bodyBytes: 32 << 20,
  headBytes: 16 << 10,
  headers: 100,
  tokenBytes: MAX_TOKEN_BYTES,
  parameters: 100,
  concurrent: 10_000,
  concurrentPerClient: 5_000,
  anonymousPerClient: 256,
  vital: 256,
  bytes: 512 << 20,
  bytesPerClient: 256 << 20,
  connections: 10_000,
  connectionsPerClient: 5_000,
  headMs: 10_000,
  requestMs: 30_000,
  idleMs: 300_000,
  lingerMs: 5_000,
  lingerBytes: 64 << 20,
}

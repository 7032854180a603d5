// Bounds that a request must keep before anything is spent on it. Sizes in bytes, times in milliseconds.
import { MAX_TOKEN_BYTES } from '../contract/token.ts'

export interface EdgeLimits {
  readonly bodyBytes: number
  /** Request line and headers together. */
  readonly headBytes: number
  readonly headers: number
  readonly tokenBytes: number
  /** Query parameters, and fields of a form. */
  readonly parameters: number
  /** Requests being answered by this process at once. */
  readonly concurrent: number
  readonly connections: number
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
  connections: 10_000,
  headMs: 10_000,
  requestMs: 30_000,
  idleMs: 300_000,
  lingerMs: 5_000,
  lingerBytes: 64 << 20,
}

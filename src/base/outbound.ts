// HTTP requests to others as rooms make them: bounded in time and size, never redirected, to addresses that the caller allows.

export interface OutboundRequest {
  readonly method: 'GET' | 'POST' | 'PUT'
  readonly url: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
  /** For the whole of it: name, connection, answer. */
  readonly timeoutMs: number
  /** A longer answer is an error. */
  readonly maxBytes: number
  /** PEM of authorities to trust a TLS server by; the system's where unset. */
  readonly ca?: string
  /** Asked of the address that the name stands for, which is then the one that is connected to; any is taken where unset. */
  readonly mayReach?: (address: string) => boolean
}

export interface OutboundAnswer {
  readonly status: number
  readonly body: Buffer
}

/** Rejects where no whole answer came; a redirect is an answer like any other. */
export type Outbound = (request: OutboundRequest) => Promise<OutboundAnswer>

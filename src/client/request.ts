// The HTTP port of the client: one request in, one whole answer out, whatever carries it.

/** How to trust the server and how to be known to it; PEM texts. */
export interface TlsOptions {
  readonly ca?: readonly string[]
  readonly cert?: string
  readonly key?: string
  readonly skipVerify?: boolean
  /** The name to expect in the certificate (SNI), where it differs from the host. */
  readonly serverName?: string
}

export interface HttpRequest {
  /** Any token, `LIST` and `SCAN` included. */
  readonly method: string
  /** Absolute `http:` or `https:` URL, percent-encoded. */
  readonly url: string
  readonly headers: Readonly<Record<string, string | readonly string[]>>
  readonly body?: Uint8Array
  /** A body of any size, in the place of `body`. */
  readonly upload?: AsyncIterable<Uint8Array>
  /** Takes the body of a successful answer as it comes; the answer then has none. What it rejects with ends the request. */
  readonly into?: (chunks: AsyncIterable<Uint8Array>) => Promise<void>
  /** Connects to this Unix socket in place of the URL's host. */
  readonly socketPath?: string
  readonly tls?: TlsOptions
  /** Milliseconds until the whole exchange is given up; 0 is never. */
  readonly timeoutMs: number
}

export interface HttpResponse {
  readonly status: number
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array
}

/**
 * Opens a WebSocket in place of the exchange and hands on every text that comes. Resolves to why the server closed it, or,
 * where it answered otherwise, to that answer; rejects where no answer came.
 */
export type ListenTo = (request: HttpRequest, hear: (text: string) => void) => Promise<HttpResponse | string>

/** Resolves for every status; rejects only where no whole answer came. Redirects are not followed. */
export type SendRequest = (request: HttpRequest) => Promise<HttpResponse>

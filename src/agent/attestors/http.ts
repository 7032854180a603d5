// How attestors ask the daemons of a node.

export interface HttpAnswer {
  readonly status: number
  readonly body: Buffer
}

/** `path` with its query. Rejects where there is no whole answer in time, or too large a one. */
export type HttpGet = (path: string, headers?: Readonly<Record<string, string>>) => Promise<HttpAnswer>

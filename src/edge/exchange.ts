// One request and its answer, as both HTTP/1.1 and HTTP/2 present them.
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2'
import type { Peer } from '../contract/call.ts'
import type { OpenStream } from '../contract/reply.ts'
import type { Connection } from './connection.ts'
import type { CrossOrigin } from './cors.ts'
import type { Room } from './crowd.ts'

export type Incoming = IncomingMessage | Http2ServerRequest

/** What is used of a response; HTTP/2 drops `Connection` headers by itself. */
export interface Outgoing {
  readonly destroyed: boolean
  writeHead(status: number, headers: string[]): unknown
  write(chunk: Buffer): boolean
  end(): unknown
  end(chunk: Buffer): unknown
  end(chunk: string, encoding: 'latin1'): unknown
  once(event: 'close', run: () => void): unknown
  writeContinue(): void
  /** Where the client asked for a WebSocket: hands its connection to a stream. */
  stream?(open: OpenStream): void
}

export interface Exchange {
  readonly id: string
  /** Monotonic milliseconds. */
  readonly started: number
  readonly req: Incoming
  readonly res: Outgoing
  /** Undefined over HTTP/2. */
  readonly connection: Connection | undefined
  readonly isHead: boolean
  namespace: string | undefined
  /** What a browser of another origin is told. */
  cross: CrossOrigin | undefined
  /** Who asks; behind a proxy not the other end of the connection. */
  peer: Peer
  /** Undefined until the request was let in. */
  room: Room | undefined
}

export function toOutgoing(res: ServerResponse | Http2ServerResponse): Outgoing {
  return res as unknown as Outgoing
}

export function isHttp2(req: Incoming): req is Http2ServerRequest {
  return 'stream' in req
}

/** True where the client is no longer there to be answered. */
export function isGone({ req, res }: Exchange): boolean {
  return isHttp2(req) ? req.stream.destroyed : res.destroyed
}

/** True where no body follows the head. */
export function isBodiless(req: Incoming): boolean {
  return isHttp2(req) ? req.stream.endAfterHeaders : req.readableEnded
}

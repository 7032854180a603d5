// WebSockets (RFC 6455): a request for one is served like any other, and where its answer is a stream, its connection carries that.
import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import { type WebSocket, WebSocketServer } from 'ws'
import type { Timers } from '../base/ports.ts'
import type { Answer } from '../contract/answer.ts'
import type { OpenStream } from '../contract/reply.ts'
import type { Outgoing } from './exchange.ts'

export interface Streams {
  /** Ends all, since the server stops. */
  close(): void
  /** What the answer to an upgrade goes to: the handshake for a stream, and plain HTTP for all else. */
  outgoing(req: IncomingMessage, socket: Socket, head: Buffer): Outgoing
}

/** Clients of streams in this process; each costs memory for as long as it stays. */
const MAX_STREAMS = 1_000
const PING_MS = 30_000
/** Clients have nothing to say. */
const MAX_PAYLOAD = 1_024

const POLICY_VIOLATION = 1008
const GOING_AWAY = 1001
const NORMAL = 1000

const BUSY = Buffer.from('{"errors":["too many streams"]}')

/** The answer to a request for a stream that did not ask for a WebSocket (RFC 9110 §15.5.22). */
export const UPGRADE_REQUIRED: Answer = {
  status: 426,
  headers: { Upgrade: 'websocket' },
  body: Buffer.from('{"errors":["events are sent over a WebSocket: ask for one"]}'),
}

/** Whether a request may become a stream; all others are served as if they had not asked. */
export function isUpgrade({ method, url = '', headers }: IncomingMessage): boolean {
  if (method !== 'GET' || headers['content-length'] !== undefined || headers['transfer-encoding'] !== undefined) return false
  return headers.upgrade?.toLowerCase() === 'websocket' && /^\/v1\/(?:[^?]+\/)?sys\/events\/subscribe\//.test(url)
}

export function openStreams(timers: Timers): Streams {
  const server = new WebSocketServer({ noServer: true, clientTracking: false, perMessageDeflate: false, maxPayload: MAX_PAYLOAD })
  const open = new Set<WebSocket>()

  function carry(client: WebSocket, stream: OpenStream): void {
    open.add(client)
    client.once('close', () => open.delete(client))
    attach(client, stream, timers)
  }

  return {
    close() {
      for (const client of open) client.close(GOING_AWAY, 'the server stops')
    },
    outgoing(req, socket, head) {
      const plain = plainAnswer(socket)
      return {
        ...plain,
        get destroyed() {
          return socket.destroyed
        },
        stream(to) {
          if (open.size >= MAX_STREAMS) {
            plain.writeHead(503, ['Content-Type', 'application/json', 'Content-Length', String(BUSY.length)])
            plain.end(BUSY)
            return
          }
          socket.setTimeout(0)
          server.handleUpgrade(req, socket, head, (client) => carry(client, to))
        },
      }
    },
  }
}

function attach(client: WebSocket, stream: OpenStream, timers: Timers): void {
  let heard = true
  const holds = stream({
    get waiting() {
      return client.bufferedAmount
    },
    send: (text) => client.send(text),
    close: (reason) => client.close(NORMAL, reason),
    onClose: (run) => void client.once('close', run),
  })
  const stopPinging = timers.every(PING_MS, () => {
    if (!heard) return client.terminate()
    if (!holds()) return client.close(POLICY_VIOLATION, 'the token is gone')
    heard = false
    client.ping()
  })
  client.once('close', stopPinging)
  client.on('pong', () => {
    heard = true
  })
  client.on('message', () => client.close(POLICY_VIOLATION, 'unexpected data message'))
  client.on('error', () => client.terminate())
}

/** HTTP/1.1 written by hand: the server has let go of the connection. */
function plainAnswer(socket: Socket): Omit<Outgoing, 'destroyed' | 'stream'> {
  let head = ''
  return {
    writeHead(status, headers) {
      head = `HTTP/1.1 ${status} \r\n` // no reason phrase, which nobody reads (RFC 9112 §4)
      for (let at = 0; at < headers.length; at += 2) if (headers[at] !== 'Connection') head += `${headers[at]}: ${headers[at + 1]}\r\n`
      head += 'Connection: close\r\n\r\n'
    },
    write: (chunk) => socket.write(chunk),
    end(chunk?: Buffer | string, encoding: BufferEncoding = 'latin1') {
      socket.write(head, 'latin1')
      if (chunk === undefined) socket.end()
      else socket.end(typeof chunk === 'string' ? Buffer.from(chunk, encoding) : chunk)
    },
    once: (event, run) => socket.once(event, run),
    writeContinue() {},
  }
}

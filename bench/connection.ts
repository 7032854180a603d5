// One keep-alive connection that carries one request at a time and dials again when the server hung up.
import { connect, isIP, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { type Response, ResponseParser } from './response-parser.ts'
import type { Target } from './target.ts'

/** What came back; status 0 means that nothing did, and `body` says why. */
export type Answered = (status: number, body: Buffer) => void

export class Connection {
  readonly #target: Target
  #socket: Socket | undefined
  #answered: Answered | undefined

  constructor(target: Target) {
    this.#target = target
  }

  /** Calls `answered` exactly once. Not to be called again before that. */
  send(request: Buffer, answered: Answered): void {
    this.#answered = answered
    this.#socket ??= this.#dial()
    this.#socket.write(request)
  }

  close(): void {
    this.#socket?.destroy()
    this.#socket = undefined
  }

  #dial(): Socket {
    const socket = open(this.#target)
    const parser = new ResponseParser((response) => this.#receive(response))
    let cause = 'the server closed the connection'
    socket.setNoDelay(true)
    socket.on('data', (bytes: Buffer) => {
      try {
        parser.feed(bytes)
      } catch (error) {
        socket.destroy(error as Error)
      }
    })
    socket.on('error', (error) => {
      cause = error.message
    })
    socket.on('end', () => socket.destroy())
    socket.on('close', () => this.#lose(socket, cause))
    return socket
  }

  #receive({ status, body, last }: Response): void {
    if (last) this.close()
    this.#answer(status, body)
  }

  #lose(socket: Socket, cause: string): void {
    if (this.#socket !== socket) return
    this.#socket = undefined
    this.#answer(0, Buffer.from(cause))
  }

  #answer(status: number, body: Buffer): void {
    const answered = this.#answered
    this.#answered = undefined
    answered?.(status, body)
  }
}

function open({ url, insecureTls }: Target): Socket {
  const host = url.hostname.replace(/^\[|\]$/g, '')
  if (url.protocol === 'http:') return connect({ host, port: Number(url.port || 80) })
  const servername = isIP(host) === 0 ? { servername: host } : {}
  return connectTls({ host, port: Number(url.port || 443), rejectUnauthorized: !insecureTls, ...servername })
}

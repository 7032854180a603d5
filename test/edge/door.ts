// A real listener on loopback with a handle of the test's own, and a raw client that sends exact bytes.
import { connect, type Socket } from 'node:net'
import type { Log } from '../../src/base/log.ts'
import { silent } from '../../src/base/log.ts'
import { clock, random, timers } from '../../src/app/ports.ts'
import { type Listener, type ListenerConfig, listen } from '../../src/app/listen.ts'
import type { Answer } from '../../src/contract/answer.ts'
import type { Received } from '../../src/contract/call.ts'
import { type Edge, type EdgeParts, openEdge } from '../../src/edge/edge.ts'

export interface TestDoor extends AsyncDisposable {
  readonly edge: Edge
  readonly listener: Listener
  /** What was handled, in order. */
  readonly seen: Received[]
  /** What went to the log as an error. */
  readonly logged: unknown[]
}

/** Answers with what it was asked. */
export async function echo(received: Received): Promise<Answer> {
  const { verb, path, namespace, query, contentType, wrapTtl } = received
  const body = { verb, path, namespace, query, contentType, wrapTtl, token: received.token?.reveal(), body: received.body.toString() }
  return { status: 200, headers: {}, body: Buffer.from(JSON.stringify(body)) }
}

export async function openDoor(parts: Partial<EdgeParts> = {}, config: Partial<ListenerConfig> = {}): Promise<TestDoor> {
  const seen: Received[] = []
  const logged: unknown[] = []
  const log: Log = { ...silent, error: (message, facts, cause) => void logged.push({ message, ...facts, cause }) }
  const { handle = echo, ...rest } = parts
  const watched = (received: Received): Promise<Answer> => {
    seen.push(received)
    return handle(received)
  }
  const edge = openEdge({ clock, random, timers, log, secure: config.tls !== undefined, ...rest, handle: watched })
  const listener = await listen({ address: '127.0.0.1:0', ...config }, edge)
  return { edge, listener, seen, logged, [Symbol.asyncDispose]: () => listener.close(0) }
}

export interface RawAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** A connection that reads answers one by one. */
export class RawClient {
  readonly socket: Socket
  #text = ''
  #ended = false
  #wake: () => void = () => {}

  constructor(socket: Socket) {
    this.socket = socket
    socket.setEncoding('latin1')
    socket.on('data', (text: string) => {
      this.#text += text
      this.#wake()
    })
    const end = (): void => {
      this.#ended = true
      this.#wake()
    }
    socket.on('end', end)
    socket.on('close', end)
    socket.on('error', end)
  }

  static to(door: TestDoor): RawClient {
    return new RawClient(connect(door.listener.port, '127.0.0.1').setNoDelay(true))
  }

  /** Sends the pieces one by one, each in a read of its own on the other side. */
  async send(...pieces: (string | Buffer)[]): Promise<void> {
    for (const [index, piece] of pieces.entries()) {
      if (index > 0) for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve))
      this.socket.write(piece as string, 'latin1')
    }
  }

  /** The next whole answer, `100 Continue` included; undefined where the connection ended. */
  async next(isHead = false): Promise<RawAnswer | undefined> {
    for (;;) {
      const answer = parseAnswer(this.#text, isHead)
      if (answer) {
        this.#text = this.#text.slice(answer.length)
        return answer
      }
      if (this.#ended) return undefined
      await this.#more()
    }
  }

  /** Resolves when the other side has closed, to what came and was not read as an answer. */
  async closed(): Promise<string> {
    while (!this.#ended) await this.#more()
    return this.#text
  }

  #more(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve
    })
  }
}

function parseAnswer(text: string, isHead: boolean): (RawAnswer & { length: number }) | undefined {
  const end = text.indexOf('\r\n\r\n')
  if (end < 0) return undefined
  const [statusLine = '', ...lines] = text.slice(0, end).split('\r\n')
  const [, status] = /^HTTP\/1\.1 (\d{3}) /.exec(statusLine) ?? []
  if (status === undefined) throw new Error(`not an answer: ${statusLine}`)
  const headers: Record<string, string> = {}
  for (const line of lines) {
    const [, name = '', value = ''] = /^([\w-]+): (.*)$/.exec(line) ?? []
    if (name === '' || name.toLowerCase() in headers) throw new Error(`malformed or repeated header: ${line}`)
    headers[name.toLowerCase()] = value
  }
  const size = isHead ? 0 : Number(headers['content-length'] ?? 0)
  const at = end + 4
  if (headers['transfer-encoding'] !== undefined) {
    const chunked = parseChunks(text, at)
    return chunked && { status: Number(status), headers, ...chunked }
  }
  if (text.length < at + size) return undefined
  return { status: Number(status), headers, body: text.slice(at, at + size), length: at + size }
}

/** The body in chunks that starts at `from`, and where it ends; undefined where its end has yet to come. */
function parseChunks(text: string, from: number): { body: string; length: number } | undefined {
  let body = ''
  for (let at = from; ; ) {
    const line = text.indexOf('\r\n', at)
    if (line < 0) return undefined
    const start = line + 2
    const size = Number.parseInt(text.slice(at, line), 16)
    if (text.length < start + size + 2) return undefined
    if (size === 0) return { body, length: start + 2 }
    body += text.slice(start, start + size)
    at = start + size + 2
  }
}

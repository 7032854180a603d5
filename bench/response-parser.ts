// Reads HTTP/1.1 responses off a socket with as little work as a load driver can get away with.

const HEAD_END = Buffer.from('\r\n\r\n')
const LINE_END = Buffer.from('\r\n')
const NOTHING = Buffer.alloc(0)

export interface Response {
  readonly status: number
  readonly body: Buffer
  /** The server will close this connection. */
  readonly last: boolean
}

/** Framing of the body that is being read: a length still to come, or chunks. */
type Framing = { kind: 'length'; left: number } | { kind: 'chunked' }

/** Feed it what the socket delivers; it calls back once per whole response. Throws on what it cannot frame. */
export class ResponseParser {
  readonly #answered: (response: Response) => void
  #unread: Buffer = NOTHING
  #framing: Framing | undefined
  #status = 0
  #last = false
  #body: Buffer[] = []

  constructor(answered: (response: Response) => void) {
    this.#answered = answered
  }

  feed(bytes: Buffer): void {
    this.#unread = this.#unread.length === 0 ? bytes : Buffer.concat([this.#unread, bytes])
    while (this.#unread.length > 0 && this.#step());
  }

  /** Takes one piece off the front; false when more bytes are needed. */
  #step(): boolean {
    if (this.#framing === undefined) return this.#head()
    return this.#framing.kind === 'length' ? this.#counted(this.#framing) : this.#chunk()
  }

  #head(): boolean {
    const end = this.#unread.indexOf(HEAD_END)
    if (end < 0) return false
    const head = this.#unread.toString('latin1', 0, end)
    this.#unread = this.#unread.subarray(end + HEAD_END.length)
    this.#status = Number(head.slice(9, 12))
    if (!head.startsWith('HTTP/1.') || !(this.#status >= 100)) throw new Error('the answer is not HTTP/1.1')
    if (this.#status < 200) return true
    this.#last = /\r\nconnection: *close/i.test(head)
    this.#framing = framingOf(head, this.#status)
    if (this.#framing.kind === 'length' && this.#framing.left === 0) this.#finish()
    return true
  }

  #counted(framing: Extract<Framing, { kind: 'length' }>): boolean {
    const piece = this.#unread.subarray(0, framing.left)
    this.#unread = this.#unread.subarray(piece.length)
    this.#body.push(piece)
    framing.left -= piece.length
    if (framing.left === 0) this.#finish()
    return true
  }

  #chunk(): boolean {
    const line = this.#unread.indexOf(LINE_END)
    if (line < 0) return false
    const size = Number.parseInt(this.#unread.toString('latin1', 0, line), 16)
    if (Number.isNaN(size)) throw new Error('the answer has a chunk without a size')
    const start = line + LINE_END.length
    if (size === 0) return this.#trailer(start)
    if (this.#unread.length < start + size + LINE_END.length) return false
    this.#body.push(this.#unread.subarray(start, start + size))
    this.#unread = this.#unread.subarray(start + size + LINE_END.length)
    return true
  }

  /** The last chunk is followed by trailer lines, usually none, and an empty line. */
  #trailer(start: number): boolean {
    const line = this.#unread.indexOf(LINE_END, start)
    if (line < 0) return false
    if (line > start) return this.#trailer(line + LINE_END.length)
    this.#unread = this.#unread.subarray(line + LINE_END.length)
    this.#finish()
    return true
  }

  #finish(): void {
    const [only = NOTHING] = this.#body
    const body = this.#body.length <= 1 ? only : Buffer.concat(this.#body)
    this.#framing = undefined
    this.#body = []
    this.#answered({ status: this.#status, body, last: this.#last })
  }
}

function framingOf(head: string, status: number): Framing {
  const length = /\r\ncontent-length: *(\d+)/i.exec(head)
  if (length !== null) return { kind: 'length', left: Number(length[1]) }
  if (/\r\ntransfer-encoding: *chunked/i.test(head)) return { kind: 'chunked' }
  if (status === 204 || status === 304) return { kind: 'length', left: 0 }
  throw new Error('the answer has neither a length nor chunks')
}

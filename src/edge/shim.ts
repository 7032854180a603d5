// Lets LIST, SCAN and HELP, which Node's HTTP/1.1 parser refuses, through it under names of the same length that nothing here accepts.
import type { Socket } from 'node:net'

const STAND_INS: Readonly<Record<string, string>> = { 'LIST ': 'LINK', 'SCAN ': 'BIND', 'HELP ': 'COPY' }
const TOKENS = Object.keys(STAND_INS)
const TOKEN_BYTES = 5
/** Pieces that one read is cut into at most: pipelined verbs past it meet the parser's refusal. */
const MAX_CUTS = 32

/** As Node's server leaves it on the socket. */
interface Parser {
  incoming: { complete: boolean } | null
  constructor: { kOnMessageBegin: number }
  [slot: number]: (() => void) | null
}

export type ParsedSocket = Socket & { parser?: Parser | null }

export interface Shim {
  /** The verb that the message now being parsed was sent with, where it wasn't the parser's. */
  readonly verb: string | undefined
  /** True between messages. */
  readonly idle: boolean
  /** What still arrives is dropped unread. */
  stop(): void
}

/**
 * Puts itself between a socket and its parser. Only the four letters at the very start of a message are ever changed, and only the
 * parser says where messages start: a read that may hold several is fed to it in pieces, cut before each place where one could start.
 * Lengths never change, so the framing that the parser sees is the one that was sent.
 */
export function openShim(socket: ParsedSocket): Shim {
  const parser = socket.parser as Parser
  const feed = socket.listeners('data')[0] as (piece: Buffer) => void
  const state = { verb: undefined as string | undefined, idle: true, stopped: false }
  let next: string | undefined
  let before: Parser['incoming'] = null
  let held: Buffer | undefined

  parser[parser.constructor.kOnMessageBegin] = () => {
    state.idle = false
    state.verb = next
    next = undefined
    before = parser.incoming
  }

  /** The parser copies what it hands on, so what it has read is wiped: a body may hold a key share. */
  function pass(piece: Buffer): void {
    feed(piece)
    piece.fill(0)
    if (!state.idle && parser.incoming !== before && parser.incoming?.complete) state.idle = true
  }

  function onData(read: Buffer): void {
    const chunk = held ? Buffer.concat([held, read]) : read
    held = undefined
    for (let from = 0, cuts = 0; from < chunk.length && !state.stopped && socket.parser === parser; cuts++) {
      if (state.idle && isStartOfToken(chunk, from)) {
        held = chunk.subarray(from)
        return
      }
      const to = cuts < MAX_CUTS && !isOneHead(chunk, from, state.idle) ? nextCut(chunk, from + 1) : chunk.length
      if (state.idle) next = rewrite(chunk, from)
      pass(chunk.subarray(from, to))
      from = to
      if (from < chunk.length && socket.isPaused()) {
        socket.unshift(chunk.subarray(from)) // answers are backed up: the parser takes no more until they have left
        return
      }
    }
  }

  socket.removeListener('data', feed)
  socket.on('data', onData)
  return {
    get verb() {
      return state.verb
    },
    get idle() {
      return state.idle
    },
    stop() {
      state.stopped = true
    },
  }
}

/** Puts the stand-in over a verb of ours that starts at `at`, and tells which it was. */
function rewrite(chunk: Buffer, at: number): string | undefined {
  const token = chunk.toString('latin1', at, at + TOKEN_BYTES)
  const standIn = STAND_INS[token]
  if (standIn === undefined) return undefined
  chunk.write(standIn, at, 'latin1')
  return token.trimEnd()
}

/** The ordinary read: one message without a body, and nothing after it. */
function isOneHead(chunk: Buffer, from: number, idle: boolean): boolean {
  return idle && from === 0 && chunk.indexOf('\r\n\r\n') === chunk.length - 4
}

/** The next place, at or after `from`, where a message with one of our verbs could start; the end where there is none. */
function nextCut(chunk: Buffer, from: number): number {
  let nearest = chunk.length
  for (const token of TOKENS) {
    const at = chunk.indexOf(token, from, 'latin1')
    if (at >= 0 && at < nearest) nearest = at
  }
  if (nearest < chunk.length) return nearest
  for (let at = Math.max(from, chunk.length - TOKEN_BYTES + 1); at < chunk.length; at++) if (isStartOfToken(chunk, at)) return at
  return chunk.length
}

/** True where the rest of the chunk is the beginning of a token, whose end has yet to arrive. */
function isStartOfToken(chunk: Buffer, from: number): boolean {
  if (chunk.length - from >= TOKEN_BYTES) return false
  const rest = chunk.toString('latin1', from)
  return TOKENS.some((token) => token.startsWith(rest))
}

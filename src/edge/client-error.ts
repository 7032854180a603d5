// What a client gets whose bytes the parser gave up on: a plain answer, where none is under way, and the end of the connection.
import { Fault } from '../base/fault.ts'
import type { Answer } from '../contract/answer.ts'
import type { Connection } from './connection.ts'
import { refusalAnswer, toHeaders } from './respond.ts'
import type { Door } from './serve.ts'

/** Faults of the parser and of Node's server by their codes; every other `HPE_…` is `invalid`. */
const CODES: Readonly<Record<string, Fault>> = {
  HPE_HEADER_OVERFLOW: new Fault('headers-too-large', 'request head is too large'),
  HPE_CHUNK_EXTENSIONS_OVERFLOW: new Fault('too-large', 'chunk extensions are too large'),
  ERR_HTTP_REQUEST_TIMEOUT: new Fault('timeout', 'request arrived too slowly'),
}

const REASONS: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  408: 'Request Timeout',
  413: 'Payload Too Large',
  429: 'Too Many Requests',
  431: 'Request Header Fields Too Large',
}

/** The fault behind an error event of a connection; undefined where the connection itself is gone. */
export function toClientFault(code: string | undefined): Fault | undefined {
  if (code === undefined) return undefined
  return CODES[code] ?? (code.startsWith('HPE_') ? new Fault('invalid', 'malformed request') : undefined)
}

/** Reads no more, answers what must be answered, and closes. */
export function breakOff({ limits, timers, fixed }: Pick<Door, 'limits' | 'timers' | 'fixed'>, connection: Connection, fault: Fault): void {
  connection.state = 'broken'
  connection.shim.stop()
  if (connection.refuseBody) return connection.refuseBody(fault)
  if (connection.pending > 0) return // their answers come first, and they close
  const { socket } = connection
  if (socket.writable) socket.end(toBytes(refusalAnswer(fault), fixed(fault.status)))
  socket.once(
    'close',
    timers.after(limits.lingerMs, () => socket.destroy()),
  )
}

function toBytes(answer: Answer, fixed: readonly string[]): Buffer {
  const headers = toHeaders(answer, fixed, undefined, true)
  let head = `HTTP/1.1 ${answer.status} ${REASONS[answer.status]}\r\n`
  for (let i = 0; i < headers.length; i += 2) head += `${headers[i]}: ${headers[i + 1]}\r\n`
  return Buffer.concat([Buffer.from(`${head}\r\n`, 'latin1'), answer.body])
}

// Turns an answer into a response: headers, framing, and the wiping of bodies that must not linger in memory.
import { Fault, type FaultCode } from '../base/fault.ts'
import { type Answer, faultAnswer } from '../contract/answer.ts'
import { METHODS } from './ask.ts'
import { type Exchange, isGone } from './exchange.ts'

const JSON_TYPE = 'application/json'
/** Up to here copying a body costs less than a write of its own. */
const SMALL = 16 << 10

/** A 405 says which methods there are (RFC 9110 §15.5.6); who came when it was full may try again (§10.2.3). */
const EXTRA: Partial<Record<FaultCode, Answer['headers']>> = {
  unsupported: { Allow: METHODS },
  throttled: { 'Retry-After': '1' },
  unavailable: { 'Retry-After': '1' },
}

/** A refusal by the edge itself. */
export function refusalAnswer(fault: Fault): Answer {
  return { ...faultAnswer(fault), headers: EXTRA[fault.code] ?? {} }
}

/** What a client learns of an error that is a bug: nothing. */
export const INTERNAL = faultAnswer(new Fault('internal', 'internal error'))

/** The flat header list of an answer. `close` ends the connection after it. */
export function toHeaders(answer: Answer, fixed: readonly string[], namespace: string | undefined, close: boolean): string[] {
  const headers: string[] = []
  if (answer.status !== 204) {
    if (answer.headers['Content-Type'] === undefined) headers.push('Content-Type', JSON_TYPE)
    if (!answer.chunks) headers.push('Content-Length', String(answer.body.length))
  }
  for (const name in answer.headers) headers.push(name, answer.headers[name] as string)
  for (let i = 0; i < fixed.length; i += 2) {
    const name = fixed[i] as string
    if (answer.headers[name] === undefined) headers.push(name, fixed[i + 1] as string)
  }
  if (namespace !== undefined) headers.push('X-Vault-Namespace', namespace)
  if (close) headers.push('Connection', 'close')
  return headers
}

/** Sends head and body. Throws where a header can't be sent; nothing has been sent then. */
export function respond(exchange: Exchange, answer: Answer, headers: string[]): void {
  const { res, isHead } = exchange
  const { status, body } = answer
  if (answer.stream) return res.stream?.(answer.stream)
  if (answer.wipe) wipeOnceSent(exchange, body)
  res.writeHead(status, headers)
  if (isHead || status === 204) res.end()
  else if (answer.wipe || body.length > SMALL) res.end(body)
  else res.end(body.toString('latin1'), 'latin1') // one string of text leaves in one write with the head
}

function wipeOnceSent(exchange: Exchange, body: Buffer): void {
  if (isGone(exchange)) body.fill(0)
  else exchange.res.once('close', () => body.fill(0))
}

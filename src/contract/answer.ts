// What the pipeline hands back to the edge: an answer whose bytes are settled.
import type { OpenStream } from './reply.ts'
import type { Fault } from '../base/fault.ts'

/**
 * Headers without framing (`Content-Length`, `Connection`), which is the edge's; without a `Content-Type` a body is JSON.
 * @example { status: 200, headers: {}, body: Buffer.from('{"keys":[]}') }
 */
export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  /** Empty for an answer without a body (204). */
  readonly body: Buffer
  /** The body is zeroed once it was handed to the system. */
  readonly wipe?: boolean
  /** Of 101: what the connection carries from now on. */
  readonly stream?: OpenStream
  /** What is sent instead of the body, as it comes. An error in it cuts the connection, so that nobody takes a part for the whole. */
  readonly chunks?: AsyncIterable<Uint8Array>
}

/** `{"errors":[…]}` with the fault's status. */
export function faultAnswer(fault: Fault): Answer {
  return { status: fault.status, headers: {}, body: Buffer.from(JSON.stringify({ errors: fault.errors })) }
}

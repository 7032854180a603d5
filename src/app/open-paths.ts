// What a listener answers to anybody, because its configuration says so: whatever the state of the seal, and without an audit record.
import { type Answer, faultAnswer } from '../contract/answer.ts'
import type { Received } from '../contract/call.ts'
import { Fault } from '../base/fault.ts'
import { answerOf } from '../pipeline/envelope.ts'
import { inFlightReply, metricsReply, type ServerPort } from '../sys/server.ts'
import type { OpenPath } from './config/listener.ts'

type Handle = (received: Received) => Promise<Answer>

/** All else, and requests with a token, go the way of every request. */
export function withOpenPaths(handle: Handle, open: readonly OpenPath[], server: ServerPort): Handle {
  if (open.length === 0) return handle
  return async (received) => {
    const path = open.find((one) => one === received.path)
    if (path === undefined || received.verb !== 'read' || received.token || received.namespace !== '') return handle(received)
    try {
      return answerOf(await replyTo(path, received, server), received.id, undefined, [])
    } catch (error) {
      if (error instanceof Fault) return faultAnswer(error)
      throw error
    }
  }
}

function replyTo(path: OpenPath, { query }: Received, server: ServerPort) {
  const { format = '' } = query
  return path === 'sys/metrics' ? metricsReply(server, typeof format === 'string' ? format : '') : inFlightReply(server)
}

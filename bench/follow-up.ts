// A request that takes up what another one was answered, over the same connection: the two count as one.
import { type Answered, Connection } from './connection.ts'
import type { Target } from './target.ts'

/** The request that follows an answer; undefined where none can. */
export type FollowUp = (body: Buffer) => Buffer | undefined

export interface Sender {
  /** Calls `answered` exactly once, for the last of the requests that were sent. */
  send(request: Buffer, answered: Answered): void
  close(): void
}

export function openSender(target: Target, followUp: FollowUp | undefined): Sender {
  const connection = new Connection(target)
  if (!followUp) return connection
  return {
    send(request, answered) {
      connection.send(request, (status, body) => {
        const next = status >= 200 && status < 300 ? followUp(body) : undefined
        if (next) connection.send(next, answered)
        else answered(status, body)
      })
    },
    close: () => connection.close(),
  }
}

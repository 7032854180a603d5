// One round of HTTP requests against a server, in a closed or an open loop.
import { startClosedLoop } from './closed-loop.ts'
import type { FollowUp } from './follow-up.ts'
import type { Load, Outcome } from './load.ts'
import { measure, type Sample, type Times } from './measure.ts'
import { startOpenLoop } from './open-loop.ts'
import type { Target } from './target.ts'

export interface Shape extends Times {
  readonly connections: number
  /** Requests a second of the open loop; without it the loop is closed. */
  readonly rate?: number | undefined
}

/** Sends `requests` round and round, each with its follow-up. */
export function measureHttp(target: Target, requests: readonly Buffer[], shape: Shape, followUp?: FollowUp): Promise<Sample> {
  const { connections, rate } = shape
  let sent = 0
  const next = (): Buffer => requests[sent++ % requests.length] as Buffer
  const start = (outcome: Outcome): Load =>
    rate === undefined
      ? startClosedLoop(target, connections, next, outcome, followUp)
      : startOpenLoop(target, connections, rate, next, outcome, followUp)
  return measure(target, start, shape)
}

// The closed loop: N connections, each sending its next request as soon as its last one was answered.
import { setTimeout as sleep } from 'node:timers/promises'
import { type FollowUp, openSender, type Sender } from './follow-up.ts'
import type { Load, Outcome } from './load.ts'
import type { Target } from './target.ts'

/** A connection that was refused waits this long, so that a dead server does not keep the driver spinning. */
const REDIAL_MILLISECONDS = 20

/** Sends what `next` gives until it gives undefined or the load is stopped. */
export function startClosedLoop(target: Target, connections: number, next: () => Buffer | undefined, outcome: Outcome, followUp?: FollowUp): Load {
  let stopped = false
  const lanes = Array.from({ length: connections }, () => runLane(openSender(target, followUp), () => (stopped ? undefined : next()), outcome))
  const finished = Promise.all(lanes).then(() => undefined)
  return {
    finished,
    waiting: () => [],
    stop: () => {
      stopped = true
      return finished
    },
  }
}

function runLane(connection: Sender, next: () => Buffer | undefined, outcome: Outcome): Promise<void> {
  return new Promise((resolve) => {
    const step = (): void => {
      const request = next()
      if (request === undefined) {
        connection.close()
        return resolve()
      }
      const sent = performance.now()
      connection.send(request, (status, body) => {
        outcome(status, body, sent)
        if (status === 0) void sleep(REDIAL_MILLISECONDS).then(step)
        else step()
      })
    }
    step()
  })
}

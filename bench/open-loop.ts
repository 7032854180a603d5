// The open loop: requests fall due at a fixed rate, whatever the server does, and latency counts from when they were due.
import { type FollowUp, openSender } from './follow-up.ts'
import type { Load, Outcome } from './load.ts'
import type { Target } from './target.ts'

const TICK_MILLISECONDS = 1

export function startOpenLoop(target: Target, connections: number, rate: number, next: () => Buffer, outcome: Outcome, followUp?: FollowUp): Load {
  const free = Array.from({ length: connections }, () => openSender(target, followUp))
  const due = new Fifo()
  const started = performance.now()
  let arrived = 0
  let stopped = false
  let finish: () => void = () => undefined
  const finished = new Promise<void>((resolve) => {
    finish = resolve
  })

  const settle = (): void => {
    if (!stopped || free.length < connections) return
    for (const connection of free) connection.close()
    finish()
  }
  const dispatch = (): void => {
    while (!stopped && due.length > 0) {
      const connection = free.pop()
      if (connection === undefined) return
      const since = due.take()
      connection.send(next(), (status, body) => {
        outcome(status, body, since)
        free.push(connection)
        // A refused connection waits for the next tick, so that a dead server does not empty the queue at once.
        if (status !== 0) dispatch()
        settle()
      })
    }
  }
  const clock = setInterval(() => {
    const elapsed = performance.now() - started
    for (; (arrived * 1000) / rate <= elapsed; arrived++) due.add(started + (arrived * 1000) / rate)
    dispatch()
  }, TICK_MILLISECONDS)

  return {
    finished,
    waiting: () => due.rest(),
    stop: () => {
      stopped = true
      clearInterval(clock)
      settle()
      return finished
    },
  }
}

/** A queue whose take() costs the same however long it has grown. */
class Fifo {
  #items: number[] = []
  #head = 0

  get length(): number {
    return this.#items.length - this.#head
  }

  add(item: number): void {
    this.#items.push(item)
  }

  take(): number {
    const item = this.#items[this.#head++] ?? 0
    if (this.#head > 4096 && this.#head * 2 > this.#items.length) {
      this.#items = this.#items.slice(this.#head)
      this.#head = 0
    }
    return item
  }

  rest(): readonly number[] {
    return this.#items.slice(this.#head)
  }
}

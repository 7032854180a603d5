// One round: load a server, let it warm up, and measure a window of the steady state.
import { setTimeout as sleep } from 'node:timers/promises'
import { startClosedLoop } from './closed-loop.ts'
import type { FollowUp } from './follow-up.ts'
import { Histogram } from './histogram.ts'
import type { Load } from './load.ts'
import { startOpenLoop } from './open-loop.ts'
import { usageOf } from './process-tree.ts'
import type { Target } from './target.ts'

export interface Shape {
  readonly connections: number
  readonly warmupSeconds: number
  readonly seconds: number
  /** Requests a second of the open loop; without it the loop is closed. */
  readonly rate?: number
}

export interface Sample {
  readonly perSecond: number
  readonly p50: number
  readonly p99: number
  readonly p999: number
  readonly errors: number
  readonly firstError: string | undefined
  /** Of the server's process tree; undefined without its pid. */
  readonly cpuMicrosecondsPerRequest: number | undefined
  readonly rssBytes: number | undefined
  readonly pssBytes: number | undefined
  /** Share of one core that this driver took. */
  readonly driverCpu: number
}

/** A backlog this old is no ripple at the end of the window: the rate was not sustained. */
const OVERDUE_MILLISECONDS = 1000

/** Sends `requests` round and round, each with its follow-up; latencies come back in milliseconds. */
export async function measure(target: Target, requests: readonly Buffer[], shape: Shape, followUp?: FollowUp): Promise<Sample> {
  const window = new Window()
  let sent = 0
  const next = (): Buffer => requests[sent++ % requests.length] as Buffer
  const outcome = window.record.bind(window)
  const load =
    shape.rate === undefined
      ? startClosedLoop(target, shape.connections, next, outcome, followUp)
      : startOpenLoop(target, shape.connections, shape.rate, next, outcome, followUp)
  await sleep(shape.warmupSeconds * 1000)
  const before = readMeters(target)
  window.open()
  await sleep(shape.seconds * 1000)
  window.close(load)
  const after = readMeters(target)
  await load.stop()
  return toSample(window, before, after)
}

/** Counts what is answered between open() and close(). */
class Window {
  readonly latencies = new Histogram()
  answered = 0
  errors = 0
  firstError: string | undefined
  #open = false

  open(): void {
    this.#open = true
  }

  record(status: number, body: Buffer, since: number): void {
    if (!this.#open) return
    this.latencies.record((performance.now() - since) * 1000)
    this.answered++
    if (status < 200 || status > 299) this.fail(status === 0 ? body.toString() : `${status} ${body.toString('utf8', 0, 200).trim()}`)
  }

  fail(reason: string): void {
    this.errors++
    this.firstError ??= reason
  }

  /** What still waits for a connection is at least as slow as it is old: a server that stalls must not look fast. */
  close(load: Load): void {
    const now = performance.now()
    for (const since of load.waiting()) {
      this.latencies.record((now - since) * 1000)
      if (now - since > OVERDUE_MILLISECONDS) this.fail('never sent: at the end it had waited over a second for a free connection')
    }
    this.#open = false
  }
}

function readMeters({ pid }: Target) {
  const { user, system } = process.cpuUsage()
  return { at: performance.now(), driverSeconds: (user + system) / 1e6, server: pid === undefined ? undefined : usageOf(pid) }
}

type Meters = ReturnType<typeof readMeters>

function toSample(window: Window, before: Meters, after: Meters): Sample {
  const seconds = (after.at - before.at) / 1000
  const cpuSeconds = before.server && after.server && after.server.cpuSeconds - before.server.cpuSeconds
  const milliseconds = (fraction: number): number => window.latencies.quantile(fraction) / 1000
  return {
    perSecond: window.answered / seconds,
    p50: milliseconds(0.5),
    p99: milliseconds(0.99),
    p999: milliseconds(0.999),
    errors: window.errors,
    firstError: window.firstError,
    cpuMicrosecondsPerRequest: cpuSeconds === undefined || window.answered === 0 ? undefined : (cpuSeconds * 1e6) / window.answered,
    rssBytes: after.server?.rssBytes,
    pssBytes: after.server?.pssBytes,
    driverCpu: (after.driverSeconds - before.driverSeconds) / seconds,
  }
}

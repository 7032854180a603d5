// One round: load a server, let it warm up, and measure a window of the steady state.
import { setTimeout as sleep } from 'node:timers/promises'
import { Histogram } from './histogram.ts'
import type { Load, Outcome } from './load.ts'
import { usageOf } from './process-tree.ts'

export interface Times {
  readonly warmupSeconds: number
  readonly seconds: number
}

/** Whose CPU and memory are measured. */
export interface Measured {
  /** The (parent) process, when it runs on this machine. */
  readonly pid?: number
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

/** Latencies come back in milliseconds. */
export async function measure(server: Measured, start: (outcome: Outcome) => Load, times: Times): Promise<Sample> {
  const window = new Window()
  const load = start(window.record.bind(window))
  await sleep(times.warmupSeconds * 1000)
  const before = readMeters(server)
  window.open()
  await sleep(times.seconds * 1000)
  window.close(load)
  const after = readMeters(server)
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

function readMeters({ pid }: Measured) {
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

// Somebody else who uses the server, in a thread of its own: whoever drives thousands of agents is no clock to be relied on.
import { setTimeout as sleep } from 'node:timers/promises'
import { parentPort, Worker, workerData } from 'node:worker_threads'
import { Histogram } from './histogram.ts'

export interface Seen {
  /** When the first answer came, as in performance.timeOrigin + performance.now(). */
  readonly firstAt: number
  /** Milliseconds. */
  readonly half: number
  readonly most: number
}

const PAUSE_MS = 20

/** Asks from now on, again and again; `stop` says what came of it. */
export function probe(url: string, token: string): { stop(): Promise<Seen> } {
  const thread = new Worker(new URL(import.meta.url), { workerData: { url, token } })
  return {
    stop: () =>
      new Promise((resolve, reject) => {
        thread.once('message', resolve).once('error', reject)
        thread.postMessage('stop')
      }),
  }
}

async function run({ url, token }: { readonly url: string; readonly token: string }): Promise<void> {
  const latencies = new Histogram()
  let firstAt = 0
  let over = false
  parentPort?.once('message', () => {
    over = true
  })
  while (!over) {
    const asked = performance.now()
    const answered = await fetch(url, { headers: { 'X-Vault-Token': token } }).then(
      ({ ok }) => ok,
      () => false,
    )
    const now = performance.now()
    if (answered) {
      firstAt ||= performance.timeOrigin + now
      latencies.record((now - asked) * 1000)
    }
    await sleep(PAUSE_MS)
  }
  parentPort?.postMessage({ firstAt, half: latencies.quantile(0.5) / 1000, most: latencies.quantile(0.99) / 1000 } satisfies Seen)
}

if (parentPort) await run(workerData)

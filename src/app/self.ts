// What a process measures of itself.
import { monitorEventLoopDelay } from 'node:perf_hooks'
import type { Self } from '../telemetry/metrics.ts'
import { ports } from './ports.ts'

export function openSelf(): Self {
  const delay = monitorEventLoopDelay({ resolution: 20 })
  delay.enable()
  return {
    monotonic: ports.clock.monotonic,
    residentBytes: () => process.memoryUsage.rss(),
    heapBytes: () => process.memoryUsage().heapUsed,
    lagMs() {
      const longest = delay.max / 1e6 // nanoseconds
      delay.reset()
      return longest
    },
  }
}

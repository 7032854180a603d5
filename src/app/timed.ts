// Tells how long each op took, by what it did and at which mount.
import type { Clock } from '../base/ports.ts'
import type { openRun } from '../pipeline/run.ts'
import type { Metrics } from '../telemetry/metrics.ts'

type Ready = ReturnType<typeof openRun>

export function timed(ready: Ready, clock: Clock, metrics: Metrics): Ready {
  return (call, mount, module, target) => {
    const running = ready(call, mount, module, target)
    return {
      ...running,
      async run() {
        const from = clock.monotonic()
        try {
          return await running.run()
        } finally {
          metrics.route(call.verb, mount.path, from)
        }
      },
    }
  }
}

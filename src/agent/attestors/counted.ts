// An attestor of which every look at a process is counted, with how long it took.
import type { Clock } from '../../base/ports.ts'
import type { AgentMeter } from '../../telemetry/agent-metrics.ts'
import type { WorkloadAttestor } from './attestor.ts'

export function counted(
  attestor: WorkloadAttestor,
  { clock, meter }: { clock: Pick<Clock, 'monotonic'>; meter: Pick<AgentMeter, 'attested'> },
): WorkloadAttestor {
  return {
    ...attestor,
    async attest(process) {
      const from = clock.monotonic()
      const end = (well: boolean) => meter.attested(attestor.type, well, clock.monotonic() - from)
      try {
        const values = await attestor.attest(process)
        end(true)
        return values
      } catch (error) {
        end(false)
        throw error
      }
    },
  }
}

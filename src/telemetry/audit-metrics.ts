// What audit counts: records by kind, refusals by device, and what remote sinks have not taken.
import type { Meters, Timing } from './meters.ts'

export interface AuditMetrics {
  recorded(kind: 'request' | 'response', kept: boolean, milliseconds: number): void
  deviceFailed(path: string): void
  mishap(path: string, what: string): void
  missed(): void
  /** Where the state of the devices is read from when somebody asks; undefined for nowhere. */
  watch(source: (() => readonly DeviceState[]) | undefined): void
}

export interface DeviceState {
  readonly path: string
  /** Why the last record was not kept. */
  readonly failing: string | undefined
  /** Bytes that wait for a remote sink. */
  readonly spooled?: number
}

export function openAuditMetrics(meters: Meters): AuditMetrics {
  const times: Record<'request' | 'response', Timing> = {
    request: meters.timing('vault_audit_log_request'),
    response: meters.timing('vault_audit_log_response'),
  }
  const failed = { request: meters.counter('vault_audit_log_request_failure'), response: meters.counter('vault_audit_log_response_failure') }
  const byDevice = meters.counter('vault_audit_device_failure')
  const mishaps = meters.counter('vault_audit_file_mishap')
  const misses = meters.counter('vault_audit_fallback_miss')
  return {
    recorded(kind, kept, milliseconds) {
      times[kind].count++
      times[kind].sum += milliseconds
      if (!kept) failed[kind].inc()
    },
    deviceFailed: (device) => byDevice.inc({ device }),
    mishap: (device, what) => mishaps.inc({ device, what }),
    missed: () => misses.inc(),
    watch: stateGauges(meters),
  }
}

function stateGauges(meters: Meters): AuditMetrics['watch'] {
  let states: () => readonly DeviceState[] = () => []
  const gauge = (name: 'vault_audit_device_failing' | 'vault_audit_spool_bytes', value: (state: DeviceState) => number) =>
    meters.gauge(name, (one) => {
      one.reset()
      for (const state of states()) one.set({ device: state.path }, value(state))
    })
  gauge('vault_audit_device_failing', ({ failing }) => (failing === undefined ? 0 : 1))
  gauge('vault_audit_spool_bytes', ({ spooled }) => spooled ?? 0)
  return (source) => {
    states = source ?? (() => [])
  }
}

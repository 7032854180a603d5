// What an agent counts, and what is read of it when somebody asks.
import { AGENT_METRICS } from './agent-catalog.ts'
import { exposition } from './exposition.ts'
import { type Meters, openMeters } from './meters.ts'
import type { Self } from './metrics.ts'

/** What happens in an agent. */
export interface AgentMeter {
  /** An SVID of this kind came, in the place of another or not. */
  made(kind: string, why: 'first' | 'renewal'): void
  notMade(kind: string): void
  /** At the server. */
  looked(well: boolean): void
  attested(attestor: string, well: boolean, milliseconds: number): void
  connectionRefused(): void
  /** A call began; the result is to be called with its gRPC code. */
  call(service: string, method: string): (code: number) => void
}

/** How an agent is now. */
export interface AgentState {
  readonly ready: boolean
  readonly identitySeconds: number
  readonly syncAgeSeconds: number
  readonly entries: number
  readonly bundles: number
  readonly svids: Readonly<Record<string, number>>
  readonly connections: number
}

export interface AgentMetrics extends AgentMeter {
  /** In Prometheus' text format, with the state of now. */
  text(state: AgentState): Promise<string>
}

export interface AgentSelf extends Self {
  openFiles(): number
}

/** Counts nothing. */
export const noMeter: AgentMeter = {
  made() {},
  notMade() {},
  looked() {},
  attested() {},
  connectionRefused() {},
  call: () => () => {},
}

/** By number, as gRPC names them. */
const CODES = [
  ...['OK', 'CANCELLED', 'UNKNOWN', 'INVALID_ARGUMENT', 'DEADLINE_EXCEEDED', 'NOT_FOUND', 'ALREADY_EXISTS', 'PERMISSION_DENIED'],
  ...['RESOURCE_EXHAUSTED', 'FAILED_PRECONDITION', 'ABORTED', 'OUT_OF_RANGE', 'UNIMPLEMENTED', 'INTERNAL', 'UNAVAILABLE', 'DATA_LOSS'],
  'UNAUTHENTICATED',
]

const result = (well: boolean) => (well ? 'ok' : 'failed')

export function openAgentMetrics(self: AgentSelf): AgentMetrics {
  const meters = openMeters(AGENT_METRICS)
  const [made, notMade] = [meters.counter('signet_agent_svid_made'), meters.counter('signet_agent_svid_failure')]
  const looks = meters.counter('signet_agent_sync')
  const refused = meters.counter('signet_agent_connection_refused')
  const [attestations, took] = [meters.counter('signet_agent_attestation'), meters.counter('signet_agent_attestation_ms')]
  const [calls, inFlight] = [meters.counter('signet_agent_request'), meters.gauge('signet_agent_in_flight')]
  const show = openGauges(meters, self)
  return {
    made: (kind, why) => made.inc({ kind, why }),
    notMade: (kind) => notMade.inc({ kind }),
    looked: (well) => looks.inc({ result: result(well) }),
    attested(attestor, well, milliseconds) {
      attestations.inc({ attestor, result: result(well) })
      took.inc({ attestor }, milliseconds)
    },
    connectionRefused: () => refused.inc(),
    call(service, method) {
      inFlight.inc({ service, method })
      return (code) => {
        inFlight.dec({ service, method })
        calls.inc({ service, method, code: CODES[code] ?? String(code) })
      }
    },
    async text(state) {
      show(state)
      return exposition([await meters.snapshot()])
    },
  }
}

function openGauges(meters: Meters<typeof AGENT_METRICS>, self: AgentSelf): (state: AgentState) => void {
  const ready = meters.gauge('signet_agent_ready')
  const identity = meters.gauge('signet_agent_identity_seconds')
  const age = meters.gauge('signet_agent_sync_age_seconds')
  const entries = meters.gauge('signet_agent_entries')
  const bundles = meters.gauge('signet_agent_bundles')
  const svids = meters.gauge('signet_agent_svids')
  const connections = meters.gauge('signet_agent_connections')
  meters.gauge('signet_agent_open_files', (gauge) => gauge.set(self.openFiles()))
  meters.gauge('signet_agent_resident_bytes', (gauge) => gauge.set(self.residentBytes()))
  meters.gauge('signet_agent_heap_bytes', (gauge) => gauge.set(self.heapBytes()))
  meters.gauge('signet_event_loop_lag_ms', (gauge) => gauge.set(self.lagMs()))
  return (state) => {
    ready.set(state.ready ? 1 : 0)
    identity.set(state.identitySeconds)
    age.set(state.syncAgeSeconds)
    entries.set(state.entries)
    bundles.set(state.bundles)
    for (const [kind, count] of Object.entries(state.svids)) svids.set({ kind }, count)
    connections.set(state.connections)
  }
}

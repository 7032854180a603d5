// Every metric of an agent, declared once as those of the server are. No label says who a workload is.
import type { MetricSpec } from './catalog.ts'

export const AGENT_METRICS = {
  signet_agent_ready: { kind: 'gauge', help: '1 while it can answer for workloads.' },
  signet_agent_identity_seconds: { kind: 'gauge', help: "Seconds until the agent's own SVID ends; 0 where it has none." },
  signet_agent_sync: { kind: 'counter', help: 'Looks at the server, by how they went.', labels: ['result'] },
  signet_agent_sync_age_seconds: { kind: 'gauge', help: 'Seconds since the last look that went well, or since the start.' },
  signet_agent_entries: { kind: 'gauge', help: 'Entries that it may act for.' },
  signet_agent_bundles: { kind: 'gauge', help: 'Bundles that it holds: of its trust domain, and of those federated with.' },
  signet_agent_svids: { kind: 'gauge', help: 'SVIDs of workloads that it holds, by kind.', labels: ['kind'] },
  signet_agent_svid_made: { kind: 'counter', help: 'SVIDs that it got, by kind, and whether they replaced others.', labels: ['kind', 'why'] },
  signet_agent_svid_failure: { kind: 'counter', help: 'SVIDs that the server did not give, by kind.', labels: ['kind'] },
  signet_agent_request: { kind: 'counter', help: 'Calls that are over, by method and gRPC code.', labels: ['service', 'method', 'code'] },
  signet_agent_in_flight: { kind: 'gauge', help: 'Calls that go on; streams most of the time.', labels: ['service', 'method'] },
  signet_agent_connections: { kind: 'gauge', help: 'Processes that are connected to its local sockets.' },
  signet_agent_connection_refused: { kind: 'counter', help: 'Connections to them that were refused.' },
  signet_agent_attestation: { kind: 'counter', help: 'Looks of an attestor at a process, by how they went.', labels: ['attestor', 'result'] },
  signet_agent_attestation_ms: { kind: 'counter', help: 'Milliseconds that they took altogether.', labels: ['attestor'] },
  signet_agent_open_files: { kind: 'gauge', help: 'Open file descriptors: two for each connection.' },
  signet_agent_resident_bytes: { kind: 'gauge', help: 'Resident memory.' },
  signet_agent_heap_bytes: { kind: 'gauge', help: 'Bytes of the JavaScript heap in use.' },
  signet_event_loop_lag_ms: { kind: 'gauge', help: 'The longest delay since the metrics were last read, in milliseconds.' },
} as const satisfies Readonly<Record<string, MetricSpec>>

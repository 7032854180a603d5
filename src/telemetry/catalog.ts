// Every metric of the server, declared once: what is measured under which name, for dashboards, alerts and the reference.

export type MetricKind = 'counter' | 'gauge' | 'histogram' | 'timing'

export interface MetricSpec {
  readonly kind: MetricKind
  readonly help: string
  readonly labels?: readonly string[]
  /** How the values of several processes become one; the sum where nothing is said. */
  readonly across?: 'min' | 'max' | 'first'
}

/** A `timing` is two counters: `<name>_count` and `<name>_sum`, in milliseconds, as Vault's timers count. */
export const METRICS = {
  vault_core_active: { kind: 'gauge', help: '1 while the server is unsealed and serves.', across: 'min' },
  vault_core_unsealed: { kind: 'gauge', help: '1 while every process is unsealed.', across: 'min' },
  vault_core_handle_request: { kind: 'histogram', help: 'Milliseconds from arrival to answer.' },
  vault_core_handle_login_request: { kind: 'histogram', help: 'Milliseconds from arrival to answer, of logins.' },
  vault_core_response: { kind: 'counter', help: 'Answers by status class and verb.', labels: ['status', 'verb'] },
  vault_core_in_flight_requests: { kind: 'gauge', help: 'Requests being handled.' },
  vault_audit_log_request: { kind: 'timing', help: 'Records of requests handed to the audit devices.' },
  vault_audit_log_response: { kind: 'timing', help: 'Records of answers handed to the audit devices.' },
  vault_audit_log_request_failure: { kind: 'counter', help: 'Records of requests that no device kept.' },
  vault_audit_log_response_failure: { kind: 'counter', help: 'Records of answers that no device kept.' },
  vault_audit_device_failure: { kind: 'counter', help: 'Records that a device did not keep.', labels: ['device'] },
  vault_audit_device_failing: { kind: 'gauge', help: 'Processes in which a device did not keep the last record.', labels: ['device'] },
  vault_audit_file_mishap: {
    kind: 'counter',
    help: 'Audit files that were deleted, replaced or cut while they were written.',
    labels: ['device', 'what'],
  },
  vault_audit_fallback_miss: { kind: 'counter', help: 'Records that no filter took, without a fallback device.' },
  vault_audit_spool_bytes: { kind: 'gauge', help: 'Bytes that wait for a remote audit device.', labels: ['device'] },
  vault_token_creation: { kind: 'counter', help: 'Tokens made.' },
  vault_expire_num_leases: { kind: 'gauge', help: 'Leases that are out.' },
  vault_expire_num_irrevocable_leases: { kind: 'gauge', help: 'Leases that could not be taken back.' },
  vault_expire_register: { kind: 'counter', help: 'Leases made.' },
  vault_expire_renew: { kind: 'counter', help: 'Leases renewed.' },
  vault_expire_revoke: { kind: 'counter', help: 'Leases taken back.' },
  vault_expire_lease_expiration_error: { kind: 'counter', help: 'Times that a lease could not be taken back.' },
  vault_barrier_get: { kind: 'timing', help: 'Values read and decrypted.' },
  vault_barrier_list: { kind: 'timing', help: 'Ranges of keys read.' },
  vault_barrier_put: { kind: 'timing', help: 'Commits encrypted and written to the disk.' },
  vault_runtime_alloc_bytes: { kind: 'gauge', help: 'Resident memory of all processes.' },
  vault_runtime_heap_bytes: { kind: 'gauge', help: 'Bytes of the JavaScript heaps in use.' },
  signet_event_loop_lag_ms: { kind: 'gauge', help: 'The longest delay of a process in the last seconds, in milliseconds.', across: 'max' },
  vault_quota_rate_limit_violation: { kind: 'counter', help: 'Requests that a rate limit refused, by its name.', labels: ['name'] },
  signet_edge_refused: { kind: 'counter', help: 'Clients sent away at the door, by why.', labels: ['why'] },
  vault_seal_healthy: { kind: 'gauge', help: '1 for a seal that works, as of when it was last tried.', labels: ['seal', 'type'] },
  signet_workers: { kind: 'gauge', help: 'Worker processes that live.' },
  signet_worker_restarts: { kind: 'counter', help: 'Workers that ended and were replaced.' },
  signet_storage_bytes: { kind: 'gauge', help: 'Size of the database.' },
  signet_storage_free_bytes: { kind: 'gauge', help: 'Free space on its disk.' },
  signet_certificate_seconds: { kind: 'gauge', help: "Seconds until a listener's certificate ends.", labels: ['address'] },
} as const satisfies Readonly<Record<string, MetricSpec>>

/** Timings by operation and mount, made as they occur: `vault_route_read_secret_`. */
export const ROUTE_PREFIX = 'vault_route_'

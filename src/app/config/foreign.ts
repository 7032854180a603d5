// What Signet says to the keys of Vault and OpenBao that it does not have: not needed, or what to do instead.

/** A key of Vault's or OpenBao's. */
export interface Foreign {
  readonly why: string
  /** When it is accepted, with a note: always; only where it is switched off, or on; or never. */
  readonly harmless: 'always' | 'off' | 'on' | 'never'
}

/** What the key asks for holds already, or has no counterpart that anybody could miss. */
export const unneeded = (why: string): Foreign => ({ why, harmless: 'always' })
/** What the key switches on does not exist; switched off it says what is true. */
export const absent = (why: string): Foreign => ({ why, harmless: 'off' })
/** What the key switches on can't be switched off. */
export const settled = (why: string): Foreign => ({ why, harmless: 'on' })
/** Ignoring the key would surprise; the text says what to do. */
export const refused = (why: string): Foreign => ({ why, harmless: 'never' })

const NO_CLUSTER = 'this version does not form clusters; leave it out'
const NO_PLUGINS = 'there are no external plugins; leave it out'
const ONE_LOG = 'the log goes to standard error, for the system to keep and rotate; leave it out'

/** At the top level of a server's configuration. */
export const FOREIGN_TOP: Readonly<Record<string, Foreign>> = {
  backend: refused('write storage "lmdb" { path = "…" }'),
  ha_backend: refused(NO_CLUSTER),
  ha_storage: refused(NO_CLUSTER),
  service_registration: refused('a server does not register itself; point discovery at sys/health'),
  cluster_addr: unneeded('this version does not form clusters'),
  cluster_name: refused('a name is made when the server is initialised; leave it out'),
  cluster_cipher_suites: unneeded('this version does not form clusters'),
  api_addr: unneeded('a server does not redirect its clients'),
  disable_clustering: unneeded('this version does not form clusters'),
  disable_performance_standby: unneeded('this version does not form clusters'),
  disable_standby_reads: unneeded('this version does not form clusters'),
  enable_response_header_raft_node_id: absent(NO_CLUSTER),
  disable_mlock: unneeded('keys lie in locked pages of their own, and nothing else is locked'),
  disable_cache: unneeded('reads come straight from mapped memory'),
  cache_size: unneeded('reads come straight from mapped memory'),
  disable_sealwrap: unneeded('there is no second layer to switch off'),
  disable_indexing: unneeded('there is no index to switch off'),
  disable_sentinel_trace: unneeded('there are no Sentinel policies'),
  detect_deadlocks: unneeded('there are no locks that could wait for each other'),
  disable_printable_check: absent('names with control characters are always refused; leave it out'),
  plugin_directory: refused(NO_PLUGINS),
  plugin: refused(NO_PLUGINS),
  plugin_tmpdir: refused(NO_PLUGINS),
  plugin_file_uid: refused(NO_PLUGINS),
  plugin_file_permissions: refused(NO_PLUGINS),
  plugin_download_behavior: refused(NO_PLUGINS),
  plugin_download_max_size: refused(NO_PLUGINS),
  plugin_auto_download: absent(NO_PLUGINS),
  plugin_auto_register: absent(NO_PLUGINS),
  introspection_endpoint: absent('nobody may look into the process; leave it out'),
  raw_storage_endpoint: absent('what is stored can be reached in recovery mode alone (signet server -recovery); leave it out'),
  enable_multiseal: unneeded('any number of seals may be given'),
  enable_response_header_hostname: absent('an answer does not name the machine; leave it out'),
  default_max_request_duration: refused('write max_request_duration in the listener'),
  imprecise_lease_role_tracking: unneeded('counting is exact and costs nothing'),
  allow_audit_log_prefixing: absent('audit records have no prefix; leave it out'),
  log_requests_level: refused('requests are in the audit trail; leave it out'),
  log_file: refused(ONE_LOG),
  log_rotate_bytes: refused(ONE_LOG),
  log_rotate_duration: refused(ONE_LOG),
  log_rotate_max_files: refused(ONE_LOG),
  pid_file: refused('the system that starts the server knows its process; leave it out'),
  ui: absent('this version has no web interface; leave it out'),
  initialize: refused('initialise with "signet operator init", and apply policies with a client; leave it out'),
  unsafe_cross_namespace_identity: absent('an identity stays within its namespace; leave it out'),
  allow_unauthenticated_workflows: absent('there are no workflows; leave it out'),
  unsafe_relative_paths: absent('paths with ".." are always refused; leave it out'),
  license_path: refused('there are no licences; leave it out'),
  reporting: refused('nothing is reported to anybody; leave it out'),
  sentinel: refused('there are no Sentinel policies; leave it out'),
  entropy: refused('randomness comes from the kernel; leave it out'),
  replication: refused(NO_CLUSTER),
  experiments: refused('there are no experiments; leave it out'),
  administrative_namespace_path: refused('there is no such namespace; leave it out'),
  enable_post_unseal_trace: absent('there is no such trace; leave it out'),
  kms_library: refused('there are no external plugins; leave it out'),
}

const NO_ACME = 'certificates come from files; name them by tls_cert_file and tls_key_file'

const NOT_BY_LISTENER = 'set it at run time for all listeners, by sys/config/cors'
const NO_PROXIED_CERTIFICATES = 'client certificates come from TLS itself; leave it out'
const ELSEWHERE = 'it belongs to an agent or a proxy'
const PULLED = 'metrics are pulled from sys/metrics; leave it out'

/** In a listener. */
export const FOREIGN_LISTENER: Readonly<Record<string, Foreign>> = {
  cluster_address: unneeded('this version does not form clusters'),
  purpose: refused('every listener serves all of the API'),
  role: refused(ELSEWHERE),
  agent_api: refused(ELSEWHERE),
  proxy_api: refused(ELSEWHERE),
  require_request_header: refused(ELSEWHERE),
  tls_max_version: refused('the newest version of TLS is always offered; leave it out'),
  tls_cipher_suites: refused('only suites with forward secrecy and authenticated encryption are offered; leave it out'),
  tls_prefer_server_cipher_suites: unneeded("the server's order always decides"),
  tls_acme_cache_path: refused(NO_ACME),
  tls_acme_ca_directory: refused(NO_ACME),
  tls_acme_test_ca_directory: refused(NO_ACME),
  tls_acme_ca_root: refused(NO_ACME),
  tls_acme_eab_key_id: refused(NO_ACME),
  tls_acme_eab_mac_key: refused(NO_ACME),
  tls_acme_key_type: refused(NO_ACME),
  tls_acme_email: refused(NO_ACME),
  tls_acme_domains: refused(NO_ACME),
  tls_acme_disable_http_challenge: refused(NO_ACME),
  tls_acme_disable_alpn_challenge: refused(NO_ACME),
  socket_mode: refused('it belongs to listener "unix", which is not offered'),
  socket_user: refused('it belongs to listener "unix", which is not offered'),
  socket_group: refused('it belongs to listener "unix", which is not offered'),
  profiling: refused('nobody may look into the process; leave it out'),
  max_request_duration: refused('a request is answered or fails, and is not cut short; leave it out'),
  max_request_json_memory: refused('max_request_size and max_request_memory bound what a body may cost'),
  max_request_json_strings: refused('how many values a body may hold is bounded already; leave it out'),
  max_json_depth: refused('how deep a body may be nested is bounded already; leave it out'),
  http_write_timeout: refused('slow readers are bounded by max_connections_per_client; leave it out'),
  cors_enabled: absent(NOT_BY_LISTENER),
  cors_allowed_origins: refused(NOT_BY_LISTENER),
  cors_allowed_headers: refused(NOT_BY_LISTENER),
  cors_allow_credentials: absent(NOT_BY_LISTENER),
  disable_unauthed_rekey_endpoints: settled('rekeying always needs a token or a key share; leave it out'),
  disable_unauthed_generate_root_endpoints: settled('making a root token always needs a token or a key share; leave it out'),
  x_forwarded_for_client_cert_header: refused(NO_PROXIED_CERTIFICATES),
  x_forwarded_for_client_cert_decoders: refused(NO_PROXIED_CERTIFICATES),
  x_forwarded_for_client_cert_keep_not_forwarded: absent(NO_PROXIED_CERTIFICATES),
  x_forwarded_for_client_cert_keep_unauthorized: absent(NO_PROXIED_CERTIFICATES),
}

/** In the telemetry of a listener. */
export const FOREIGN_LISTENER_TELEMETRY: Readonly<Record<string, Foreign>> = {
  disallow_metrics: absent('policy says who reads sys/metrics; leave it out'),
  metrics_only: absent('every listener serves all of the API'),
  metrics_path: refused('they are at /v1/sys/metrics; leave it out'),
}

/** In the telemetry stanza: whatever pushes metrics elsewhere, or shapes what is pushed. */
export const FOREIGN_TELEMETRY: Readonly<Record<string, Foreign>> = {
  prometheus_retention_time: unneeded('metrics are there from the start and do not go'),
  disable_hostname: unneeded('no metric names the machine'),
  enable_hostname_label: absent('no metric names the machine; Prometheus adds the instance'),
  usage_gauge_period: unneeded('what is counted is counted when it is asked for'),
  maximum_gauge_cardinality: unneeded('labels are few'),
  lease_metrics_epsilon: unneeded('leases are not counted by the time that they end'),
  num_lease_metrics_buckets: unneeded('leases are not counted by the time that they end'),
  add_lease_metrics_namespace_labels: absent('leases are not counted by namespace'),
  filter_default: unneeded('Prometheus drops what it does not want'),
  prefix_filter: unneeded('Prometheus drops what it does not want'),
  metrics_prefix: refused('names are those that dashboards for Vault know; leave it out'),
  statsd_address: refused(PULLED),
  statsite_address: refused(PULLED),
  dogstatsd_addr: refused(PULLED),
  dogstatsd_tags: refused(PULLED),
  stackdriver_project_id: refused(PULLED),
  stackdriver_location: refused(PULLED),
  stackdriver_namespace: refused(PULLED),
  stackdriver_debug_logs: absent(PULLED),
  ...Object.fromEntries(
    ['api_token', 'api_app', 'api_url', 'submission_interval', 'submission_url', 'check_id', 'check_force_metric_activation']
      .concat(['check_instance_id', 'check_search_tag', 'check_tags', 'check_display_name', 'broker_id', 'broker_select_tag'])
      .map((name) => [`circonus_${name}`, refused(PULLED)]),
  ),
}

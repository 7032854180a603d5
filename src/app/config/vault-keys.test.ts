// Every key that Vault's and OpenBao's servers know gets an answer by name: taken, noted, or refused with what to do.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseConfig } from './config.ts'
import { parseSource } from './read.ts'

const STORAGE = 'storage "lmdb" { path = "/data" }\n'
const LISTENER = 'listener "tcp" { tls_disable = true }\n'

const TOP = `api_addr cache_size cluster_addr cluster_cipher_suites cluster_name default_lease_ttl default_max_request_duration detect_deadlocks
  disable_cache disable_clustering disable_indexing disable_mlock disable_performance_standby disable_printable_check disable_sealwrap
  disable_sentinel_trace disable_standby_reads enable_response_header_hostname enable_response_header_raft_node_id
  imprecise_lease_role_tracking introspection_endpoint log_file log_format log_level log_requests_level log_rotate_bytes
  log_rotate_duration log_rotate_max_files max_lease_ttl pid_file plugin_auto_download plugin_auto_register plugin_directory
  plugin_download_behavior plugin_download_max_size plugin_file_permissions plugin_file_uid plugin_tmpdir raw_storage_endpoint ui
  unsafe_allow_api_audit_creation unsafe_cross_namespace_identity allow_unauthenticated_workflows unsafe_relative_paths license_path
  enable_multiseal experiments administrative_namespace_path enable_post_unseal_trace`

const TOP_BLOCKS = 'ha_storage ha_backend backend service_registration plugin initialize telemetry reporting entropy replication sentinel kms_library'

const IN_LISTENER = `address cluster_address purpose role max_request_size max_request_json_memory max_request_json_strings max_request_duration
  require_request_header tls_disable tls_cert_file tls_key_file tls_min_version tls_max_version tls_cipher_suites
  tls_prefer_server_cipher_suites tls_require_and_verify_client_cert tls_client_ca_file tls_disable_client_certs tls_acme_cache_path
  tls_acme_ca_directory tls_acme_test_ca_directory tls_acme_ca_root tls_acme_eab_key_id tls_acme_eab_mac_key tls_acme_key_type
  tls_acme_email tls_acme_domains tls_acme_disable_http_challenge tls_acme_disable_alpn_challenge http_read_timeout
  http_read_header_timeout http_write_timeout http_idle_timeout proxy_protocol_behavior proxy_protocol_authorized_addrs
  x_forwarded_for_authorized_addrs x_forwarded_for_hop_skips x_forwarded_for_reject_not_present x_forwarded_for_reject_not_authorized
  x_forwarded_for_client_cert_header x_forwarded_for_client_cert_decoders x_forwarded_for_client_cert_keep_not_forwarded
  x_forwarded_for_client_cert_keep_unauthorized socket_mode socket_user socket_group cors_enabled cors_allowed_origins
  cors_allowed_headers cors_allow_credentials disable_unauthed_rekey_endpoints disable_unauthed_generate_root_endpoints`

const LISTENER_BLOCKS = 'telemetry profiling inflight_requests_logging agent_api proxy_api custom_response_headers'

const IN_TELEMETRY = `statsite_address statsd_address disable_hostname enable_hostname_label metrics_prefix usage_gauge_period
  maximum_gauge_cardinality circonus_api_token circonus_api_app circonus_api_url circonus_submission_interval circonus_submission_url
  circonus_check_id circonus_check_force_metric_activation circonus_check_instance_id circonus_check_search_tag circonus_check_tags
  circonus_check_display_name circonus_broker_id circonus_broker_select_tag dogstatsd_addr dogstatsd_tags prometheus_retention_time
  stackdriver_project_id stackdriver_location stackdriver_namespace stackdriver_debug_logs lease_metrics_epsilon
  num_lease_metrics_buckets add_lease_metrics_namespace_labels filter_default prefix_filter`

function answer(text: string): string {
  try {
    return parseConfig([parseSource('1.hcl', text)]).notes.join('\n') || 'taken'
  } catch (error) {
    return (error as Error).message
  }
}

const words = (text: string) => text.split(/\s+/).filter(Boolean)

for (const [where, names, text] of [
  ['at the top', TOP, (name: string) => `${STORAGE}${LISTENER}${name} = "x"`],
  ['a stanza at the top', TOP_BLOCKS, (name: string) => `${STORAGE}${LISTENER}${name} { }`],
  ['in a listener', IN_LISTENER, (name: string) => `${STORAGE}listener "tcp" { ${name} = "x" }`],
  ['a stanza in a listener', LISTENER_BLOCKS, (name: string) => `${STORAGE}listener "tcp" { tls_disable = true ${name} { } }`],
  ['in telemetry', IN_TELEMETRY, (name: string) => `${STORAGE}${LISTENER}telemetry { ${name} = "x" }`],
] as const) {
  test(`every key ${where} is known`, () => {
    assert.deepEqual(
      words(names).filter((name) => / is not known/.test(answer(text(name)))),
      [],
    )
  })
}

test('what is off, or on for good, may be said', () => {
  const inListener = (text: string) => answer(`${STORAGE}listener "tcp" {\n tls_disable = true\n ${text}\n}`)
  assert.match(inListener('disable_unauthed_rekey_endpoints = true'), /is not needed: rekeying always needs a token or a key share/)
  assert.match(inListener('disable_unauthed_rekey_endpoints = false'), /is not offered: rekeying always needs a token or a key share/)
  assert.match(inListener('cors_enabled = false'), /is not needed/)
  assert.match(inListener('cors_enabled = true'), /is not offered: set it at run time/)
})

test('a listener answers metrics and requests in flight to anybody where it says so', () => {
  const listener = (text: string) =>
    parseConfig([parseSource('1.hcl', `${STORAGE}listener "tcp" {\n tls_disable = true\n ${text}\n}`)]).config.listeners[0]
  const both =
    'telemetry { unauthenticated_metrics_access = true }\n inflight_requests_logging { unauthenticated_in_flight_requests_access = "true" }'
  assert.deepEqual(listener(both)?.open, ['sys/metrics', 'sys/in-flight-req'])
  assert.equal(listener('telemetry { unauthenticated_metrics_access = false }')?.open, undefined)
  assert.match(answer(`${STORAGE}listener "tcp" { telemetry { } telemetry { } }`), /^1.hcl:2:32: telemetry is set already, at 1.hcl:2:18$/)
})

test('headers of a listener, in HCL and in JSON', () => {
  const expected = { default: { 'X-A': 'a; b' }, '4xx': { 'X-B': 'c' } }
  const hcl = `${STORAGE}listener "tcp" {
    tls_disable = true
    custom_response_headers {
      "default" = { "X-A" = ["a", "b"] }
      "4xx" = { "X-B" = "c" }
    }
  }`
  const json = JSON.stringify({
    storage: { lmdb: { path: '/data' } },
    listener: { tcp: { tls_disable: true, custom_response_headers: { default: { 'X-A': ['a', 'b'] }, '4xx': { 'X-B': ['c'] } } } },
  })
  for (const text of [hcl, json]) {
    const { config } = parseConfig([parseSource('1', text)])
    assert.deepEqual(config.listeners[0]?.headers, expected)
    assert.deepEqual(config.effect.within[1]?.within[0]?.values, expected)
  }
  const twice = '"default" = { "X-A" = ["a"] }\n "default" = { "X-B" = ["b"] }'
  const wrong = (inner: string) => answer(`${STORAGE}listener "tcp" {\n tls_disable = true\n custom_response_headers { ${inner} }\n}`)
  assert.equal(wrong(twice), '1.hcl:5:2: headers of "default" are set already')
  assert.equal(wrong('"default" = 1'), '1.hcl:4:28: "default" must hold headers: { "Name" = ["value"] }')
  assert.equal(wrong('"999" = { "X" = ["a"] }'), '1.hcl:4:2: custom response headers: "999" is not a status, a class such as 4xx, or default')
  assert.equal(wrong('"default" = { "Content-Length" = ["1"] }'), '1.hcl:4:2: custom response headers: "Content-Length" cannot be set')
  assert.equal(wrong('"default" = { "X" = [1] }'), '1.hcl:4:28: the values of "X" must be texts')
})

test('client certificates may be needed, if it is said whose', () => {
  const tls = (text: string) => `${STORAGE}listener "tcp" {\n tls_cert_file = "/c"\n tls_key_file = "/k"\n ${text}\n}`
  const [listener] = parseConfig([parseSource('1', tls('tls_client_ca_file = "/ca"\n tls_require_and_verify_client_cert = true'))]).config.listeners
  assert.deepEqual([listener?.tls?.clientCaFile, listener?.tls?.clientNeeded], ['/ca', true])
  assert.match(answer(tls('tls_require_and_verify_client_cert = true')), /needs tls_client_ca_file$/)
  assert.match(answer(tls('tls_client_ca_file = "/ca"\n tls_disable_client_certs = true')), /contradicts the other keys/)
  assert.equal(answer(tls('tls_disable_client_certs = true')), 'taken')
})

// Configurations of Envoy for tests: a proxy before a service, and one before its client, both with identities by SDS alone.

/** How secrets are asked for: the whole state each time, or what changed. */
type Way = 'GRPC' | 'DELTA_GRPC'

export interface ProxyIdentity {
  /** Of the agent, which serves SDS. */
  readonly socket: string
  readonly way: Way
  readonly spiffeId: string
  /** Whom it speaks with, and nobody else. */
  readonly peer: string
  /** The secret by which it checks the peer. */
  readonly bundle: string
}

const AGENT = 'agent'
const TYPES = 'type.googleapis.com/envoy'
const HTTP2 = {
  'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': {
    '@type': `${TYPES}.extensions.upstreams.http.v3.HttpProtocolOptions`,
    explicit_http_config: { http2_protocol_options: {} },
  },
}

/** Answers every request of the peer, and tells who it was. */
export function serviceProxy(port: number, identity: ProxyIdentity): object {
  const header = (key: string, value: string) => ({ header: { key, value } })
  const route = {
    match: { prefix: '/' },
    direct_response: { status: 200 },
    response_headers_to_add: [header('x-peer', '%DOWNSTREAM_PEER_URI_SAN%'), header('x-peer-serial', '%DOWNSTREAM_PEER_SERIAL%')],
  }
  const tls = transport('DownstreamTlsContext', identity, { require_client_certificate: true })
  return proxy(identity, [{ ...listener(port, route), tls }], [])
}

/** Passes every request on to the service, each on a connection of its own. */
export function clientProxy(port: number, service: number, identity: ProxyIdentity): object {
  const cluster = {
    name: 'service',
    type: 'STATIC',
    load_assignment: { cluster_name: 'service', endpoints: [{ lb_endpoints: [{ endpoint: { address: local(service) } }] }] },
    typed_extension_protocol_options: {
      'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': {
        '@type': `${TYPES}.extensions.upstreams.http.v3.HttpProtocolOptions`,
        common_http_protocol_options: { max_requests_per_connection: 1 },
        explicit_http_config: { http_protocol_options: {} },
      },
    },
    transport_socket: transport('UpstreamTlsContext', identity, {}),
  }
  return proxy(identity, [listener(port, { match: { prefix: '/' }, route: { cluster: 'service' } })], [cluster])
}

/** Where it tells its counters. */
export const adminAt = (port: number) => ({ address: local(port) })

interface Listener {
  readonly port: number
  readonly route: object
  readonly tls?: object
}

const listener = (port: number, route: object): Listener => ({ port, route })

const local = (port: number) => ({ socket_address: { address: '127.0.0.1', port_value: port } })

function proxy({ socket }: ProxyIdentity, listeners: readonly Listener[], clusters: readonly object[]): object {
  const agent = {
    name: AGENT,
    type: 'STATIC',
    load_assignment: { cluster_name: AGENT, endpoints: [{ lb_endpoints: [{ endpoint: { address: { pipe: { path: socket } } } }] }] },
    typed_extension_protocol_options: HTTP2,
  }
  return {
    node: { id: 'test', cluster: 'test' },
    static_resources: { listeners: listeners.map(toListener), clusters: [agent, ...clusters] },
  }
}

function toListener({ port, route, tls }: Listener): object {
  const manager = {
    '@type': `${TYPES}.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager`,
    stat_prefix: 'test',
    route_config: { virtual_hosts: [{ name: 'all', domains: ['*'], routes: [route] }] },
    http_filters: [{ name: 'envoy.filters.http.router', typed_config: { '@type': `${TYPES}.extensions.filters.http.router.v3.Router` } }],
  }
  return {
    name: `port-${port}`,
    address: local(port),
    filter_chains: [
      {
        filters: [{ name: 'envoy.filters.network.http_connection_manager', typed_config: manager }],
        ...(tls && { transport_socket: tls }),
      },
    ],
  }
}

function transport(context: 'UpstreamTlsContext' | 'DownstreamTlsContext', { way, spiffeId, peer, bundle }: ProxyIdentity, more: object): object {
  const secret = (name: string) => ({
    name,
    sds_config: {
      resource_api_version: 'V3',
      api_config_source: { api_type: way, transport_api_version: 'V3', grpc_services: [{ envoy_grpc: { cluster_name: AGENT } }] },
    },
  })
  return {
    name: 'envoy.transport_sockets.tls',
    typed_config: {
      '@type': `${TYPES}.extensions.transport_sockets.tls.v3.${context}`,
      ...more,
      common_tls_context: {
        tls_certificate_sds_secret_configs: [secret(spiffeId)],
        combined_validation_context: {
          default_validation_context: { match_typed_subject_alt_names: [{ san_type: 'URI', matcher: { exact: peer } }] },
          validation_context_sds_secret_config: secret(bundle),
        },
      },
    },
  }
}

// listener "tcp": where to listen, with which certificate, and what is too much.
import { bool, choice, maybe, or, text, type Values } from '../../base/fields.ts'
import type { CustomHeaders } from '../../edge/response-headers.ts'
import type { ListenerConfig } from '../listen.ts'
import { FOREIGN_LISTENER, FOREIGN_LISTENER_TELEMETRY } from './foreign.ts'
import { limitKeys, type ListenerLimits, limitsOf } from './listener-limits.ts'
import { parseResponseHeaders } from './response-headers.ts'
import { type Block, only, readStanza, refuse, type Stanza } from './stanza.ts'

export type ListenerSettings = ListenerConfig & Partial<ListenerLimits> & { readonly headers?: CustomHeaders; readonly open?: readonly OpenPath[] }

const KEYS = {
  address: or(text('host:port to listen on.'), '127.0.0.1:8200'),
  tls_disable: or(bool('Serve without TLS.'), false),
  tls_cert_file: or(text('PEM file of the certificate and its intermediates.'), ''),
  tls_key_file: or(text('PEM file of the private key.'), ''),
  tls_client_ca_file: or(text('PEM file of the authorities that client certificates must come from.'), ''),
  tls_require_and_verify_client_cert: maybe(bool('Let in only clients that show a certificate of those authorities.')),
  tls_disable_client_certs: maybe(bool('Ask no client for a certificate: nobody can log in by one, and TLS sessions can be resumed.')),
  tls_min_version: or(choice('Oldest version of TLS.', ['tls12', 'tls13']), 'tls12'),
  ...limitKeys,
}

export const LISTENER = {
  keys: KEYS,
  blocks: { custom_response_headers: 0, inflight_requests_logging: 0, telemetry: 0 },
  foreign: FOREIGN_LISTENER,
} as const satisfies Stanza<typeof KEYS, string>

export const LISTENER_TELEMETRY = {
  keys: { unauthenticated_metrics_access: or(bool('Answer sys/metrics to anybody, sealed or not.'), false) },
  foreign: FOREIGN_LISTENER_TELEMETRY,
}

export const LISTENER_IN_FLIGHT = {
  keys: { unauthenticated_in_flight_requests_access: or(bool('Answer sys/in-flight-req to anybody, sealed or not.'), false) },
}

/** What a listener answers without a token. */
export type OpenPath = 'sys/metrics' | 'sys/in-flight-req'

/** `host:port`, an IPv6 host in brackets. */
export const isAddress = (text: string): boolean => /^(\[[0-9A-Fa-f:.]+\]|[^:[\]\s]*):\d{1,5}$/.test(text)

export function parseListeners(whole: Block, blocks: readonly Block[]): ListenerSettings[] {
  if (blocks.length === 0) throw refuse(whole, 'a listener "tcp" { … } is missing')
  const parsed = blocks.map(parseListener)
  for (const [at, { address }] of parsed.entries()) {
    const twin = parsed.findIndex((one) => one.address === address)
    if (twin < at) throw refuse(blocks[at] as Block, `${address} has a listener already, at ${blocks[twin]?.place}`)
  }
  return parsed
}

function parseListener(block: Block): ListenerSettings {
  const [kind] = block.labels
  if (kind !== 'tcp') throw refuse(block, `${block.title} is not offered; write listener "tcp" { … }`)
  const { values, blocks } = readStanza(block, LISTENER)
  if (!isAddress(values.address)) throw refuse(block, `address "${values.address}" is not host:port`)
  const headers = parseResponseHeaders(blocks.custom_response_headers)
  const open = openPaths(blocks)
  const shared = { address: values.address, ...limitsOf(block, values), ...(headers ? { headers } : {}), ...(open.length > 0 ? { open } : {}) }
  checkClients(block, values)
  if (values.tls_disable) return shared
  if (values.tls_cert_file === '' || values.tls_key_file === '') {
    throw refuse(block, 'listener "tcp" needs tls_cert_file and tls_key_file, or tls_disable = true')
  }
  return {
    ...shared,
    tls: {
      certFile: values.tls_cert_file,
      keyFile: values.tls_key_file,
      minVersion: values.tls_min_version === 'tls13' ? 'TLSv1.3' : 'TLSv1.2',
      ...(values.tls_client_ca_file === '' ? {} : { clientCaFile: values.tls_client_ca_file }),
      ...(values.tls_require_and_verify_client_cert ? { clientNeeded: true } : {}),
      ...(values.tls_disable_client_certs ? { clientUnasked: true } : {}),
    },
  }
}

function checkClients(block: Block, given: Values<typeof KEYS>): void {
  const { tls_client_ca_file: authorities, tls_require_and_verify_client_cert: needed, tls_disable_client_certs: off } = given
  if (needed && authorities === '') throw refuse(block, 'tls_require_and_verify_client_cert needs tls_client_ca_file')
  if (off && (needed || authorities !== '')) throw refuse(block, 'tls_disable_client_certs contradicts the other keys about client certificates')
}

function openPaths({
  telemetry,
  inflight_requests_logging: inFlight,
}: Readonly<Record<'telemetry' | 'inflight_requests_logging', readonly Block[]>>): OpenPath[] {
  const metrics = only(telemetry)
  const requests = only(inFlight)
  return [
    ...(metrics && readStanza(metrics, LISTENER_TELEMETRY).values.unauthenticated_metrics_access ? (['sys/metrics'] as const) : []),
    ...(requests && readStanza(requests, LISTENER_IN_FLIGHT).values.unauthenticated_in_flight_requests_access
      ? (['sys/in-flight-req'] as const)
      : []),
  ]
}

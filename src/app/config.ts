// The server's configuration: HCL or JSON, parsed once into one frozen shape; an unknown key is an error with a suggestion.
import { bool, choice, int, maybe, or, parseShape, seconds, type Shape, text, type Values } from '../base/fields.ts'
import { Fault } from '../base/fault.ts'
import { parseHcl } from '../base/hcl.ts'
import { toObject } from '../base/hcl-object.ts'
import { isObject, type Json, type JsonObject } from '../base/json.ts'
import { closest } from '../cli/suggest.ts'
import type { ListenerConfig } from './listen.ts'

export interface ListenerSettings extends ListenerConfig {
  /** Bytes of the largest request body; the edge's own bound where unset. */
  readonly bodyBytes: number | undefined
}

export interface Config {
  readonly listeners: readonly ListenerSettings[]
  readonly storagePath: string
  /** Worker processes; undefined for one a core. */
  readonly workers: number | undefined
  readonly logLevel: (typeof LOG_LEVELS)[number]
  readonly logFormat: 'standard' | 'json'
  /** Seconds. */
  readonly defaultLeaseTtl: number
  readonly maxLeaseTtl: number
}

const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error'] as const

/** Seconds: 768 hours, as Vault has it. */
export const SYSTEM_TTL = 2_764_800

const TOP = {
  log_level: or(choice('How much to log.', LOG_LEVELS), 'info'),
  log_format: or(choice('How to log.', ['standard', 'json']), 'standard'),
  default_lease_ttl: or(seconds('How long tokens live where nothing else is said.'), SYSTEM_TTL),
  max_lease_ttl: or(seconds('How long they can live at most.'), SYSTEM_TTL),
  workers: maybe(int('Worker processes; one for each core otherwise.')),
}

const LISTENER = {
  address: or(text('host:port to listen on.'), '127.0.0.1:8200'),
  tls_disable: or(bool('Serve without TLS.'), false),
  tls_cert_file: or(text('PEM file of the certificate and its intermediates.'), ''),
  tls_key_file: or(text('PEM file of the private key.'), ''),
  tls_client_ca_file: or(text('PEM file of the authorities that client certificates must come from.'), ''),
  tls_min_version: or(choice('Oldest version of TLS.', ['tls12', 'tls13']), 'tls12'),
  max_request_size: maybe(int('Bytes of the largest request body.')),
}

const LMDB = { path: text('Folder of the database.') }

/** Keys of Vault's that mean nothing here, and what to do instead. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  api_addr: 'leave it out: a server does not redirect',
  backend: 'write storage "lmdb" { path = "…" }',
  cluster_addr: 'leave it out: this version does not form clusters',
  cluster_name: 'leave it out: a name is made when the server is initialised',
  disable_mlock: 'leave it out: keys lie in locked pages of their own, and nothing else is locked',
  plugin_directory: 'leave it out: there are no external plugins',
  seal: 'leave it out: this version has the Shamir seal only',
  telemetry: 'leave it out: metrics are at sys/metrics',
  ui: 'leave it out: this version has no web interface',
}

/** Throws `invalid`, naming the key at fault. */
export function parseConfig(source: string): Config {
  const { listener = [], storage = [], ...rest } = toObject(parseHcl(source))
  const values = parseKnown(TOP, rest, 'the configuration', ['listener', 'storage'])
  if (values.default_lease_ttl > values.max_lease_ttl) throw new Fault('invalid', 'default_lease_ttl is longer than max_lease_ttl')
  if (values.workers !== undefined && (values.workers < 1 || values.workers > 256)) throw new Fault('invalid', 'workers must be from 1 to 256')
  const listeners = labelled(listener, 'listener', 'tcp').map(parseListener)
  const [store, ...others] = labelled(storage, 'storage', 'lmdb').map((raw) => parseKnown(LMDB, raw, 'storage "lmdb"'))
  if (!store || others.length > 0) throw new Fault('invalid', 'one storage "lmdb" { path = "…" } is needed')
  if (listeners.length === 0) throw new Fault('invalid', 'at least one listener "tcp" { … } is needed')
  return Object.freeze({
    listeners,
    storagePath: store.path,
    workers: values.workers,
    logLevel: values.log_level,
    logFormat: values.log_format,
    defaultLeaseTtl: values.default_lease_ttl,
    maxLeaseTtl: values.max_lease_ttl,
  })
}

function parseListener(raw: JsonObject): ListenerSettings {
  const values = parseKnown(LISTENER, raw, 'listener "tcp"')
  const shared = { address: values.address, bodyBytes: values.max_request_size }
  if (values.tls_disable) return shared
  if (values.tls_cert_file === '' || values.tls_key_file === '') {
    throw new Fault('invalid', 'listener "tcp" needs tls_cert_file and tls_key_file, or tls_disable = true')
  }
  return {
    ...shared,
    tls: {
      certFile: values.tls_cert_file,
      keyFile: values.tls_key_file,
      minVersion: values.tls_min_version === 'tls13' ? 'TLSv1.3' : 'TLSv1.2',
      ...(values.tls_client_ca_file === '' ? {} : { clientCaFile: values.tls_client_ca_file }),
    },
  }
}

function parseKnown<S extends Shape>(shape: S, raw: JsonObject, where: string, blocks: readonly string[] = []): Values<S> {
  for (const key of Object.keys(raw)) {
    if (!Object.hasOwn(shape, key)) throw unknown(key, where, [...Object.keys(shape), ...blocks])
  }
  return parseShape(shape, raw)
}

function unknown(key: string, where: string, known: readonly string[]): Fault {
  const elsewhere = Object.hasOwn(ELSEWHERE, key) ? ELSEWHERE[key] : undefined
  if (elsewhere !== undefined) return new Fault('invalid', `"${key}" in ${where} is not used by Signet; ${elsewhere}`)
  const meant = closest(key, known)
  return new Fault('invalid', `unknown key "${key}" in ${where}${meant === undefined ? '' : `; did you mean "${meant}"?`}`)
}

/** The blocks of one name, each under its only possible label. */
function labelled(blocks: Json, name: string, label: string): JsonObject[] {
  if (!Array.isArray(blocks)) throw new Fault('invalid', `${name} must be a block: ${name} "${label}" { … }`)
  return blocks.flatMap((block) => {
    const [found, ...others] = isObject(block) ? Object.entries(block) : []
    if (!found || others.length > 0 || !Array.isArray(found[1])) throw new Fault('invalid', `${name} must be a block: ${name} "${label}" { … }`)
    if (found[0] !== label) throw new Fault('invalid', `${name} "${found[0]}" is not offered; write ${name} "${label}" { … }`)
    return found[1].filter(isObject)
  })
}

// The agent's configuration: HCL or JSON, read by one table a stanza into one frozen shape.
import type { SdsNames } from '../../agent/sds/secrets.ts'
import { bool, choice, int, list, or, seconds, text, type Values } from '../../base/fields.ts'
import { Fault } from '../../base/fault.ts'
import { parseSpiffeId, parseTrustDomain, type SpiffeId, type TrustDomain } from '../../crypto/spiffe-id.ts'
import { LOG_LEVELS, type LogLevel } from '../../telemetry/log.ts'
import { type BrokerConfig, brokerIn } from './agent-broker.ts'
import { isBeside, modeIn } from './agent-paths.ts'
import { refused } from './foreign.ts'
import { isAddress } from './listener.ts'
import { type Block, only, readStanza, refuse, type Source, type Stanza, wholeOf } from './stanza.ts'
import { uidsIn } from './users.ts'

export interface AgentConfig {
  readonly trustDomain: TrustDomain
  /** host:port each. */
  readonly serverAddresses: readonly string[]
  /** Undefined where the first server is believed. */
  readonly trustBundle: { readonly path: string; readonly format: 'pem' | 'spiffe' } | undefined
  readonly dataDir: string
  readonly keyFile: string
  readonly socketPath: string
  readonly socketMode: number
  readonly logLevel: LogLevel
  readonly logFormat: 'standard' | 'json'
  /** Milliseconds. */
  readonly syncInterval: number
  readonly mostX509: number
  readonly mostJwt: number
  readonly workloadKeyType: 'ec-p256' | 'ec-p384' | 'rsa-2048'
  readonly allowUnauthenticatedVerifiers: boolean
  readonly foreignClaims: readonly string[]
  /** Where delegates connect; undefined for nowhere. */
  readonly adminSocketPath: string | undefined
  readonly delegates: readonly SpiffeId[]
  /** Numbers of the users who may ask there what the agent knows; empty for the agent’s own. */
  readonly adminUids: readonly number[]
  /** Where brokers connect; undefined for nowhere. */
  readonly broker: BrokerConfig | undefined
  /** Undefined where proxies are not served. */
  readonly sds: SdsConfig | undefined
  /** host:port where it tells how it is doing; undefined for nowhere. */
  readonly telemetryAddress: string | undefined
  readonly nodeAttestor: Block
  readonly workloadAttestors: readonly Block[]
}

export interface SdsConfig {
  readonly names: SdsNames
  readonly plainValidation: boolean
}

/** Of what an agent can do without a configuration. */
export const AGENT_DEFAULTS = {
  workloadKeyType: 'ec-p256',
  mostX509: 1_000,
  mostJwt: 1_000,
  allowUnauthenticatedVerifiers: false,
  foreignClaims: [],
  delegates: [],
  telemetryAddress: undefined,
  broker: undefined,
  sds: { names: { svid: 'default', bundle: 'ROOTCA', allBundles: 'ALL' }, plainValidation: false },
} as const

const KEYS = {
  trust_domain: text('Name of the trust domain.'),
  server_addresses: list('host:port of each server; the next one is asked where one does not answer.'),
  trust_bundle_path: or(text('File with the bundle by which the server is known the first time.'), ''),
  trust_bundle_format: or(choice('What that file is: PEM certificates, or a SPIFFE bundle.', ['pem', 'spiffe']), 'pem'),
  insecure_bootstrap: or(text('The word `insecure`, to believe whichever server answers the first time.'), ''),
  data_dir: or(text('Folder for what has to survive a restart; for the agent’s user alone.'), '/var/lib/signet-agent'),
  cache_key_file: or(text('File with the key that data_dir is sealed under; `cache.key` in data_dir otherwise. Made when absent.'), ''),
  socket_path: or(text('Where workloads connect.'), '/run/signet-agent/api.sock'),
  socket_mode: or(text('Permission bits of that socket, in octal. Who may connect is told apart by attestation.'), '0777'),
  log_level: or(choice('How much to log.', LOG_LEVELS), 'info'),
  log_format: or(choice('How to log.', ['standard', 'json']), 'standard'),
  sync_interval: or(seconds('Pause between looks at a server that does not tell what changes.'), 5),
  x509_svid_cache_max_size: or(int('X509-SVIDs, and as many WIT-SVIDs, that are kept though no workload uses them.'), AGENT_DEFAULTS.mostX509),
  jwt_svid_cache_max_size: or(int('JWT-SVIDs that are kept.'), AGENT_DEFAULTS.mostJwt),
  workload_x509_svid_key_type: or(
    choice('Kind of key in X509-SVIDs and WIT-SVIDs of workloads.', ['ec-p256', 'ec-p384', 'rsa-2048']),
    AGENT_DEFAULTS.workloadKeyType,
  ),
  allow_unauthenticated_verifiers: or(bool('Give the bundle of the trust domain to workloads without an identity, too.'), false),
  admin_socket_path: or(text('Where operators and delegates connect, in another folder than socket_path; nowhere without it.'), ''),
  admin_uids: or(list('Numbers of the users who may ask there why workloads get what they get; the agent’s own, where nobody is named.'), []),
  authorized_delegates: or(list('SPIFFE IDs of workloads that may ask there for the identities of others.'), []),
  allowed_foreign_jwt_claims: or(list('Claims of tokens of other trust domains that are passed on, besides sub, exp and aud.'), []),
}

const SPIRE = 'the keys of its agent { … } stand at the top here, and plugins are node_attestor "…" { … } and workload_attestor "…" { … }'

export const AGENT = {
  keys: KEYS,
  /** Each with how many labels it has. */
  blocks: { broker_api: 0, node_attestor: 1, sds: 0, telemetry: 0, workload_attestor: 1 },
  foreign: {
    agent: refused(SPIRE),
    plugins: refused(SPIRE),
    experimental: refused('its broker { … } is broker_api { … } here'),
    server_address: refused('write server_addresses = ["host:port"]'),
    server_port: refused('write server_addresses = ["host:port"]'),
    join_token: refused('write node_attestor "join_token" { token = "…" }'),
    join_token_file: refused('write node_attestor "join_token" { token_file = "…" }'),
  },
} as const satisfies Stanza<typeof KEYS, string>

/** Throws `invalid` with file, line and column of what is wrong. */
export function parseAgentConfig(sources: readonly Source[], note: (text: string) => void): AgentConfig {
  const whole = wholeOf(sources, note)
  const { values, blocks } = readStanza(whole, AGENT)
  const [nodeAttestor, second] = blocks.node_attestor
  if (!nodeAttestor) throw refuse(whole, 'a node_attestor "…" { … } is missing')
  if (second) throw refuse(second, 'there can be only one node_attestor')
  if (blocks.workload_attestor.length === 0) throw refuse(whole, 'a workload_attestor "…" { … } is missing')
  const twin = blocks.workload_attestor.find(({ labels: [kind] }, at, all) => all.findIndex(({ labels: [one] }) => one === kind) < at)
  if (twin) throw refuse(twin, `${twin.title} is there already`)
  return Object.freeze({
    trustDomain: trustDomainIn(whole, values.trust_domain),
    serverAddresses: addressesIn(whole, values.server_addresses),
    trustBundle: trustBundleIn(whole, values),
    dataDir: values.data_dir,
    keyFile: values.cache_key_file === '' ? `${values.data_dir}/cache.key` : values.cache_key_file,
    socketPath: values.socket_path,
    socketMode: modeIn(whole, values.socket_mode),
    logLevel: values.log_level,
    logFormat: values.log_format,
    syncInterval: atLeast(whole, 'sync_interval', values.sync_interval, 1) * 1000,
    mostX509: atLeast(whole, 'x509_svid_cache_max_size', values.x509_svid_cache_max_size, 0),
    mostJwt: atLeast(whole, 'jwt_svid_cache_max_size', values.jwt_svid_cache_max_size, 0),
    workloadKeyType: values.workload_x509_svid_key_type,
    allowUnauthenticatedVerifiers: values.allow_unauthenticated_verifiers,
    foreignClaims: values.allowed_foreign_jwt_claims,
    ...delegationIn(whole, values),
    broker: brokerIn(only(blocks.broker_api), values.socket_path),
    sds: sdsIn(only(blocks.sds)),
    telemetryAddress: telemetryIn(only(blocks.telemetry)),
    nodeAttestor,
    workloadAttestors: blocks.workload_attestor,
  })
}

export const SDS = {
  keys: {
    enabled: or(bool('Serve proxies at all.'), true),
    default_svid_name: or(text('Name of the first X509-SVID.'), AGENT_DEFAULTS.sds.names.svid),
    default_bundle_name: or(text('Name of the bundle of the own trust domain.'), AGENT_DEFAULTS.sds.names.bundle),
    default_all_bundles_name: or(text('Name of all bundles together.'), AGENT_DEFAULTS.sds.names.allBundles),
    disable_spiffe_cert_validation: or(bool('Give flat lists of authorities to proxies that do not say what they want.'), false),
  },
}

function sdsIn(block: Block | undefined): SdsConfig | undefined {
  if (!block) return AGENT_DEFAULTS.sds
  const given = readStanza(block, SDS).values
  if (!given.enabled) return undefined
  const names = { svid: given.default_svid_name, bundle: given.default_bundle_name, allBundles: given.default_all_bundles_name }
  if (new Set(Object.values(names)).size < 3) throw refuse(block, 'the three default names must be different')
  return { names, plainValidation: given.disable_spiffe_cert_validation }
}

export const AGENT_TELEMETRY = { keys: { address: text('host:port where metrics are read, and whether it lives and can serve.') } }

function telemetryIn(block: Block | undefined): string | undefined {
  if (!block) return undefined
  const { address } = readStanza(block, AGENT_TELEMETRY).values
  if (!isAddress(address)) throw refuse(block, `address "${address}" is not host:port`)
  return address
}

function delegationIn(
  whole: Block,
  values: Pick<Values<typeof KEYS>, 'socket_path' | 'admin_socket_path' | 'authorized_delegates' | 'admin_uids'>,
): Pick<AgentConfig, 'adminSocketPath' | 'delegates' | 'adminUids'> {
  const { socket_path: socket, admin_socket_path: admin, authorized_delegates: names, admin_uids: uids } = values
  if (admin === '' && names.length > 0) throw refuse(whole, 'authorized_delegates needs admin_socket_path')
  if (admin === '' && uids.length > 0) throw refuse(whole, 'admin_uids needs admin_socket_path')
  if (admin !== '' && isBeside(admin, socket)) throw refuse(whole, 'admin_socket_path must not lie in the folder of socket_path, or below it')
  try {
    return { adminSocketPath: admin === '' ? undefined : admin, delegates: names.map(parseSpiffeId), adminUids: uidsIn(whole, uids) }
  } catch (error) {
    if (error instanceof Fault) throw refuse(whole, `authorized_delegates: ${error.message}`)
    throw error
  }
}

function trustDomainIn(whole: Block, name: string): TrustDomain {
  try {
    return parseTrustDomain(name)
  } catch (error) {
    if (error instanceof Fault) throw refuse(whole, `trust_domain: ${error.message}`)
    throw error
  }
}

function addressesIn(whole: Block, addresses: readonly string[]): readonly string[] {
  if (addresses.length === 0) throw refuse(whole, 'server_addresses is empty')
  const wrong = addresses.find((one) => !isAddress(one) || one.startsWith(':'))
  if (wrong !== undefined) throw refuse(whole, `server_addresses: "${wrong}" is not host:port`)
  return addresses
}

/** The word has to be written out, so that nobody switches it on by accident. */
const INSECURE = 'insecure'

function trustBundleIn(
  whole: Block,
  {
    trust_bundle_path: path,
    trust_bundle_format: format,
    insecure_bootstrap: insecure,
  }: { trust_bundle_path: string; trust_bundle_format: 'pem' | 'spiffe'; insecure_bootstrap: string },
): AgentConfig['trustBundle'] {
  if (insecure !== '' && insecure !== INSECURE) throw refuse(whole, `insecure_bootstrap must be the word "${INSECURE}", or absent`)
  if (path !== '' && insecure !== '') throw refuse(whole, 'insecure_bootstrap contradicts trust_bundle_path')
  if (path === '' && insecure === '') throw refuse(whole, 'trust_bundle_path is missing: without it, any server could pass for yours')
  return path === '' ? undefined : { path, format }
}

function atLeast(whole: Block, name: string, value: number, least: number): number {
  if (value < least) throw refuse(whole, `${name} must be at least ${least}`)
  return value
}

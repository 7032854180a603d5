// spiffe: where the trust domain is served to agents and to other trust domains, and how theirs are fetched.
import { bool, choice, int, list, or, seconds, text } from '../../base/fields.ts'
import type { TlsFiles } from '../tls.ts'
import { isAddress } from './listener.ts'
import { type Block, only, readStanza, refuse } from './stanza.ts'
import { uidsIn } from './users.ts'

export interface SpiffeConfig {
  /** host:port where agents are served. */
  readonly agentAddress: string
  /** Where operators of this machine administer the trust domain; nowhere where unset. */
  readonly adminSocket: AdminSocketConfig | undefined
  /** Where the bundle is published; nowhere where unset. */
  readonly bundleEndpoint: BundleEndpointConfig | undefined
  /** Attestations in a second from one address, at most; 0 for any number. */
  readonly attestationRate: number
  /** Who signs our X.509 authorities; they sign themselves where unset. */
  readonly upstream: UpstreamConfig | undefined
  readonly federation: {
    /** Endpoints of others may be on this machine or its link. */
    readonly allowLocal: boolean
    /** PEM file: authorities of web endpoints besides the usual ones. */
    readonly caFile: string | undefined
  }
}

export interface AdminSocketConfig {
  readonly path: string
  /** Users who may; the server's own where empty. */
  readonly uids: readonly number[]
}

/** Files are PEM; all are read each time, so that they can be replaced. */
export type UpstreamConfig =
  | { readonly kind: 'disk'; readonly certFile: string; readonly keyFile: string; readonly bundleFile: string | undefined }
  | {
      readonly kind: 'vault'
      readonly address: string
      readonly mount: string
      readonly tokenFile: string
      readonly namespace: string
      readonly caFile: string | undefined
    }
  | { readonly kind: 'spire'; readonly address: string; readonly socketPath: string }

export interface BundleEndpointConfig {
  readonly address: string
  /** For https_web; where unset, the server shows its SVID. */
  readonly tls: TlsFiles | undefined
  /** Seconds; 0 for the trust domain's own. */
  readonly refreshHint: number
}

export const SPIFFE = {
  keys: {
    address: or(text('host:port where agents are served, by gRPC over TLS.'), '127.0.0.1:8081'),
    admin_socket: or(text('Unix socket where the trust domain is administered by the SPIRE server API.'), ''),
    admin_uids: or(list('Numbers of the users who may; the user of the server otherwise.'), []),
    attestation_rate: or(int('Attestations in a second from one address (/64 of IPv6), at most; 0 for any number.'), 10),
    federation_allow_local: or(bool('Fetch bundles from loopback and link-local addresses too.'), false),
    federation_ca_file: or(text('PEM file: authorities of https_web endpoints besides the usual ones.'), ''),
  },
  blocks: { bundle_endpoint: 0, upstream_authority: 1 },
  foreign: {},
} as const

export const BUNDLE_ENDPOINT = {
  keys: {
    address: or(text('host:port where the bundle is published, at /.'), '0.0.0.0:8443'),
    profile: or(
      choice('How it proves who it is: by the SVID of the server, or by a certificate of the web.', ['https_spiffe', 'https_web']),
      'https_spiffe',
    ),
    tls_cert_file: or(text('PEM: the certificate and its intermediates, for https_web.'), ''),
    tls_key_file: or(text('PEM: its key, for https_web.'), ''),
    refresh_hint: or(seconds("How often others shall look again; the trust domain's otherwise."), 0),
  },
  foreign: {},
} as const

export const UPSTREAM_DISK = {
  keys: {
    cert_file: text('PEM: the certificate of the authority that signs, then those between it and its root.'),
    key_file: text('PEM: its key.'),
    bundle_file: or(text('PEM: the roots to trust; not needed where the certificate is one.'), ''),
  },
  foreign: {},
} as const

export const UPSTREAM_VAULT = {
  keys: {
    address: text('URL of the other server.'),
    mount_path: or(text('Where its pki engine is mounted.'), 'pki'),
    token_file: text('File of a token that may update root/sign-intermediate of that mount; read anew each time.'),
    namespace: or(text('Namespace of the engine.'), ''),
    ca_cert_file: or(text('PEM: authorities to trust the other server by, in place of the usual ones.'), ''),
  },
  foreign: {},
} as const

export const UPSTREAM_SPIRE = {
  keys: {
    server_address: text('host:port of a server of the same trust domain, of Signet or SPIRE, where agents are served.'),
    workload_api_socket: text('Unix socket of an agent below that server, which gives this server the SVID of an entry with downstream.'),
  },
  foreign: {},
} as const

/** Undefined where there is no such block. */
export function parseSpiffe(blocks: readonly Block[]): SpiffeConfig | undefined {
  const [block, second] = blocks
  if (!block) return undefined
  if (second) throw refuse(second, 'there can be only one spiffe { … }')
  const { values, blocks: within } = readStanza(block, SPIFFE)
  const { address, federation_allow_local: allowLocal, federation_ca_file: caFile } = values
  if (!isAddress(address)) throw refuse(block, `address "${address}" is not host:port`)
  if (values.attestation_rate < 0 || values.attestation_rate > 100_000) throw refuse(block, 'attestation_rate is not between 0 and 100000')
  return {
    agentAddress: address,
    adminSocket: parseAdminSocket(block, values.admin_socket, values.admin_uids),
    attestationRate: values.attestation_rate,
    upstream: parseUpstream(within.upstream_authority),
    bundleEndpoint: parseBundleEndpoint(only(within.bundle_endpoint)),
    federation: { allowLocal, caFile: caFile === '' ? undefined : caFile },
  }
}

/** What a path of a Unix socket may have in bytes, its end included (unix(7)). */
const PATH_BYTES = 108

function parseAdminSocket(block: Block, path: string, uids: readonly string[]): AdminSocketConfig | undefined {
  if (path === '' && uids.length > 0) throw refuse(block, 'admin_uids needs admin_socket')
  if (path === '') return undefined
  if (!path.startsWith('/') || Buffer.byteLength(path) >= PATH_BYTES)
    throw refuse(block, `admin_socket "${path}" is no absolute path of less than ${PATH_BYTES} bytes`)
  return { path, uids: uidsIn(block, uids) }
}

function parseUpstream([block, second]: readonly Block[]): UpstreamConfig | undefined {
  if (!block) return undefined
  if (second) throw refuse(second, 'there can be only one upstream_authority')
  const [kind] = block.labels
  if (kind === 'disk') {
    const { cert_file: certFile, key_file: keyFile, bundle_file: bundleFile } = readStanza(block, UPSTREAM_DISK).values
    return { kind, certFile, keyFile, bundleFile: bundleFile || undefined }
  }
  if (kind === 'spire') {
    const { server_address: address, workload_api_socket: socket } = readStanza(block, UPSTREAM_SPIRE).values
    if (!isAddress(address)) throw refuse(block, `server_address "${address}" is not host:port`)
    const socketPath = socket.replace(/^unix:(?:\/\/)?/, '')
    if (!socketPath.startsWith('/')) throw refuse(block, `workload_api_socket "${socket}" is no absolute path`)
    return { kind, address, socketPath }
  }
  if (kind !== 'vault') throw refuse(block, `${block.title} is not offered; offered are "disk", "spire" and "vault"`)
  const { address, mount_path: mount, token_file: tokenFile, namespace, ca_cert_file: caFile } = readStanza(block, UPSTREAM_VAULT).values
  if (!/^https?:\/\/[^/?#@\s]+\/?$/.test(address)) throw refuse(block, `address "${address}" is not a URL such as https://pki.example.org:8200`)
  return { kind, address: address.replace(/\/$/, ''), mount: mount.replace(/^\/+|\/+$/g, ''), tokenFile, namespace, caFile: caFile || undefined }
}

function parseBundleEndpoint(block: Block | undefined): BundleEndpointConfig | undefined {
  if (!block) return undefined
  const { address, profile, tls_cert_file: certFile, tls_key_file: keyFile, refresh_hint: refreshHint } = readStanza(block, BUNDLE_ENDPOINT).values
  if (!isAddress(address)) throw refuse(block, `address "${address}" is not host:port`)
  const files = certFile !== '' || keyFile !== ''
  if (profile === 'https_spiffe' && files) throw refuse(block, 'tls_cert_file and tls_key_file are for profile "https_web"')
  if (profile === 'https_web' && (certFile === '' || keyFile === '')) throw refuse(block, 'profile "https_web" needs tls_cert_file and tls_key_file')
  return { address, tls: profile === 'https_web' ? { certFile, keyFile } : undefined, refreshHint }
}

// What the command line needs from the world; the composition root hands it in.
import type { JsonObject } from '../base/json.ts'
import type { Random } from '../base/ports.ts'
import type { ListenTo, SendRequest } from '../client/request.ts'
import type { SnapshotMeta } from '../snapshot/format.ts'
import type { AgentAdmin } from './explained.ts'

export interface Stdin {
  readonly isTTY: boolean
  /** Everything up to the end of the input. */
  read(): Promise<Uint8Array>
  /** Asks on the terminal without showing what is typed; rejects where there is none, or on Ctrl-C. */
  readSecret(prompt: string): Promise<string>
}

export interface Output {
  readonly isTTY: boolean
  write(text: string | Uint8Array): void
}

export interface CliFiles {
  /** Rejects with the system's error (`code`: ENOENT …). */
  read(path: string): Promise<Uint8Array>
  /** The same piece by piece, for files of any size. */
  chunks(path: string): AsyncIterable<Uint8Array>
  /** Replaces the file whole or not at all; refuses to write through a symbolic link. */
  write(path: string, text: string, mode: number): Promise<void>
  /** The same for a file of any size; `check` reads what was written before it takes its name, and rejects to have it dropped. */
  save(path: string, chunks: AsyncIterable<Uint8Array>, mode: number, check: (written: AsyncIterable<Uint8Array>) => Promise<void>): Promise<void>
  /** Names in a folder. */
  list(path: string): Promise<readonly string[]>
  /** Nothing where it is absent. */
  remove(path: string): Promise<void>
}

/** What `server` and `dev` were asked for. */
export interface ServerOptions {
  /** Configuration files and folders, in order. */
  readonly config: readonly string[]
  /** Undefined for a server that keeps what it stores. */
  readonly dev: DevOptions | undefined
  /** Serve nothing but what repairs need. */
  readonly recovery: boolean
  readonly logLevel: string | undefined
  readonly logFormat: string | undefined
}

/** What `agent` was asked for. */
export interface AgentOptions {
  /** Configuration files and folders, in order. */
  readonly config: readonly string[]
  readonly logLevel: string | undefined
  readonly logFormat: string | undefined
}

/** What an agent gives a workload. Certificates are in DER, one after another; the key is PKCS #8. */
export interface X509Answer {
  readonly svids: readonly {
    readonly spiffeId: string
    readonly chain: Buffer
    readonly key: Buffer
    readonly bundle: Buffer
    readonly hint: string
  }[]
  /** By the ID of each trust domain. */
  readonly federatedBundles: Readonly<Record<string, Buffer>>
  /** Revocation lists of the own trust domain. */
  readonly crls: readonly Buffer[]
}

export interface JwtAnswer {
  readonly spiffeId: string
  readonly svid: string
  readonly hint: string
}

/** A WIT-SVID, and the private key that it is bound to as a JWK in JSON. */
export interface WitAnswer {
  readonly spiffeId: string
  readonly svid: string
  readonly key: string
  readonly hint: string
}

/** The Workload API of an agent; rejects with a Failure that says what the agent said. */
export interface WorkloadApi {
  /** The identities of this process, again after each change. */
  watchX509(): AsyncIterable<X509Answer>
  /** '' for every identity that it has. */
  jwt(audience: readonly string[], spiffeId: string): Promise<readonly JwtAnswer[]>
  /** The identities of this process as WIT-SVIDs, again after each change; '' for every one that it has. */
  watchWit(spiffeId: string): AsyncIterable<readonly WitAnswer[]>
  validate(audience: string, svid: string): Promise<{ readonly spiffeId: string; readonly claims: JsonObject }>
  /** Whether the agent can answer for workloads. */
  isServing(): Promise<boolean>
  close(): void
}

/** What a broker refers to: a process of this machine, or an object of Kubernetes. */
export type WorkloadReference =
  | { readonly pid: number }
  | {
      readonly plural: string
      readonly group: string
      readonly key: { readonly namespace: string; readonly name: string } | undefined
      /** '' for any. */
      readonly uid: string
    }

/** The Broker API of an agent; rejects with a Failure that says what the agent said. */
export interface BrokerApi {
  /**
   * The identities of a workload, again after each change. One without any precedes the Failure where the workload is gone, or has
   * lost them.
   */
  watchX509(reference: WorkloadReference): AsyncIterable<X509Answer>
  /** '' for every identity that it has. */
  jwt(reference: WorkloadReference, audience: readonly string[], spiffeId: string): Promise<readonly JwtAnswer[]>
  close(): void
}

/** Whom a broker asks, and as whom. */
export interface BrokerOptions {
  /** `unix:///path` or `tcp://host:port`. */
  readonly endpoint: string
  /** Its own identities; the first is shown. */
  readonly own: X509Answer
  /** Who the agent has to be; '' for any agent of the broker's own trust domain. */
  readonly agentId: string
}

export interface DevOptions {
  readonly rootTokenId: string | undefined
  readonly listenAddress: string
  /** KV version 1 at `secret/` instead of version 2. */
  readonly kvV1: boolean
  /** The trust domain that it is the authority of, with an agent beside it; undefined for none. */
  readonly trustDomain: string | undefined
  /** Keep the root token out of the token file. */
  readonly noStoreToken: boolean
}

/** What a configuration comes to. */
export interface CheckedConfig {
  /** Keys that have no effect, and why. */
  readonly notes: readonly string[]
  readonly hcl: string
  readonly json: JsonObject
}

/** Asks the running server; undefined where it refuses or nobody answers. */
export type AskServer = (
  method: 'GET' | 'LIST' | 'POST',
  path: string,
  more?: { readonly body?: JsonObject; readonly anonymous?: true },
) => Promise<JsonObject | undefined>

/** What one check of a diagnosis found. */
export interface Finding {
  readonly check: string
  readonly status: 'ok' | 'warn' | 'fail' | 'unknown'
  readonly detail: string
  /** What to do. */
  readonly hint?: string
}

/** What a server stores, looked into without it. */
export interface Offline {
  /** How many key shares open it. */
  readonly threshold: number
  /** Takes one share and wipes it; true once it is open. Throws `invalid` for shares that don't fit. */
  unseal(share: Buffer): Promise<boolean>
  /** Looks through all of it for half states, once it is open. */
  fsck(): Checked
  close(): Promise<void>
}

export interface Checked {
  /** One line each; none where all is well. */
  readonly findings: readonly string[]
  /** Records that were looked at. */
  readonly records: number
}

export interface OfflineSnapshot extends Offline {
  readonly meta: SnapshotMeta
  /** Everything that is stored, as it is stored. */
  readonly entries: Iterable<{ readonly key: string; readonly value: Buffer }>
  /** Opens every record, and the checksums; throws `invalid` that names the first that is not genuine. Returns how many there are. */
  verify(): number
  /** Asks a server over it, as root. */
  readonly request: SendRequest
}

export interface CliPorts {
  readonly random: Random
  readonly env: Readonly<Record<string, string | undefined>>
  readonly stdin: Stdin
  readonly stdout: Output
  readonly stderr: Output
  readonly files: CliFiles
  /** The user's home folder. */
  readonly home: string
  readonly request: SendRequest
  readonly listen: ListenTo
  /** Resolves after so many milliseconds, and keeps the process alive until then. */
  sleep(ms: number): Promise<void>
  /** The program's own version. */
  readonly version: string
  readonly format: { policy(text: string): string }
  /** Paths of endpoints that ask for sudo, with `:name` for a segment and `*name` for the rest. */
  sudoPaths(): Promise<readonly string[]>
  /** Throws a Failure that says what is wrong in the files. */
  checkConfig(paths: readonly string[]): CheckedConfig
  /** Looks at how a server is set up: its files, its process, its machine, and itself. */
  diagnose(config: readonly string[], ask: AskServer): Promise<readonly Finding[]>
  /** The folder of a database, whether its server runs or not. Rejects with a Failure where it can't be opened. */
  openDatabase(path: string): Promise<Offline>
  /** A server of its own over a snapshot, in memory; nothing that is done to it lasts. Rejects with an `invalid` Fault for what is none. */
  openSnapshot(chunks: AsyncIterable<Uint8Array>): Promise<OfflineSnapshot>
  /** Sends a signal to a process. Throws the system's error. */
  signal(pid: number, name: string): void
  /** Runs until the agent ends; resolves to the exit code. */
  startAgent(options: AgentOptions): Promise<number>
  /** `unix:///path`, `tcp://address:port`, or the path of a socket alone. Throws a Failure for what is no such place. */
  openWorkloadApi(endpoint: string): Promise<WorkloadApi>
  /** Throws a Failure for an endpoint that can be none. */
  openBrokerApi(options: BrokerOptions): Promise<BrokerApi>
  /** By the path of its admin socket. */
  openAgentAdmin(path: string): Promise<AgentAdmin>
  /** Runs until the server ends; resolves to the exit code. */
  startServer(options: ServerOptions): Promise<number>
}

// The state of the server: health, seal status, leader, initialise, unseal and seal; most answered while sealed.
import { bool, int, list, maybe, or, text, type Values } from '../base/fields.ts'
import { formatTime } from '../base/duration.ts'
import { Fault } from '../base/fault.ts'
import type { JsonObject } from '../base/json.ts'
import type { Clock } from '../base/ports.ts'
import { type Path, path } from '../contract/module.ts'
import { empty, plain, type Reply } from '../contract/reply.ts'
import type { KeySteps } from './rekey.ts'
import { SIGNET_VERSION, VAULT_VERSION } from './version.ts'

/** As sys/seal-status shows it. */
export interface SealStatus {
  readonly type: string
  readonly initialized: boolean
  readonly sealed: boolean
  readonly t: number
  readonly n: number
  readonly progress: number
  readonly nonce: string
  readonly migration: boolean
  readonly recovery_seal: boolean
  readonly recovery_seal_type?: string
  /** Only the holder of a recovery token is served. */
  readonly recovery_mode?: true
}

/** What sys/init asks for. */
export interface InitRequest {
  readonly secretShares: number
  readonly secretThreshold: number
  readonly storedShares: number
  readonly recoveryShares: number
  readonly recoveryThreshold: number
  readonly recoveryUnseal: boolean
  /** Public keys in base64: one for each share, or none; and one for the root token, or ''. */
  readonly pgpKeys: readonly string[]
  readonly recoveryPgpKeys: readonly string[]
  readonly rootTokenPgpKey: string
}

/** A seal that opens by itself, as of when it was last tried. */
export interface SealBackend {
  readonly name: string
  readonly healthy: boolean
  /** Wall milliseconds; undefined while healthy. */
  readonly unhealthySince: number | undefined
}

/** Whoever holds the keys of this machine. */
export interface SealPort extends KeySteps {
  status(): Promise<SealStatus>
  /** The JSON answer of sys/init: shares and root token. */
  init(request: InitRequest): Promise<Buffer>
  /** The seals that open by themselves, and whether each of them could. */
  backends(): Promise<{ readonly backends: readonly SealBackend[]; readonly fullyWrapped: boolean }>
  /** Takes the JSON body of sys/unseal as bytes, and wipes it. */
  unseal(body: Buffer): Promise<SealStatus>
  /** Returns when every process has forgotten the keys. */
  seal(): Promise<void>
  /** Starts a new term of the barrier's keys: on disk, known to every process, then in use. With `only`, unless that term is past. */
  rotate(only?: number): Promise<void>
  /** Replaces the root key. */
  rotateRoot(): Promise<void>
  /** Ends the time in which the shares before a rekey are good as well. */
  settle(): Promise<void>
  /** Numbers of a term that processes took for sealing and have left. */
  unspent(term: number): Promise<number>
}

export interface StatusDeps {
  readonly seal: Pick<SealPort, 'status'>
  readonly clock: Clock
  readonly storageType: string
  /** Undefined while sealed. */
  readonly cluster: () => { readonly name: string; readonly id: string } | undefined
  /** Of the audit devices in the process that answers; undefined while sealed. */
  readonly audit: () => AuditState | undefined
}

export interface StateDeps extends StatusDeps {
  readonly seal: SealPort
}

export interface AuditState {
  readonly devices: number
  /** Those that did not keep the last record. */
  readonly failing: number
  /** Those that keep records which nobody takes. */
  readonly stalled: number
}

const code = (of: string) => maybe(int(`Status to answer when ${of}.`))

const healthInput = {
  standbyok: or(bool('Answer 200 when standby.'), false),
  perfstandbyok: or(bool('Answer 200 when performance standby.'), false),
  activecode: code('active'),
  standbycode: code('standby'),
  drsecondarycode: code('a disaster-recovery secondary'),
  haunhealthycode: code('standby without a leader'),
  performancestandbycode: code('performance standby'),
  removedcode: code('removed from the cluster'),
  sealedcode: code('sealed'),
  uninitcode: code('not initialised'),
}

const initInput = {
  secret_shares: or(int('How many key shares to make.'), 0),
  secret_threshold: or(int('How many of them unseal.'), 0),
  stored_shares: or(int('Only for seals that open by themselves; says nothing.'), 0),
  recovery_shares: or(int('How many recovery shares to make, where seals open the server; 0 for none.'), 0),
  recovery_threshold: or(int('How many of them are needed.'), 0),
  recovery_unseal: or(bool('The recovery shares unseal too, where no seal is left that does.'), false),
  pgp_keys: or(list('A PGP public key in base64 for each share, which is encrypted with it.'), []),
  recovery_pgp_keys: or(list('The same for the recovery shares.'), []),
  root_token_pgp_key: or(text('A PGP public key in base64 with which the root token is encrypted.'), ''),
}

/** What is answered in recovery mode too. */
export function statusPaths(deps: StatusDeps): Path[] {
  const { seal } = deps
  return [
    path('health', 'Whether the server can serve.', {}, (op) => ({
      read: op({ doc: 'Health, as a status code too.', access: 'open', always: true, input: healthInput, run: (_, input) => health(deps, input) }),
    })),
    path('seal-status', 'The seal.', {}, (op) => ({
      read: op({ doc: 'Read the state of the seal.', access: 'open', always: true, run: async () => plain(describe(deps, await seal.status())) }),
    })),
    path('leader', 'High availability.', {}, (op) => ({
      read: op({ doc: 'Read who leads.', access: 'open', always: true, run: () => plain(LEADER) }),
    })),
  ]
}

export function statePaths(deps: StateDeps): Path[] {
  const { seal } = deps
  return [
    ...statusPaths(deps),
    path('seal-backend-status', 'The seals that open by themselves.', {}, (op) => ({
      read: op({ doc: 'Read whether each of them works.', access: 'open', always: true, run: async () => plain(backends(await seal.backends())) }),
    })),
    path('init', 'Initialisation.', {}, (op) => ({
      read: op({
        doc: 'Read whether it was done.',
        access: 'open',
        always: true,
        run: async () => plain({ initialized: (await seal.status()).initialized }),
      }),
      write: op({
        doc: 'Make the keys and the root token.',
        access: 'open',
        always: true,
        input: initInput,
        run: (_, input) => initialise(seal, input),
      }),
    })),
    path('unseal', 'Unsealing.', {}, (op) => ({
      write: op({
        doc: 'Give one key share (key, as hex or base64), or start over (reset).',
        access: 'open',
        always: true,
        bytes: true,
        run: async (_, __, body) => plain(describe(deps, await seal.unseal(body))),
      }),
    })),
    path('seal', 'Sealing.', {}, (op) => ({
      write: op({
        doc: 'Forget the keys.',
        access: 'sudo',
        async run() {
          await seal.seal()
          return empty()
        },
      }),
    })),
  ]
}

function backends({ backends: all, fullyWrapped }: Awaited<ReturnType<SealPort['backends']>>): JsonObject {
  const sick = all.flatMap(({ unhealthySince }) => (unhealthySince === undefined ? [] : [unhealthySince]))
  const since = (ms: number | undefined): JsonObject => (ms === undefined ? {} : { unhealthy_since: formatTime(ms) })
  return {
    healthy: sick.length === 0,
    ...(sick.length === 0 ? {} : since(Math.min(...sick))),
    backends: all.map(({ name, healthy, unhealthySince }) => ({ name, healthy, ...since(unhealthySince) })),
    fully_wrapped: fullyWrapped,
  }
}

const LEADER: JsonObject = {
  ha_enabled: false,
  is_self: false,
  active_time: '0001-01-01T00:00:00Z',
  leader_address: '',
  leader_cluster_address: '',
  performance_standby: false,
  performance_standby_last_remote_wal: 0,
}

function clusterOf({ cluster }: StatusDeps): JsonObject {
  const known = cluster()
  return known ? { cluster_name: known.name, cluster_id: known.id } : {}
}

function auditOf({ audit }: StatusDeps): JsonObject {
  const state = audit()
  return state && state.devices > 0 ? { audit: { ...state } } : {}
}

function describe(deps: StatusDeps, status: SealStatus): JsonObject {
  const version = { version: VAULT_VERSION, signet_version: SIGNET_VERSION }
  return { ...status, ...version, ...clusterOf(deps), storage_type: deps.storageType }
}

async function health(deps: StatusDeps, input: Values<typeof healthInput>): Promise<Reply> {
  const { initialized, sealed, recovery_mode } = await deps.seal.status()
  const status = statusOf(initialized, sealed, input)
  if (status < 200 || status > 599) throw new Fault('invalid', 'a status code must be between 200 and 599')
  const body: JsonObject = {
    initialized,
    sealed,
    standby: false,
    performance_standby: false,
    replication_performance_mode: 'disabled',
    replication_dr_mode: 'disabled',
    server_time_utc: Math.floor(deps.clock.now() / 1000),
    version: VAULT_VERSION,
    signet_version: SIGNET_VERSION,
    ...(recovery_mode ? { recovery_mode } : {}),
    ...clusterOf(deps),
    ...auditOf(deps),
  }
  return plain(body, status)
}

function statusOf(initialized: boolean, sealed: boolean, input: Values<typeof healthInput>): number {
  if (!initialized) return input.uninitcode ?? 501
  return sealed ? (input.sealedcode ?? 503) : (input.activecode ?? 200)
}

async function initialise(seal: SealPort, input: Values<typeof initInput>): Promise<Reply> {
  const body = await seal.init({
    secretShares: input.secret_shares,
    secretThreshold: input.secret_threshold,
    storedShares: input.stored_shares,
    recoveryShares: input.recovery_shares,
    recoveryThreshold: input.recovery_threshold,
    recoveryUnseal: input.recovery_unseal,
    pgpKeys: input.pgp_keys,
    recoveryPgpKeys: input.recovery_pgp_keys,
    rootTokenPgpKey: input.root_token_pgp_key,
  })
  return { kind: 'raw', status: 200, contentType: 'application/json', body, wipe: true }
}

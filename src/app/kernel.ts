// The rooms put together: one request handler over a store, whether the server is sealed or not.
import type { LockoutSettings } from '../auth/lockout-rule.ts'
import { Fault } from '../base/fault.ts'
import type { Log } from '../base/log.ts'
import type { Folder, Ports } from '../base/ports.ts'
import { type Answer, faultAnswer } from '../contract/answer.ts'
import type { Received } from '../contract/call.ts'
import type { Module } from '../contract/module.ts'
import { type Limiter, openLimiter } from '../quota/limiter.ts'
import type { Denied } from '../pipeline/denials.ts'
import type { ModuleOf } from '../modules.ts'
import { openAlways } from '../pipeline/always.ts'
import { barrier, sealedFault } from '../seal/barrier.ts'
import type { Keyring } from '../seal/keyring.ts'
import type { Rings } from '../seal/rings.ts'
import { Usage } from '../seal/usage.ts'
import { measured } from '../store/measured.ts'
import type { FetchBundle } from '../spiffe/federation.ts'
import type { Spiffe } from '../spiffe/rooms.ts'
import type { Upstream } from '../spiffe/upstream.ts'
import type { Store } from '../store/store.ts'
import type { Cors } from '../sys/cors.ts'
import type { InFlight, ServerPort } from '../sys/server.ts'
import type { NamespaceSealPort } from '../sys/namespace-seals.ts'
import { type SealPort, statePaths } from '../sys/state.ts'
import type { Metrics } from '../telemetry/metrics.ts'
import { openInFlight } from './in-flight.ts'
import { SYSTEM_MOUNT } from './layout.ts'
import type { AuditSettings } from './audit.ts'
import { openRingUsage } from './ring-usage.ts'
import type { Staging } from './staging.ts'
import { openUnsealed, type Unsealed } from './unsealed.ts'

export interface KernelDeps {
  readonly ports: Ports
  readonly store: Store
  readonly keyring: Keyring
  readonly seal: SealPort
  /** The keys of namespaces with a seal of their own, of those that are unsealed, and who holds them all. */
  readonly rings: Rings
  readonly namespaceSeals: NamespaceSealPort
  readonly log: Log
  readonly metrics: Metrics
  readonly server: ServerPort
  /** Where a snapshot is made ready to replace the store. */
  readonly stage: () => Promise<Staging>
  readonly storageType: string
  readonly audit: AuditSettings
  /** Where audit records wait for remote sinks. */
  readonly spools: Folder
  /** System bounds of lifetimes, in seconds. */
  readonly defaultLeaseTtl: number
  readonly maxLeaseTtl: number
  /** How wrong guesses lock names; as built in where unset. */
  readonly lockout?: LockoutSettings
  /** What other processes know of a request that was refused, by its id; nothing where there are none. */
  readonly denied?: (id: string) => Promise<readonly Denied[]>
  /** Fetches the bundles of foreign trust domains; they can't be fetched where unset. */
  readonly fetchBundle?: FetchBundle
  /** Who signs the X.509 authorities of the trust domain; they sign themselves where unset. */
  readonly upstream?: Upstream | undefined
  /** As in the configuration; its default where unset. */
  readonly attestationRate?: number | undefined
  /** Modules besides the built-in ones. */
  readonly modules?: ModuleOf
}

export interface Kernel {
  handle(received: Received): Promise<Answer>
  /** Which web pages may call the API; none while sealed. */
  cors(): Cors | undefined
  /** What is being answered. */
  inFlight(): readonly InFlight[]
  /** Due work, in bounded steps: expired tokens, removals that were cut short. Does nothing while sealed. */
  sweep(): Promise<void>
  /** Takes back leases that ended; to be begun several times a second, whether or not the last call is over. */
  expire(): Promise<void>
  /** Lets go of audit files, so that log rotation can move them. */
  reopen(): void
  /** Where this process tells what it spent of rate limits, and hears what others did. */
  readonly limiter: Pick<Limiter, 'news' | 'hear'>
  /** A request that was refused here, for other processes. */
  denied(id: string): Denied | undefined
  /** The trust domain; undefined while sealed, and where none is mounted. */
  spiffe(): Spiffe | undefined
  /** Drops all that needed the keys; called when they are gone. Resolves when the last audit lines are written. */
  forget(): Promise<void>
  /** Drops what was read of namespaces; called when the keys of some are gone. */
  forgetNamespaces(): void
  /** How many numbers of a term this process took for sealing and has left. */
  unspent(term: number): number
  /** The same of a term of a namespace with a seal of its own, by its id. */
  unspentOf(id: string, term: number): number
}

export function openKernel(deps: KernelDeps): Kernel {
  const { keyring, log, metrics, ports } = deps
  const usage = new Usage(deps.store, keyring, ports.random)
  const running = openInFlight()
  const plain = barrier(deps.store, keyring, ports.random, (term, count) => usage.take(term, count))
  const inside = measured(plain, { monotonic: ports.clock.monotonic, observe: metrics.barrier })
  const ringUsage = openRingUsage(inside, deps.rings, ports.random)
  const limiter = openLimiter(ports.clock)
  let unsealed: Unsealed | undefined

  function current(): Unsealed {
    if (keyring.sealed) throw sealedFault()
    unsealed ??= openUnsealed({ ...deps, limiter, ringUsage }, inside)
    return unsealed
  }

  const bounds = { defaultTtl: deps.defaultLeaseTtl, maxTtl: deps.maxLeaseTtl }
  const cluster = () => (keyring.sealed ? undefined : current().cluster)
  const audit = () => (keyring.sealed ? undefined : current().auditState())
  const state = { seal: deps.seal, clock: ports.clock, storageType: deps.storageType, cluster, audit }
  const module: Module = { kind: 'system', type: 'system', doc: 'The state of the server.', paths: statePaths(state) }
  const { clock, random } = ports
  const always = openAlways({ clock, random, storeOf: () => inside, boundsOf: () => bounds, module, mount: SYSTEM_MOUNT, log })

  async function answer(received: Received): Promise<Answer> {
    try {
      return await (always(received) ?? current().handle(received))
    } catch (error) {
      if (error instanceof Fault) return faultAnswer(error)
      throw error
    }
  }

  async function forget(): Promise<void> {
    const dropped = unsealed
    unsealed = undefined
    await dropped?.close()
  }

  return {
    cors: () => (keyring.sealed ? undefined : current().cors()),
    inFlight: running.list,
    handle: (received) => running.watch(received, metrics.request(received.verb, isLogin(received)), () => answer(received)),
    spiffe: () => (keyring.sealed ? undefined : current().spiffe()),
    async sweep() {
      if (!keyring.sealed) await current().sweep()
    },
    async expire() {
      if (!keyring.sealed) await current().expire()
    },
    reopen: () => unsealed?.reopen(),
    limiter,
    denied: (id) => unsealed?.denied(id),
    forget,
    forgetNamespaces: () => unsealed?.forgetNamespaces(),
    unspent: (term) => usage.unspent(term),
    unspentOf: ringUsage.unspent,
  }
}

function isLogin({ path, token }: Received): boolean {
  return token === undefined && /^auth\/.+\/login(?:\/|$)/.test(path)
}

// One serving process: its kernel, its listeners, and what a supervisor or the process itself tells it to do.
import type { Log } from '../base/log.ts'
import type { Folder, Ports } from '../base/ports.ts'
import type { Keyring } from '../seal/keyring.ts'
import type { Rings } from '../seal/rings.ts'
import type { Store } from '../store/store.ts'
import type { ModuleOf } from '../modules.ts'
import type { NamespaceSealPort } from '../sys/namespace-seals.ts'
import type { ServerPort } from '../sys/server.ts'
import type { SealPort } from '../sys/state.ts'
import type { Metrics } from '../telemetry/metrics.ts'
import type { AuditSettings } from './audit.ts'
import { openBundleFetch } from './bundle-fetch.ts'
import type { ListenerSettings } from './config/listener.ts'
import type { SpiffeConfig } from './config/spiffe.ts'
import { type Kernel, type KernelDeps, openKernel } from './kernel.ts'
import { GRACE_MS, openDoor, reloadDoors } from './doors.ts'
import type { Listener } from './listen.ts'
import { withOpenPaths } from './open-paths.ts'
import { ports } from './ports.ts'
import type { Staging } from './staging.ts'
import { openTrustDoors } from './trust-doors.ts'
import { openUpstream } from './upstream.ts'

export interface ServingDeps {
  readonly store: Store
  readonly storageType: string
  readonly keyring: Keyring
  readonly seal: SealPort
  readonly rings: Rings
  readonly namespaceSeals: NamespaceSealPort
  readonly log: Log
  readonly metrics: Metrics
  readonly server: ServerPort
  readonly stage: () => Promise<Staging>
  readonly denied?: NonNullable<KernelDeps['denied']>
  readonly settings: {
    readonly listeners: readonly ListenerSettings[]
    readonly audit: AuditSettings
    readonly spiffe?: SpiffeConfig | undefined
  } & Pick<KernelDeps, 'defaultLeaseTtl' | 'maxLeaseTtl' | 'lockout'>
  /** Modules besides the built-in ones. */
  readonly modules?: ModuleOf
  /** Where audit records wait for remote sinks. */
  readonly spools: Folder
  /** Writes whole lines to standard output. */
  readonly print: Ports['print']
}

export interface Serving {
  readonly kernel: Kernel
  readonly listeners: readonly Listener[]
  /** Takes headers, reads TLS files anew and lets go of audit files; what can't be read keeps its old state, with a log line. */
  reload(settings?: readonly ListenerSettings[]): void
  /** Starts to do due work. */
  lead(): void
  /** Answers what is running, then lets go of everything. */
  close(): Promise<void>
}

const SWEEP_MS = 1_000
/** Leases are taken back less than a second after they end. */
const EXPIRE_MS = 200

export async function openServing(deps: ServingDeps): Promise<Serving> {
  const { log, settings, metrics } = deps
  const fetchBundle = openBundleFetch(settings.spiffe?.federation ?? { allowLocal: false }, ports.clock)
  const { upstream: above, attestationRate } = settings.spiffe ?? {}
  const upstream = above && openUpstream(above, ports)
  const kernel = openKernel({ ...deps, ...settings, fetchBundle, upstream, attestationRate, ports: { ...ports, print: deps.print } })
  const doors = await Promise.all(
    settings.listeners.map((one) => {
      const handle = withOpenPaths((received) => kernel.handle(received), one.open ?? [], deps.server)
      return openDoor(one, { handle, cors: kernel.cors, refused: metrics.refused, log })
    }),
  )
  const listeners = doors.map(({ listener }) => listener)
  const trustDoors = await openTrustDoors(settings.spiffe, kernel, ports, log.named('edge'))
  let stopSweeping = () => {}
  let sweeping = false

  async function sweep(): Promise<void> {
    if (sweeping) return
    sweeping = true
    try {
      await kernel.sweep()
    } catch (error) {
      log.error('due work failed', {}, error)
    } finally {
      sweeping = false
    }
  }

  /** Not awaited by the next: a slow target holds up its own leases only. */
  function expire(): void {
    kernel.expire().catch((error: unknown) => log.error('leases could not be taken back', {}, error))
  }

  metrics.unsealed(!deps.keyring.sealed)
  return {
    kernel,
    listeners,
    reload(now = settings.listeners) {
      kernel.reopen()
      trustDoors.reload()
      reloadDoors(doors, now, log)
    },
    lead() {
      const stops = [ports.timers.every(SWEEP_MS, () => void sweep()), ports.timers.every(EXPIRE_MS, expire)]
      stopSweeping = () => stops.forEach((stop) => stop())
    },
    async close() {
      stopSweeping()
      await Promise.all(listeners.map((listener) => listener.close(GRACE_MS)))
      await trustDoors.close()
      await kernel.forget()
    },
  }
}

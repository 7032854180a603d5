// The doors of a trust domain besides the API: where agents are served, where it is administered, and where its bundle is published.
import type { Log } from '../base/log.ts'
import type { Ports } from '../base/ports.ts'
import { fileProblem } from '../cli/failure.ts'
import { listenAdmin } from './admin-socket.ts'
import { listenBundle } from './bundle-endpoint.ts'
import type { SpiffeConfig } from './config/spiffe.ts'
import type { Kernel } from './kernel.ts'
import { listenSpire } from './spire-listener.ts'

export interface TrustDoors {
  /** Reads TLS files anew; what can't be read keeps its old state, with a log line. */
  reload(): void
  close(): Promise<void>
}

/** Nothing is opened where nothing is configured. Throws a Failure where an address or a file can't be used. */
export async function openTrustDoors(
  config: SpiffeConfig | undefined,
  kernel: Kernel,
  ports: Pick<Ports, 'clock' | 'random' | 'timers'>,
  log: Log,
): Promise<TrustDoors> {
  const agents = config && (await listenSpire(config.agentAddress, kernel, ports, log))
  const operators = config?.adminSocket && (await listenAdmin(config.adminSocket, kernel, ports, log))
  const bundle = config?.bundleEndpoint && (await listenBundle(config.bundleEndpoint, kernel, ports))
  return {
    reload() {
      try {
        bundle?.reload()
      } catch (error) {
        log.error('the certificate of the bundle endpoint could not be reloaded; the old one stays', { reason: fileProblem(error) })
      }
    },
    async close() {
      await Promise.all([agents?.close(), operators?.close(), bundle?.close()])
    },
  }
}

// A development server's trust domain: where agents are served, and an agent for the workloads of the user who started it.
import { join } from 'node:path'
import { joinToken } from '../agent/attestation.ts'
import { unixAttestor } from '../agent/attestors/unix.ts'
import { type Drawer, KEY_BYTES } from '../agent/keeping.ts'
import { Fault } from '../base/fault.ts'
import type { JsonObject } from '../base/json.ts'
import type { Log } from '../base/log.ts'
import { Failure } from '../cli/failure.ts'
import { parseTrustDomain, spiffeId, type TrustDomain } from '../crypto/spiffe-id.ts'
import { SIGNET_VERSION } from '../sys/version.ts'
import { runAgent, type RunningAgent } from './agent.ts'
import { localAccounts } from './agent-processes.ts'
import { AGENT_DEFAULTS } from './config/agent.ts'
import type { Kernel } from './kernel.ts'
import { ports } from './ports.ts'
import { listenSpire } from './spire-listener.ts'

export interface DevAgent {
  readonly socketPath: string
  readonly adminSocketPath: string
  /** What entries name as their parent. */
  readonly node: string
  close(): Promise<void>
}

/** Writes to a path as root. */
export type Write = (path: string, body: JsonObject) => Promise<JsonObject>

/** The agent keeps nothing: it lasts as long as its server. */
export async function openDevAgent(trustDomain: TrustDomain, folder: string, kernel: Kernel, write: Write, log: Log): Promise<DevAgent> {
  const node = spiffeId(trustDomain, '/node')
  await write('sys/mounts/spiffe', { type: 'spiffe', description: 'workload identity' })
  await write('spiffe/config', { trust_domain: trustDomain })
  const { token } = await write('spiffe/join-tokens', { ttl: '1h', spiffe_id: node })
  const listener = await listenSpire('127.0.0.1:0', kernel, ports, log)
  const socketPath = join(folder, 'agent.sock')
  const adminSocketPath = join(folder, 'agent-admin', 'api.sock')
  const running = await runAgent(
    {
      ...AGENT_DEFAULTS,
      settings: {
        ...AGENT_DEFAULTS,
        trustDomain,
        addresses: [`127.0.0.1:${listener.port}`],
        attestation: joinToken(() => String(token)),
        bootstrap: () => kernel.spiffe()?.authorities.bundle().x509Authorities ?? [],
        syncInterval: SYNC_MS,
        version: SIGNET_VERSION,
      },
      drawer: noDrawer,
      key: ports.random.bytes(KEY_BYTES),
      workloadAttestors: [unixAttestor(localAccounts(), { programs: false, mostBytes: 0 })],
      socket: { path: socketPath, mode: 0o600 },
      adminSocket: { path: adminSocketPath, mode: 0o600 },
      operators: [process.getuid?.() ?? -1],
    },
    ports,
    log,
  )
  void running.ended.then(({ message }) => log.error('the agent ended', { reason: message }))
  await begun(running)
  return {
    socketPath,
    adminSocketPath,
    node,
    async close() {
      await running.close()
      await listener.close()
    },
  }
}

/** Who tries things out doesn't want to wait. */
const SYNC_MS = 1_000

const noDrawer: Drawer = { read: () => undefined, write() {}, remove() {} }

/** From the flag. Throws a Failure for a name that is none. */
export function devTrustDomain(text: string): TrustDomain {
  try {
    return parseTrustDomain(text)
  } catch (error) {
    if (error instanceof Fault) throw new Failure(1, `-dev-trust-domain=${text}: ${error.message}`)
    throw error
  }
}

/** Until it knows what there is, or has ended. */
function begun({ agent, ended }: RunningAgent): Promise<void> {
  return new Promise((resolve) => {
    agent.changes.listen(resolve)
    void ended.then(() => resolve())
    if (agent.ready()) resolve()
  })
}

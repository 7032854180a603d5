// The agent as a whole: its parts put together, its socket open, until it is told to stop or cannot go on.
import { startAgent, type Agent, type AgentSettings } from '../agent/agent.ts'
import type { WorkloadAttestor } from '../agent/attestors/attestor.ts'
import type { Ending } from '../agent/denial.ts'
import { healthServices } from '../agent/health.ts'
import { type Drawer, openKeeping } from '../agent/keeping.ts'
import { openAttest } from '../agent/workload/attest.ts'
import { workloadServices } from '../agent/workload/service.ts'
import type { Log } from '../base/log.ts'
import type { Ports } from '../base/ports.ts'
import { openGrpc } from '../wire/grpc.ts'
import { dialer } from './agent-dial.ts'
import { listenLocal, type LocalSocket, type Peers } from './agent-sockets.ts'

export interface AgentParts {
  readonly settings: AgentSettings
  readonly drawer: Drawer
  /** What the drawer is sealed under. */
  readonly key: Buffer
  readonly workloadAttestors: readonly WorkloadAttestor[]
  readonly socket: LocalSocket
  readonly allowUnauthenticatedVerifiers: boolean
  readonly foreignClaims: readonly string[]
}

export interface RunningAgent {
  readonly agent: Agent
  readonly ended: Promise<Ending>
  close(): Promise<void>
}

/** Throws a Failure where the socket can't be listened on. */
export async function runAgent(parts: AgentParts, ports: Pick<Ports, 'clock' | 'timers' | 'random'>, log: Log): Promise<RunningAgent> {
  const { settings, drawer, key } = parts
  const { clock, timers } = ports
  const keeping = openKeeping(drawer, key, ports.random, log)
  const agent = startAgent(settings, { ...ports, dial: dialer(settings.trustDomain, clock), keeping, log })
  const peers: Peers = new Map()
  const shared = { agent, timers, clock, processOf: (peer: string) => peers.get(peer), attest: openAttest(parts.workloadAttestors, log) }
  const grpc = openGrpc({ ...workloadServices({ ...shared, ...parts }), ...healthServices(agent, timers) }, (error) =>
    log.error('a call failed', {}, error),
  )
  try {
    const listener = await listenLocal(parts.socket, grpc, peers, log)
    log.info('workloads are served', { socket: parts.socket.path })
    return {
      agent,
      ended: agent.ended,
      async close() {
        grpc.close()
        await listener.close()
        await agent.stop()
      },
    }
  } catch (error) {
    await agent.stop()
    throw error
  }
}

// The agent as a whole: its parts put together, its sockets open, until it is told to stop or cannot go on.
import { type Agent, type AgentSettings, startAgent } from '../agent/agent.ts'
import type { WorkloadAttestor } from '../agent/attestors/attestor.ts'
import { forBrokers } from '../agent/broker/access.ts'
import { FILE as BROKER_FILE } from '../agent/broker/messages.ts'
import { brokerServices } from '../agent/broker/service.ts'
import { openAttestObject } from '../agent/broker/workloads.ts'
import { FILES as DELEGATED_FILES } from '../agent/delegated/messages.ts'
import { delegatedServices } from '../agent/delegated/service.ts'
import type { Ending } from '../agent/denial.ts'
import { HEALTH_FILE, healthServices } from '../agent/health.ts'
import { type Drawer, openKeeping } from '../agent/keeping.ts'
import { FILES as SDS_FILES } from '../agent/sds/messages.ts'
import { FILE as OPERATOR_FILE } from '../agent/operator/messages.ts'
import { operatorServices } from '../agent/operator/service.ts'
import { sdsServices } from '../agent/sds/service.ts'
import { openAttest } from '../agent/workload/attest.ts'
import { FILE as WORKLOAD_FILE } from '../agent/workload/messages.ts'
import { workloadServices } from '../agent/workload/service.ts'
import type { Log } from '../base/log.ts'
import type { Ports } from '../base/ports.ts'
import type { SpiffeId } from '../crypto/spiffe-id.ts'
import { type GrpcServer, openGrpc } from '../wire/grpc.ts'
import { withReflection } from '../wire/reflection.ts'
import { ANY_FILE } from '../wire/rpc-status.ts'
import { STRUCT_FILE } from '../wire/struct.ts'
import { type BrokerListener, type Connections, listenBrokers } from './agent-broker.ts'
import { dialer } from './agent-dial.ts'
import { processOfPid } from './agent-processes.ts'
import { listenLocal, type LocalListener, type LocalSocket, type Peers } from './agent-sockets.ts'
import type { BrokerConfig } from './config/agent-broker.ts'
import type { SdsConfig } from './config/agent.ts'
import { systemRoots } from './system-roots.ts'

export interface AgentParts {
  readonly settings: AgentSettings
  readonly drawer: Drawer
  /** What the drawer is sealed under. */
  readonly key: Buffer
  readonly workloadAttestors: readonly WorkloadAttestor[]
  readonly socket: LocalSocket
  readonly adminSocket: LocalSocket | undefined
  readonly delegates: readonly SpiffeId[]
  /** Users who may ask on the admin socket what the agent knows, by number. */
  readonly operators: readonly number[]
  /** Where brokers connect; undefined for nowhere. */
  readonly broker: BrokerConfig | undefined
  readonly sds: SdsConfig | undefined
  readonly allowUnauthenticatedVerifiers: boolean
  readonly foreignClaims: readonly string[]
}

export interface RunningAgent {
  readonly agent: Agent
  readonly ended: Promise<Ending>
  /** Where brokers connect by TCP, if anywhere. */
  readonly brokerPort: number | undefined
  close(): Promise<void>
}

/** Throws a Failure where a socket can't be listened on. */
export async function runAgent(parts: AgentParts, ports: Pick<Ports, 'clock' | 'timers' | 'random'>, log: Log): Promise<RunningAgent> {
  const { settings, drawer, key } = parts
  const keeping = openKeeping(drawer, key, ports.random, log)
  const agent = startAgent(settings, { ...ports, dial: dialer(settings.trustDomain, ports.clock), keeping, log })
  const peers: Peers = new Map()
  const doors: Door[] = []
  const close = async () => {
    for (const { grpc } of doors) grpc.close()
    await Promise.all(doors.map(({ listener }) => listener.close()))
    await agent.stop()
  }
  try {
    for (const { socket, grpc } of doorsOf(parts, agent, peers, ports, log)) {
      doors.push({ grpc, listener: await listenLocal(socket, grpc, peers, log) })
      log.info('listening', { socket: socket.path })
    }
    const brokers = parts.broker && (await openBrokerDoor(parts, parts.broker, agent, ports, log))
    if (brokers) doors.push(brokers)
    return { agent, ended: agent.ended, brokerPort: brokers?.listener.port, close }
  } catch (error) {
    await close()
    throw error
  }
}

interface Door {
  readonly grpc: GrpcServer
  readonly listener: LocalListener
}

/** Where the messages of what is served have their names. */
const FILES = [HEALTH_FILE, WORKLOAD_FILE, STRUCT_FILE, ...SDS_FILES, ...DELEGATED_FILES, OPERATOR_FILE]

/** Each socket with what is served there. */
function doorsOf(
  parts: AgentParts,
  agent: Agent,
  peers: Peers,
  ports: Pick<Ports, 'clock' | 'timers' | 'random'>,
  log: Log,
): { readonly socket: LocalSocket; readonly grpc: GrpcServer }[] {
  const shared = { ...ports, log, agent, processOf: (peer: string) => peers.get(peer), attest: openAttest(parts.workloadAttestors, log) }
  const failed = (error: unknown) => log.error('a call failed', {}, error)
  const health = healthServices(agent, ports.timers)
  const sds = parts.sds ? sdsServices({ ...shared, ...parts.sds, systemRoots }) : {}
  const workloads = openGrpc(withReflection({ ...workloadServices({ ...shared, ...parts }), ...sds, ...health }, FILES), failed)
  if (!parts.adminSocket) return [{ socket: parts.socket, grpc: workloads }]
  const admin = {
    ...delegatedServices({ ...shared, delegates: parts.delegates, processOfPid }),
    ...operatorServices({ ...shared, operators: parts.operators, attestors: parts.workloadAttestors, processOfPid }),
    ...health,
  }
  return [
    { socket: parts.socket, grpc: workloads },
    { socket: parts.adminSocket, grpc: openGrpc(withReflection(admin, FILES), failed) },
  ]
}

async function openBrokerDoor(
  { workloadAttestors, allowUnauthenticatedVerifiers }: AgentParts,
  config: BrokerConfig,
  agent: Agent,
  ports: Pick<Ports, 'clock' | 'timers'>,
  log: Log,
): Promise<Door & { readonly listener: BrokerListener }> {
  const connections: Connections = new Map()
  const deps = {
    ...ports,
    agent,
    brokers: config.brokers,
    connectionOf: (peer: string) => connections.get(peer),
    attest: openAttest(workloadAttestors, log),
    attestObject: openAttestObject(workloadAttestors, log),
    processOfPid,
    allowUnauthenticatedVerifiers,
  }
  const services = withReflection({ ...brokerServices(deps), ...healthServices(agent, ports.timers) }, [BROKER_FILE, ANY_FILE, HEALTH_FILE])
  const grpc = openGrpc(forBrokers(services, deps), (error) => log.error('a call failed', {}, error))
  const listener = await listenBrokers(config, { ...ports, agent, grpc, connections, log })
  log.info('listening for brokers', {
    ...(config.socket ? { socket: config.socket.path } : {}),
    ...(config.address ? { address: config.address } : {}),
  })
  return { grpc, listener }
}

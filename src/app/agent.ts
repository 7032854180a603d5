// The agent as a whole: its parts put together, its sockets open, until it is told to stop or cannot go on.
import { type Agent, type AgentSettings, startAgent } from '../agent/agent.ts'
import type { WorkloadAttestor } from '../agent/attestors/attestor.ts'
import { counted } from '../agent/attestors/counted.ts'
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
import { type AgentMeter, noMeter, openAgentMetrics } from '../telemetry/agent-metrics.ts'
import { type GrpcServer, openGrpc, type Services } from '../wire/grpc.ts'
import { metered } from '../wire/metered.ts'
import { withReflection } from '../wire/reflection.ts'
import { ANY_FILE } from '../wire/rpc-status.ts'
import { STRUCT_FILE } from '../wire/struct.ts'
import { type BrokerListener, type Connections, listenBrokers } from './agent-broker.ts'
import { dialer } from './agent-dial.ts'
import { processOfPid } from './agent-processes.ts'
import { listenLocal, type LocalListener, type LocalSocket, type Peers } from './agent-sockets.ts'
import { agentState, listenTelemetry, openAgentSelf } from './agent-telemetry.ts'
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
  /** host:port where it tells how it is doing; undefined for nowhere. */
  readonly telemetryAddress: string | undefined
}

export interface RunningAgent {
  readonly agent: Agent
  readonly ended: Promise<Ending>
  /** Where brokers connect by TCP, if anywhere. */
  readonly brokerPort: number | undefined
  readonly telemetryPort: number | undefined
  close(): Promise<void>
}

/** Throws a Failure where a socket can't be listened on. */
export async function runAgent(parts: AgentParts, ports: Pick<Ports, 'clock' | 'timers' | 'random'>, log: Log): Promise<RunningAgent> {
  const { settings, drawer, key } = parts
  const keeping = openKeeping(drawer, key, ports.random, log)
  const meter = parts.telemetryAddress === undefined ? undefined : openAgentMetrics(openAgentSelf())
  const tools: Tools = { ...ports, log, meter: meter ?? noMeter }
  const agent = startAgent(settings, { ...tools, dial: dialer(settings.trustDomain, ports.clock), keeping })
  const peers: Peers = new Map()
  const doors: Door[] = []
  const close = async () => {
    for (const { grpc } of doors) grpc?.close()
    await Promise.all(doors.map(({ listener }) => listener.close()))
    await agent.stop()
  }
  try {
    for (const { socket, grpc } of doorsOf(parts, agent, peers, tools)) {
      doors.push({ grpc, listener: await listenLocal(socket, grpc, peers, tools) })
      log.info('listening', { socket: socket.path })
    }
    const brokers = parts.broker && (await openBrokerDoor(parts, parts.broker, agent, tools))
    if (brokers) doors.push(brokers)
    const telemetry = meter && (await listenTelemetry(parts.telemetryAddress ?? '', meter, agent, () => agentState(agent, ports.clock, peers.size)))
    if (telemetry) doors.push({ listener: telemetry })
    return { agent, ended: agent.ended, brokerPort: brokers?.listener.port, telemetryPort: telemetry?.port, close }
  } catch (error) {
    await close()
    throw error
  }
}

/** What every part of it works with. */
interface Tools extends Pick<Ports, 'clock' | 'timers' | 'random'> {
  readonly log: Log
  readonly meter: AgentMeter
}

interface Door {
  readonly grpc?: GrpcServer
  readonly listener: LocalListener
}

/** Where the messages of what is served have their names. */
const FILES = [HEALTH_FILE, WORKLOAD_FILE, STRUCT_FILE, ...SDS_FILES, ...DELEGATED_FILES, OPERATOR_FILE]

/** Each socket with what is served there. */
function doorsOf(parts: AgentParts, agent: Agent, peers: Peers, tools: Tools): { readonly socket: LocalSocket; readonly grpc: GrpcServer }[] {
  const { log, meter, timers } = tools
  const attestors = parts.workloadAttestors.map((one) => counted(one, tools))
  const shared = { ...tools, agent, processOf: (peer: string) => peers.get(peer), attest: openAttest(attestors, log) }
  const served = (services: Services) =>
    openGrpc(withReflection(metered(services, meter.call), FILES), (error) => log.error('a call failed', {}, error))
  const health = healthServices(agent, timers)
  const sds = parts.sds ? sdsServices({ ...shared, ...parts.sds, systemRoots }) : {}
  const workloads = served({ ...workloadServices({ ...shared, ...parts }), ...sds, ...health })
  if (!parts.adminSocket) return [{ socket: parts.socket, grpc: workloads }]
  const admin = served({
    ...delegatedServices({ ...shared, delegates: parts.delegates, processOfPid }),
    ...operatorServices({ ...shared, operators: parts.operators, attestors, processOfPid }),
    ...health,
  })
  return [
    { socket: parts.socket, grpc: workloads },
    { socket: parts.adminSocket, grpc: admin },
  ]
}

async function openBrokerDoor(
  { workloadAttestors, allowUnauthenticatedVerifiers }: AgentParts,
  config: BrokerConfig,
  agent: Agent,
  tools: Tools,
): Promise<{ readonly grpc: GrpcServer; readonly listener: BrokerListener }> {
  const { log, meter, timers } = tools
  const connections: Connections = new Map()
  const attestors = workloadAttestors.map((one) => counted(one, tools))
  const deps = {
    ...tools,
    agent,
    brokers: config.brokers,
    connectionOf: (peer: string) => connections.get(peer),
    attest: openAttest(attestors, log),
    attestObject: openAttestObject(attestors, log),
    processOfPid,
    allowUnauthenticatedVerifiers,
  }
  const services = withReflection({ ...brokerServices(deps), ...healthServices(agent, timers) }, [BROKER_FILE, ANY_FILE, HEALTH_FILE])
  const grpc = openGrpc(metered(forBrokers(services, deps), meter.call), (error) => log.error('a call failed', {}, error))
  const listener = await listenBrokers(config, { ...deps, ...tools, grpc, connections })
  log.info('listening for brokers', {
    ...(config.socket ? { socket: config.socket.path } : {}),
    ...(config.address ? { address: config.address } : {}),
  })
  return { grpc, listener }
}

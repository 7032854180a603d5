// signet.agent.v1.Operator: for the users of this machine who may run the agent, and for nobody else.
import type { Log } from '../../base/log.ts'
import { type Call, GrpcError, type Services, STATUS, unary } from '../../wire/grpc.ts'
import type { Of } from '../../wire/protobuf.ts'
import type { Agent } from '../agent.ts'
import type { WorkloadAttestor } from '../attestors/attestor.ts'
import { NoWorkload, type Process } from '../processes.ts'
import { examine } from '../workload/attest.ts'
import { callerOf } from '../workload/subscription.ts'
import { explain } from './explain.ts'
import * as wire from './messages.ts'

export interface OperatorDeps {
  readonly agent: Agent
  readonly attestors: readonly WorkloadAttestor[]
  /** Users who may, by number. */
  readonly operators: readonly number[]
  /** The process behind a connection, by the name it was injected under; undefined once it is closed. */
  readonly processOf: (peer: string) => Process | undefined
  /** A process by its number. Throws NoWorkload for what is none. */
  readonly processOfPid: (pid: number) => Process
  readonly log: Log
}

export function operatorServices(deps: OperatorDeps): Services {
  return {
    [wire.SERVICE]: {
      ExplainWorkload: unary(wire.ExplainRequest, wire.ExplainResponse, (call, { pid }) => explainWorkload(deps, call, pid)),
    },
  }
}

async function explainWorkload(deps: OperatorDeps, call: Call, pid: number): Promise<Partial<Of<typeof wire.ExplainResponse>>> {
  const { agent, attestors, processOfPid, log } = deps
  const { uid } = callerOf(deps, call)
  if (!deps.operators.includes(uid)) throw new GrpcError(STATUS.denied, `user ${uid} is no operator of this agent`)
  if (pid <= 0) throw new GrpcError(STATUS.invalid, 'the pid must be a positive integer')
  if (!agent.ready()) throw new GrpcError(STATUS.unavailable, 'the agent has heard nothing from its server yet')
  const process = opened(processOfPid, pid)
  try {
    log.info('a workload is explained', { pid, uid })
    return { pid, name: nameOf(process), ...explain(agent, await examine(attestors, process)) }
  } finally {
    process.close()
  }
}

function opened(processOfPid: OperatorDeps['processOfPid'], pid: number): Process {
  try {
    return processOfPid(pid)
  } catch (error) {
    if (error instanceof NoWorkload) throw new GrpcError(STATUS.notFound, error.message)
    throw error
  }
}

/** As it calls itself; '' where it has ended since. */
function nameOf(process: Process): string {
  try {
    return process.read('comm').toString().trim()
  } catch {
    return ''
  }
}

// Attests a workload: all attestors see the same living process, running the same program, from first to last.
import type { Log } from '../../base/log.ts'
import { GrpcError, STATUS } from '../../wire/grpc.ts'
import type { WorkloadAttestor } from '../attestors/attestor.ts'
import type { Process } from '../processes.ts'

/** `type:value` each. Throws `unavailable` where it could not be found out, or was no longer true at the end. */
export type Attest = (process: Process) => Promise<ReadonlySet<string>>

const TRIES = 3

export function openAttest(attestors: readonly WorkloadAttestor[], log: Log): Attest {
  return async (caller) => {
    const { attestors: found, problem } = await examine(attestors, caller)
    if (problem === undefined) return new Set(found.flatMap(({ selectors }) => selectors))
    log.warn('workload attestation failed', { pid: caller.pid, reason: problem })
    throw new GrpcError(STATUS.unavailable, 'workload attestation failed')
  }
}

/** What each attestor found out, and why that is not enough; undefined where it is. */
export interface Findings {
  readonly attestors: readonly Finding[]
  readonly problem: string | undefined
}

export interface Finding {
  readonly type: string
  /** `type:value` each. */
  readonly selectors: readonly string[]
  readonly problem: string | undefined
}

/** Asks every attestor, once more where the process became another meanwhile. */
export async function examine(attestors: readonly WorkloadAttestor[], process: Process): Promise<Findings> {
  let found: Finding[] = []
  for (let tries = 0; tries < TRIES; tries++) {
    const before = process.image()
    found = await Promise.all(attestors.map((one) => ask(one, process)))
    if (!process.isAlive()) return { attestors: found, problem: 'the process has ended' }
    if (process.image() !== before) continue
    const failed = found.find(({ problem }) => problem !== undefined)
    return { attestors: found, problem: failed && `${failed.type}: ${failed.problem}` }
  }
  return { attestors: found, problem: 'the process changed again and again' }
}

async function ask(attestor: WorkloadAttestor, process: Process): Promise<Finding> {
  const { type } = attestor
  try {
    return { type, selectors: (await attestor.attest(process)).map((value) => `${type}:${value}`), problem: undefined }
  } catch (error) {
    return { type, selectors: [], problem: (error as Error).message }
  }
}

/** Looks at a process again and again: its selectors, found out anew when it became another; undefined once it has ended. */
export function describing(process: Process, attest: () => Promise<ReadonlySet<string>>): () => Promise<ReadonlySet<string> | undefined> {
  let known: { readonly image: string; readonly selectors: ReadonlySet<string> } | undefined
  return async () => {
    if (!process.isAlive()) return undefined
    const image = process.image()
    if (known?.image !== image) known = { image, selectors: await attest() }
    return known.selectors
  }
}

// Attests a workload: all attestors see the same living process, running the same program, from first to last.
import type { Log } from '../../base/log.ts'
import { GrpcError, STATUS } from '../../wire/grpc.ts'
import type { WorkloadAttestor } from '../attestors/attestor.ts'
import type { Process } from '../processes.ts'

/** `type:value` each. Throws `unavailable` where it could not be found out, or was no longer true at the end. */
export type Attest = (process: Process) => Promise<ReadonlySet<string>>

const TRIES = 3

export function openAttest(attestors: readonly WorkloadAttestor[], log: Log): Attest {
  async function ask(caller: Process): Promise<string[]> {
    const found = await Promise.all(attestors.map(async (attestor) => (await attestor.attest(caller)).map((value) => `${attestor.type}:${value}`)))
    return found.flat()
  }

  return async (caller) => {
    try {
      for (let tries = 0; tries < TRIES; tries++) {
        const before = caller.image()
        const selectors = await ask(caller)
        if (!caller.isAlive()) throw new Error('the process has ended')
        if (caller.image() === before) return new Set(selectors)
      }
      throw new Error('the process changed again and again')
    } catch (error) {
      log.warn('workload attestation failed', { pid: caller.pid, reason: (error as Error).message })
      throw new GrpcError(STATUS.unavailable, 'workload attestation failed')
    }
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

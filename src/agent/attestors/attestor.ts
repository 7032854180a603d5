// A workload attestor: facts about a process that it cannot choose for itself.
import type { Process } from '../processes.ts'

export interface WorkloadAttestor {
  /** The type of its selectors. */
  readonly type: string
  /**
   * Values of its selectors; none where it has nothing to say of such a process. Throws where it could not find out:
   * a workload that is known by half only could get an identity that is meant for another.
   */
  attest(process: Process): Promise<readonly string[]>
}

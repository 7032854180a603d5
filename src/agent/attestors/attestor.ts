// A workload attestor: facts about a process that it cannot choose for itself, or about an object that stands for a workload.
import type { Process } from '../processes.ts'

export interface WorkloadAttestor {
  /** The type of its selectors. */
  readonly type: string
  /**
   * Values of its selectors; none where it has nothing to say of such a process. Throws where it could not find out:
   * a workload that is known by half only could get an identity that is meant for another.
   */
  attest(process: Process): Promise<readonly string[]>
  /** Absent where it knows of no objects. */
  readonly objects?: ObjectAttestor
}

/** An object of Kubernetes, by its name, its uid, or both (SPIFFE_Broker_API.md §3.1.3). */
export interface ObjectReference {
  /** As in `pods`. */
  readonly plural: string
  /** Of its API; `core` for that without a name. */
  readonly group: string
  readonly key: { readonly namespace: string; readonly name: string } | undefined
  readonly uid: string | undefined
}

/** Values of its selectors; or why such a reference leads nowhere, whether or not there is an object. */
export type ObjectFindings = { readonly values: readonly string[] } | { readonly refused: string }

export interface ObjectAttestor {
  /**
   * Undefined where there is no such object, or where the one of that name has another uid. What was true some seconds ago will do
   * where it is only looked at again. Throws where it could not find out.
   */
  attest(reference: ObjectReference, again: boolean): Promise<ObjectFindings | undefined>
}

// What a reference leads to, looked at again and again: a process, or an object of a control plane, for as long as it is the same one.
import type { Log } from '../../base/log.ts'
import { GrpcError, STATUS } from '../../wire/grpc.ts'
import type { ObjectAttestor, ObjectFindings, ObjectReference, WorkloadAttestor } from '../attestors/attestor.ts'
import type { Process } from '../processes.ts'
import { type Attest, describing } from '../workload/attest.ts'
import type { Reference } from './reference.ts'
import { refusal } from './refusals.ts'

export interface Workload {
  /** Its selectors of now; the same set where they are the same. Throws `notFound` once it is gone. */
  look(): Promise<ReadonlySet<string>>
  close(): void
}

export interface WorkloadDeps {
  readonly attest: Attest
  readonly attestObject: AttestObject
  /** A process by its number. Throws where there is none. */
  readonly processOfPid: (pid: number) => Process
}

/** Throws `notFound`. */
export function openWorkload(deps: WorkloadDeps, reference: Reference): Workload {
  return reference.kind === 'pid' ? openPid(deps, reference.pid) : openObject(deps, reference.object)
}

function openPid({ attest, processOfPid }: WorkloadDeps, pid: number): Workload {
  const gone = () => refusal('notFound', 'there is no such process', { pid: String(pid) })
  const process = found(() => processOfPid(pid), gone)
  const describe = describing(process, () => attest(process))
  return {
    async look() {
      const selectors = await describe().catch((error: unknown) => {
        throw process.isAlive() ? error : gone()
      })
      if (!selectors) throw gone()
      return selectors
    },
    close: () => process.close(),
  }
}

function found<T>(find: () => T, gone: () => GrpcError): T {
  try {
    return find()
  } catch {
    throw gone()
  }
}

function openObject({ attestObject }: WorkloadDeps, object: ObjectReference): Workload {
  let known: { readonly selectors: ReadonlySet<string>; readonly text: string } | undefined
  return {
    async look() {
      const selectors = await attestObject(object, known !== undefined)
      const text = JSON.stringify([...selectors].sort())
      if (known?.text !== text) known = { selectors, text }
      return known.selectors
    },
    close() {},
  }
}

/**
 * `type:value` each. Throws `invalid` where no attestor takes such a reference, `notFound` where there is no such object, and
 * `unavailable` where that could not be found out.
 */
export type AttestObject = (reference: ObjectReference, again: boolean) => Promise<ReadonlySet<string>>

export function openAttestObject(attestors: readonly WorkloadAttestor[], log: Log): AttestObject {
  const able = attestors.flatMap(({ type, objects }) => (objects ? [{ type, objects }] : []))

  async function ask(reference: ObjectReference, again: boolean): Promise<(ObjectFindings | undefined)[]> {
    const prefixed = async ({ type, objects }: { readonly type: string; readonly objects: ObjectAttestor }) => {
      const findings = await objects.attest(reference, again)
      return findings && 'values' in findings ? { values: findings.values.map((value) => `${type}:${value}`) } : findings
    }
    try {
      return await Promise.all(able.map(prefixed))
    } catch (error) {
      log.warn('workload attestation failed', { ...metadataOf(reference), reason: (error as Error).message })
      throw new GrpcError(STATUS.unavailable, 'workload attestation failed')
    }
  }

  return async (reference, again) => {
    const findings = await ask(reference, again)
    const [refused] = findings.flatMap((one) => (one && 'refused' in one ? [one.refused] : []))
    const taken = findings.filter((one) => !one || 'values' in one)
    if (taken.length === 0) throw refusal('invalid', refused ?? 'no attestor here knows objects', metadataOf(reference))
    if (taken.includes(undefined)) throw refusal('notFound', 'there is no such object', metadataOf(reference))
    return new Set(taken.flatMap((one) => (one && 'values' in one ? one.values : [])))
  }
}

function metadataOf({ plural, group, key, uid }: ObjectReference): Record<string, string> {
  return { plural, group, ...key, ...(uid === undefined ? {} : { uid }) }
}

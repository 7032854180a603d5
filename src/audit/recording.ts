// The two records of one call, on every device that takes them: before it runs, and before it is answered.
import type { Fault } from '../base/fault.ts'
import type { Clock } from '../base/ports.ts'
import type { Devices } from './devices.ts'
import type { Facts } from './filter.ts'
import type { Hasher } from './hasher.ts'
import type { AuditedHeaders } from './headers.ts'
import { operationOf, type Parts, partsOf, requestLine, responseLine, responseOf, type Told, type Trail } from './record.ts'

/** Both reject where no device took the record. */
export interface Recording {
  request(fault?: Fault): Promise<void>
  response(told: Told, fault?: Fault): Promise<void>
}

export interface RecordingDeps {
  readonly devices: Pick<Devices, 'record'>
  readonly headers: Pick<AuditedHeaders, 'pick'>
  readonly clock: Clock
  /** Of the modules, as records show it. */
  readonly version: string
}

export function openRecording({ devices, headers, clock, version }: RecordingDeps, trail: Trail): Recording {
  const options = { headers: headers.pick(trail.headers ?? []), version }
  const facts = (): Facts => factsOf(trail)
  const made = new Map<Hasher, Parts>()
  const parts = (hasher: Hasher): Parts => {
    const known = made.get(hasher) ?? partsOf(trail, hasher, options)
    made.set(hasher, known)
    return known
  }
  return {
    request: (fault) => devices.record('request', facts, (hasher) => requestLine(parts(hasher), clock.now(), fault)),
    response(told, fault) {
      const make = (hasher: Hasher) => responseLine(parts(hasher), responseOf(trail, told, hasher, version, fault), clock.now(), fault)
      return devices.record('response', facts, make)
    },
  }
}

function factsOf(trail: Trail): Facts {
  const { mount, tenant, namespace, path } = trail
  return { mount_type: mount?.type ?? '', mount_point: mount?.path ?? '', namespace: tenant?.path ?? namespace, operation: operationOf(trail), path }
}

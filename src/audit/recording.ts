// The two records of one call, on every device: before it runs, and before it is answered.
import type { Fault } from '../base/fault.ts'
import type { Clock } from '../base/ports.ts'
import type { Devices } from './devices.ts'
import { type Hasher, type Parts, partsOf, requestLine, responseLine, responseOf, type Told, type Trail } from './record.ts'

/** Both reject where no device took the record. */
export interface Recording {
  request(fault?: Fault): Promise<void>
  response(told: Told, fault?: Fault): Promise<void>
}

export function openRecording(devices: Pick<Devices, 'record'>, clock: Clock, trail: Trail): Recording {
  const made = new Map<Hasher, Parts>()
  const parts = (hasher: Hasher): Parts => {
    const known = made.get(hasher) ?? partsOf(trail, hasher)
    made.set(hasher, known)
    return known
  }
  return {
    request: (fault) => devices.record((hasher) => requestLine(parts(hasher), clock.now(), fault)),
    response: (told, fault) => devices.record((hasher) => responseLine(parts(hasher), responseOf(trail, told, hasher), clock.now(), fault)),
  }
}

// What audit counts: given by the composition root, so that this room needs no metrics of its own.
import type { Mishap } from './file.ts'

export type RecordKind = 'request' | 'response'

export interface AuditMeter {
  /** A record was handed to its devices; `kept` by at least one, after so many milliseconds. */
  recorded(kind: RecordKind, kept: boolean, milliseconds: number): void
  /** A device did not keep a record. */
  deviceFailed(path: string): void
  /** Something happened to a device's file. */
  mishap(path: string, what: Mishap): void
  /** A record was for none of the devices, and none is the fallback. */
  missed(): void
}

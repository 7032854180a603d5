// What the agent's ways of proving its node may use of the machine.
import type { Outbound } from '../../base/outbound.ts'
import type { Random } from '../../base/ports.ts'

/** A door for plain HTTP that answers one path with one text, and everything else with 404. */
export interface ChallengeDoor {
  readonly port: number
  /** What it answers from now on. */
  show(path: string, text: string): void
  close(): void
}

/** A TPM: one command in, one answer out. */
export interface TpmLink {
  send(command: Buffer): Promise<Buffer>
  close(): void
}

export interface NodePorts {
  readonly random: Random
  /** A file's text, as it is now. Throws a Fault where it can't be read. */
  readonly readText: (path: string) => string
  readonly outbound: Outbound
  /** Opens a door on every address; port 0 is any that is free. */
  readonly openDoor: (port: number) => Promise<ChallengeDoor>
  /** A file's bytes, as they are now. Throws a Fault where it can't be read. */
  readonly readBytes: (path: string) => Buffer
  /** Opens a TPM's device, or the socket of one in software. */
  readonly openTpm: (path: string) => Promise<TpmLink>
}

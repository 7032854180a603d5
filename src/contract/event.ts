// What a module tells those who subscribe: a note of the commit that made it so.
import type { Tx } from '../store/transact.ts'
import type { Mount } from './mount.ts'

/** Of what happened, never of what is secret. */
export interface ModuleEvent {
  /** As Vault names it: `kv-v2/data-write`. */
  readonly type: string
  /** The uuid of the mount. */
  readonly mount: string
  readonly metadata: Readonly<Record<string, string>>
}

/** Tells of an event, if and when the transaction's writes are durable. */
export function noteEvent(tx: Pick<Tx, 'note'>, mount: Mount, type: string, metadata: ModuleEvent['metadata']): void {
  tx.note(JSON.stringify({ type, mount: mount.uuid, metadata } satisfies ModuleEvent))
}

/** Undefined for a note of another kind. */
export function eventOf(note: string): ModuleEvent | undefined {
  return note.startsWith('{"type":') ? (JSON.parse(note) as ModuleEvent) : undefined
}

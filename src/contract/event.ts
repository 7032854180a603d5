// What a module tells those who subscribe: a note of the commit that made it so.
import type { Tx } from '../store/transact.ts'
import type { Ctx } from './module.ts'

/** Of what happened, never of what is secret. */
export interface ModuleEvent {
  /** Wall milliseconds. */
  readonly at: number
  /** As Vault names it: `kv-v2/data-write`. */
  readonly type: string
  /** Path of the namespace; '' is the root. */
  readonly namespace: string
  readonly plugin: { readonly accessor: string; readonly class: string; readonly path: string; readonly type: string; readonly version?: string }
  readonly metadata: Readonly<Record<string, string>>
}

/** Tells of an event, if and when the transaction's writes are durable. */
export function noteEvent(
  tx: Pick<Tx, 'note'>,
  { mount, clock }: Pick<Ctx, 'mount' | 'clock'>,
  type: string,
  metadata: ModuleEvent['metadata'],
): void {
  const { accessor, class: of, path, options, namespace } = mount
  const version = options?.['version']
  const plugin = { accessor, class: of, path, type: mount.type, ...(version === undefined ? {} : { version }) }
  tx.note(JSON.stringify({ type, at: clock.now(), namespace, plugin, metadata } satisfies ModuleEvent))
}

/** Undefined for a note of another kind. */
export function eventOf(note: string): ModuleEvent | undefined {
  return note.startsWith('{"type":') ? (JSON.parse(note) as ModuleEvent) : undefined
}

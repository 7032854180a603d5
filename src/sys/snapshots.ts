// sys/storage/raft/snapshot: the whole store as one file, and back. The path is Vault's; how the store keeps its data is its own affair.
import { Fault } from '../base/fault.ts'
import { type Ctx, type Path, path } from '../contract/module.ts'
import type { Reply } from '../contract/reply.ts'

export interface SnapshotPort {
  /** The bytes of a snapshot, as it is taken. */
  take(): AsyncIterable<Uint8Array>
  /**
   * Reads all of a snapshot and makes it ready. What it resolves to puts it in the place of everything, and seals the server.
   * Unless forced, it must have been made under the keys that the server has now. Throws `invalid`.
   */
  prepare(snapshot: AsyncIterable<Uint8Array>, force: boolean): Promise<() => Promise<void>>
}

export function snapshotPaths(snapshots: SnapshotPort): Path[] {
  const restore = async ({ upload }: Ctx, force: boolean): Promise<Reply> => {
    if (!upload) throw new Fault('invalid', 'failed to read snapshot: none was sent')
    return { kind: 'empty', last: await snapshots.prepare(upload, force) }
  }
  return [
    path('storage/raft/snapshot', 'Everything that is stored, as one file.', {}, (op) => ({
      read: op({ doc: 'Take a snapshot.', run: () => ({ kind: 'file', contentType: 'application/gzip', chunks: snapshots.take() }) }),
      write: op({
        doc: 'Put a snapshot that was made under the present keys in the place of everything, and seal the server.',
        arbitrary: true,
        run: (ctx) => restore(ctx, false),
      }),
    })),
    path('storage/raft/snapshot-force', 'Restoring without a look at the keys.', {}, (op) => ({
      write: op({
        doc: 'Put a snapshot in the place of everything, and seal the server: the keys of the snapshot open it.',
        arbitrary: true,
        run: (ctx) => restore(ctx, true),
      }),
    })),
  ]
}

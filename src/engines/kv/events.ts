// What subscribers hear of secrets: that they changed, in which versions, never what they hold (Vault, "Event types").
import type { Ctx } from '../../contract/module.ts'
import { noteEvent } from '../../contract/event.ts'
import type { Tx } from '../../store/transact.ts'
import type { Secret } from './secret.ts'

type Facts = Readonly<Record<string, string>>

/** Of KV v1: `write` or `delete`. */
export function tellV1(ctx: Ctx, tx: Tx, operation: string): void {
  const { path } = ctx.request
  noteEvent(tx, ctx, `kv-v1/${operation}`, facts(path, path, operation))
}

/** Of KV v2: the operation, and for one that is about a secret which, as it now is. */
export function tell(ctx: Ctx, tx: Tx, operation: string, of?: { readonly at: string; readonly secret?: Secret; readonly more?: Facts }): void {
  const { mount, request } = ctx
  const dataPath = of ? `${mount.path}data/${of.at}` : request.path
  const versions = of?.secret ? { current_version: `${of.secret.current}`, oldest_version: `${of.secret.oldest}` } : {}
  noteEvent(tx, ctx, `kv-v2/${operation}`, { ...versions, ...facts(request.path, dataPath, operation), ...of?.more })
}

function facts(path: string, dataPath: string, operation: string): Facts {
  return { data_path: dataPath, modified: 'true', operation, path }
}

// What subscribers hear of secrets: that they changed, in which versions, never what they hold (Vault, "Event types").
import type { Ctx } from '../../contract/module.ts'
import { noteEvent } from '../../contract/event.ts'
import type { Tx } from '../../store/transact.ts'
import type { Secret } from './secret.ts'

type Facts = Readonly<Record<string, string>>

/** Of KV v1: `write` or `delete`. */
export function tellV1({ mount, request }: Ctx, tx: Tx, operation: string): void {
  noteEvent(tx, mount, `kv-v1/${operation}`, facts(request.path, request.path, operation))
}

/** Of KV v2: the operation, and for one that is about a secret which, as it now is. */
export function tell(
  { mount, request }: Ctx,
  tx: Tx,
  operation: string,
  of?: { readonly at: string; readonly secret?: Secret; readonly more?: Facts },
): void {
  const dataPath = of ? `${mount.path}data/${of.at}` : request.path
  const versions = of?.secret ? { current_version: `${of.secret.current}`, oldest_version: `${of.secret.oldest}` } : {}
  noteEvent(tx, mount, `kv-v2/${operation}`, { ...versions, ...facts(request.path, dataPath, operation), ...of?.more })
}

function facts(path: string, dataPath: string, operation: string): Facts {
  return { data_path: dataPath, modified: 'true', operation, path }
}

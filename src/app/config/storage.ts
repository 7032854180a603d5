// storage "lmdb": where the database lies.
import { text } from '../../base/fields.ts'
import { type Block, readStanza, refuse } from './stanza.ts'

export const LMDB = { keys: { path: text('Folder of the database.') } }

/** What Vault and OpenBao store in. */
const OTHERS = ['consul', 'etcd', 'file', 'inmem', 'mysql', 'postgresql', 'raft', 's3'] as const

/** Returns the folder. */
export function parseStorage(whole: Block, blocks: readonly Block[]): string {
  const [block, second] = blocks
  if (!block) throw refuse(whole, 'storage "lmdb" { path = "…" } is missing')
  if (second) throw refuse(second, `storage is set already, at ${block.place}`)
  const [kind = ''] = block.labels
  if (kind !== 'lmdb') {
    const known = OTHERS.some((one) => one === kind) ? 'is not offered' : 'is not known'
    throw refuse(block, `storage "${kind}" ${known}; write storage "lmdb" { path = "…" }`)
  }
  return readStanza(block, LMDB).values.path
}

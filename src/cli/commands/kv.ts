// `signet kv`: the key-value engine, whichever version a mount has.
import { group } from '../command.ts'
import { metadata } from './kv/metadata.ts'
import { get, list, scan } from './kv/read.ts'
import { destroy, enableVersioning, remove, undelete } from './kv/versions.ts'
import { patch, put, rollback } from './kv/write.ts'

export const kv = group(
  'Interact with key-value storage',
  { delete: remove, destroy, 'enable-versioning': enableVersioning, get, list, metadata, patch, put, rollback, scan, undelete },
  `
    $ signet kv put -mount=secret app user=ann
    $ signet kv get -mount=secret app
    $ signet kv get -mount=secret -version=1 app`,
)

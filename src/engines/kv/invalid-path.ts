// What is left of a KV v2 mount: paths that hold nothing, answered with a hint for those who think it unversioned.
import { text } from '../../base/fields.ts'
import { path } from '../../contract/module.ts'
import { missing, type Reply } from '../../contract/reply.ts'

const DOC = 'Nothing is here; secrets are below data/ and metadata/.'

export const invalidPath = path('*path', DOC, { path: text('Any other path.') }, (op) => ({
  read: op(hint('get')),
  write: op(hint('put')),
  patch: op(hint('patch')),
  delete: op(hint('delete')),
  list: op(hint('list')),
  scan: op(hint('list')),
}))

function hint(command: string): { doc: string; arbitrary: true; run: () => Reply } {
  const use = `See the API docs for the appropriate API endpoints to use. If using the Vault CLI, use 'vault kv ${command}' for this operation.`
  return { doc: DOC, arbitrary: true, run: () => missing(`Invalid path for a versioned K/V secrets engine. ${use}`) }
}

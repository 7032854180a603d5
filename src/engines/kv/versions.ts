// `delete/`, `undelete/` and `destroy/`: what happens to versions that are named by number.
import { Fault } from '../../base/fault.ts'
import { type Field, int, list, or } from '../../base/fields.ts'
import { type Ctx, path } from '../../contract/module.ts'
import { empty, type Reply } from '../../contract/reply.ts'
import { type Tx, transact } from '../../store/transact.ts'
import { expiry, readConfig } from './config.ts'
import { deleteVersion } from './data.ts'
import { tell } from './events.ts'
import { getVersion, openSecret, putVersion, type Secret } from './secret.ts'
import { AT, onSecret } from './secret-path.ts'

function numbers(doc: string): Field<number[]> {
  const [texts, number] = [list(doc), int(doc)]
  return { kind: 'list', doc, needed: true, secret: false, parse: (raw) => texts.parse(raw).map(number.parse) }
}

interface Input {
  readonly path: string
  readonly versions: number[]
}

interface Each {
  readonly name: string
  /** What becomes of the versions, for those who subscribe. */
  readonly past: string
  readonly nothing: string
  readonly change: (ctx: Ctx, tx: Tx, at: string, secret: Secret, number: number) => void
}

const NOTHING = 'No version number provided'

export const versionPaths = [
  path('delete/*path', 'Deletion of versions, which can be undone.', AT, (op) => ({
    write: op({
      doc: 'Delete versions of a secret.',
      input: { versions: or(numbers('The versions to delete.'), []) },
      run: onSecret(each({ name: 'delete', past: 'deleted', nothing: NOTHING, change: deleteVersion })),
    }),
  })),
  path('undelete/*path', 'Undoing the deletion of versions.', AT, (op) => ({
    write: op({
      doc: 'Give back deleted versions of a secret.',
      input: { versions: or(numbers('The versions to give back.'), []) },
      run: onSecret(each({ name: 'undelete', past: 'undeleted', nothing: NOTHING, change: undelete })),
    }),
  })),
  path('destroy/*path', 'Removal of versions for good.', AT, (op) => ({
    write: op({
      doc: 'Remove the contents of versions for good.',
      input: { versions: or(numbers('The versions to destroy.'), []) },
      run: onSecret(each({ name: 'destroy', past: 'destroyed', nothing: 'no version number provided', change: destroy })),
    }),
  })),
]

/** Versions that there are not are passed over, as are secrets that there are not. */
function each({ name, past, nothing, change }: Each): (ctx: Ctx, input: Input) => Promise<Reply> {
  return async (ctx, input) => {
    if (input.versions.length === 0) throw new Fault('invalid', nothing)
    return transact(ctx.store, (tx) => {
      const secret = openSecret(tx, input.path)
      if (!secret) return empty()
      const versions = [...new Set(input.versions)]
      for (const number of versions) change(ctx, tx, input.path, secret, number)
      tell(ctx, tx, name, { at: input.path, secret, more: { [`${past}_versions`]: JSON.stringify(versions) } })
      return empty()
    })
  }
}

/** A version that is given back lives as long as a new one would. */
function undelete(ctx: Ctx, tx: Tx, at: string, secret: Secret, number: number): void {
  const version = getVersion(tx, at, secret, number)
  if (!version?.data) return
  putVersion(tx, at, number, { createdAt: version.createdAt, expiresAt: expiry(readConfig(tx), secret, ctx.clock.now()), data: version.data })
}

function destroy(_ctx: Ctx, tx: Tx, at: string, secret: Secret, number: number): void {
  const version = getVersion(tx, at, secret, number)
  if (version?.data) putVersion(tx, at, number, { ...version, data: undefined })
}

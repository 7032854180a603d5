// Cubbyhole: a store of each token's own, which no other token can read and which ends with it.
import { Fault, permissionDenied } from '../base/fault.ts'
import { text } from '../base/fields.ts'
import type { JsonObject } from '../base/json.ts'
import { type Ctx, type Module, path } from '../contract/module.ts'
import { data, empty, keys, missing, type Reply } from '../contract/reply.ts'
import type { Token } from '../contract/token.ts'
import { children } from '../store/folder.ts'
import { records } from '../store/records.ts'
import type { Key } from '../store/store.ts'
import { transact } from '../store/transact.ts'

interface At {
  readonly path: string
}

/** Where a token's things are in the cubbyhole mount of its namespace; all of it goes when the token does. */
export function cubbyholePrefix(token: Pick<Token, 'hash'>): Key {
  return `${token.hash}/`
}

/** Where its things of other namespaces are, each behind the slice of that one's cubbyhole: in its own as well, and as long-lived. */
export function foreignCubbyholePrefix(token: Pick<Token, 'hash'>): Key {
  return `${token.hash}@`
}

export const cubbyhole: Module = {
  kind: 'engine',
  type: 'cubbyhole',
  doc: 'Secrets that only the token which wrote them can read.',
  paths: [
    path('*path', 'Secrets of the token that asks.', { path: text('Where the secret is.') }, (op) => ({
      read: op({ doc: 'Read a secret.', run: read }),
      write: op({ doc: 'Write a secret: any keys and values.', arbitrary: true, exists, run: write }),
      delete: op({ doc: 'Delete a secret.', run: remove }),
      list: op({ doc: 'List the names in a folder.', run: list }),
    })),
  ],
}

const own = records<JsonObject>('')

function key({ caller, mount }: Ctx, at: string): Key {
  if (!caller) throw permissionDenied()
  if (caller.type !== 'service') throw new Fault('invalid', "cubbyhole operations are only supported by 'service' type tokens")
  return caller.namespace === mount.namespace ? cubbyholePrefix(caller) + at : `${foreignCubbyholePrefix(caller)}${mount.slice}/${at}`
}

const DEPRECATED =
  "Reading from 'cubbyhole/response' is deprecated. Please use sys/wrapping/unwrap to unwrap responses, as it provides additional security checks and other benefits."

function exists(ctx: Ctx, { path: at }: At): boolean {
  return ctx.store.get(key(ctx, at)) !== undefined
}

function read(ctx: Ctx, { path: at }: At): Reply {
  const found = own.get(ctx.store, key(ctx, at))
  if (found && at === 'response' && ctx.caller?.policies.join() === 'response-wrapping') ctx.warn(DEPRECATED)
  return found ? data(found) : missing()
}

async function write(ctx: Ctx, { path: at }: At): Promise<Reply> {
  if (at === '') throw new Fault('invalid', 'missing path')
  if (at.endsWith('/')) throw new Fault('invalid', "cannot write to a path ending in '/'")
  if (Object.keys(ctx.data).length === 0) throw new Fault('invalid', 'missing data fields')
  await transact(ctx.store, (tx) => own.put(tx, key(ctx, at), ctx.data))
  return empty()
}

async function remove(ctx: Ctx, { path: at }: At): Promise<Reply> {
  await transact(ctx.store, (tx) => {
    if (own.get(tx, key(ctx, at))) own.delete(tx, key(ctx, at))
  })
  return empty()
}

function list(ctx: Ctx, { path: at }: At): Reply {
  const folder = at === '' || at.endsWith('/') ? at : `${at}/`
  return keys(Array.from(children(ctx.store, key(ctx, folder))))
}

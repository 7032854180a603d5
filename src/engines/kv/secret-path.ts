// The path of a secret below `data/`, `metadata/` and their kind, and what may not be one.
import { Fault } from '../../base/fault.ts'
import { text } from '../../base/fields.ts'
import type { Ctx } from '../../contract/module.ts'
import { missing, type Reply } from '../../contract/reply.ts'
import { secrets } from './secret.ts'

export const AT = { path: text('Where the secret is.') }

const ROOT = 'Non-listing operations on the root of a K/V v2 mount are not supported.'

type Run<I> = (ctx: Ctx, input: I) => Reply | Promise<Reply>

/** Lets an op of KV v2 run only where a secret can be. */
export function onSecret<I extends { readonly path: string }>(run: Run<I>): Run<I> {
  return (ctx, input) => {
    refuseFolder(ctx)
    return input.path === '' && !namesFolder(ctx) ? missing(ROOT) : run(ctx, input)
  }
}

/** A name that ends in a slash is a folder's: nothing can be written there. */
export function refuseFolder(ctx: Ctx): void {
  const { verb } = ctx.request
  if (namesFolder(ctx) && (verb === 'write' || verb === 'patch')) throw new Fault('invalid', "cannot write to a path ending in '/'")
}

function namesFolder(ctx: Ctx): boolean {
  return ctx.request.path.endsWith('/')
}

export function secretExists(ctx: Ctx, input: { readonly path: string }): boolean {
  return ctx.store.get(secrets.key(input.path)) !== undefined
}

// sys/leases/revoke-prefix and revoke-force: all leases and tokens whose ids start alike.
import { Fault } from '../base/fault.ts'
import { text } from '../base/fields.ts'
import { type Ctx, type Path, path } from '../contract/module.ts'
import { accepted, empty, type Reply } from '../contract/reply.ts'
import { forEach } from '../lease/pool.ts'
import { CLAIM_MS } from '../lease/times.ts'
import { namespaceIdOf } from '../store/layout.ts'
import { failure, type LeaseDeps, syncInput } from './leases.ts'

const param = { prefix: text('What the ids start with, or one id.') }

export function leasePrefixPaths(deps: LeaseDeps): Path[] {
  return [
    path('leases/revoke-prefix/*prefix', 'Leases by their ids, revoked.', param, (op) => ({
      write: op({
        doc: 'Revoke all leases and tokens that were made under a path.',
        access: 'sudo',
        input: syncInput,
        run: (ctx, { prefix, sync }) => revokePrefix(deps, ctx, prefix, sync),
      }),
    })),
    path('leases/revoke-force/*prefix', 'Leases by their ids, forgotten.', param, (op) => ({
      write: op({
        doc: 'Forget all leases under a path without taking anything back: what was lent stays where it is.',
        access: 'sudo',
        run: (ctx, { prefix }) => forget(deps, ctx, prefix),
      }),
    })),
  ]
}

async function revokePrefix(deps: LeaseDeps, ctx: Ctx, prefix: string, sync: boolean): Promise<Reply> {
  await endTokens(deps, ctx, prefix)
  let ended = 0
  for (const ids of pages(deps, ctx, prefix)) {
    await deps.leases.end(ids, ctx.clock.now() + (sync ? CLAIM_MS : 0), true)
    ended += ids.length
  }
  if (!sync) return accepted()
  await takeBack(deps, ctx, prefix, ended)
  return empty()
}

/** Some at a time, up to the first that can't be taken back: that and what is left has ended, and is tried again later. */
async function takeBack(deps: LeaseDeps, ctx: Ctx, prefix: string, ended: number): Promise<void> {
  let done = 0
  for (const ids of pages(deps, ctx, prefix)) {
    await forEach(ids, WIDTH, async (id) => {
      const fault = await deps.giveBack(id)
      done++
      if (fault) throw new Fault('invalid', `failed to revoke "${id}" (${done} / ${ended}): ${failure(fault)}`)
    })
  }
}

const WIDTH = 16

async function forget(deps: LeaseDeps, ctx: Ctx, prefix: string): Promise<Reply> {
  await endTokens(deps, ctx, prefix)
  for (const ids of pages(deps, ctx, prefix)) await deps.leases.remove(ids)
  return empty()
}

async function endTokens({ tokens, tokenLeases, namespaceOf }: LeaseDeps, { mount }: Ctx, prefix: string): Promise<void> {
  const own = namespaceOf(mount)
  const one = namespaceIdOf(prefix) === own ? tokenLeases.find(prefix) : undefined
  if (one) return tokens.revoke(one)
  const page = (after?: string) => tokenLeases.under(own, `${prefix}/`, after)
  for (let ids = page(); ids.length > 0; ids = page(ids.at(-1))) {
    for (const id of ids) {
      const token = tokenLeases.stored(id)
      if (token) await tokens.revoke(token)
    }
  }
}

/** The lease of exactly this id, or all below. */
function* pages({ leases, namespaceOf }: LeaseDeps, { mount }: Ctx, prefix: string): Generator<string[]> {
  const namespace = namespaceOf(mount)
  const page = (after?: string) => leases.under(namespace, `${prefix}/`, after)
  if (namespaceIdOf(prefix) === namespace && leases.find(prefix)) yield [prefix]
  else for (let ids = page(); ids.length > 0; ids = page(ids.at(-1))) yield ids
}

// sys/remount: moving a mount with all it stores, within the namespace that is asked and to those below it.
import { Fault } from '../base/fault.ts'
import { or, text } from '../base/fields.ts'
import { type CanonPath, parsePath } from '../base/path.ts'
import { type Ctx, type Path, path } from '../contract/module.ts'
import { data, missing, type Reply } from '../contract/reply.ts'
import type { Migrations, Spot } from '../tenancy/migrations.ts'
import { isProtected } from '../tenancy/protected.ts'
import type { Tenant } from './tenant.ts'

export interface RemountDeps {
  readonly migrations: Migrations
  /** Where a path leads that may go on into namespaces below the one that is asked. */
  readonly below: (ctx: Ctx, path: CanonPath) => { readonly tenant: Tenant; readonly path: CanonPath }
}

const input = {
  from: or(text('Where the mount is; auth methods with auth/ before their path.'), ''),
  to: or(text('Where it shall be, maybe in another namespace.'), ''),
}
const QUEUED = 'Mount move has been queued. Progress will be reported at sys/remount/status/ followed by the returned migration_id'

export function remountPaths(deps: RemountDeps): Path[] {
  return [
    path('remount', 'Moves of mounts.', {}, (op) => ({
      write: op({ doc: 'Move a mount with all it stores.', access: 'sudo', input, run: (ctx, { from, to }) => remount(deps, ctx, from, to) }),
    })),
    path('remount/status/:migration_id', 'A move.', { migration_id: text('What the move was answered with.') }, (op) => ({
      read: op({ doc: 'Read how far a move has come.', run: (ctx, { migration_id: id }) => status(deps, ctx, id) }),
    })),
  ]
}

async function remount(deps: RemountDeps, ctx: Ctx, from: string, to: string): Promise<Reply> {
  if (from === '' || to === '') throw new Fault('invalid', "both 'from' and 'to' path must be specified as a string")
  for (const [name, given] of Object.entries({ from, to })) {
    if (given !== given.trim()) throw new Fault('invalid', `'${name}' path cannot contain trailing whitespace`)
  }
  const [source, target] = [spot(deps, ctx, from), spot(deps, ctx, to)]
  if (target.path === '') throw new Fault('invalid', `invalid destination mount path "${to}"`)
  assertMovable(source.path, target.path)
  if (isBound(deps.below(ctx, mountPath(from)).tenant, source.path)) throw new Fault('invalid', `cannot remount "${from}"`)
  const id = await deps.migrations.start(source, target, ctx.mount.namespace)
  // Logins leave tokens to end, which is due work; all else is mostly done by the time this is answered.
  if (!source.path.startsWith('auth/')) await deps.migrations.advance(id)
  return data({ migration_id: id }, { spread: true, warnings: [QUEUED] })
}

/** A trust domain is the root's, and a part of it the namespace's that it was given to. */
function isBound({ mounts }: Tenant, path: string): boolean {
  const mount = mounts.at(path)
  return mount?.class === 'secret' && mount.type === 'spiffe'
}

function spot(deps: RemountDeps, ctx: Ctx, given: string): Spot {
  const { tenant, path: rest } = deps.below(ctx, mountPath(given))
  const { id, path, seal } = tenant.namespace
  return { place: { id, path, seal }, path: rest }
}

function mountPath(given: string): CanonPath {
  try {
    return `${parsePath(given.replace(/^\/+|\/+$/g, ''))}/` as CanonPath
  } catch (error) {
    throw error instanceof Fault ? new Fault('invalid', `invalid destination mount: ${error.message}`) : error
  }
}

function assertMovable(from: string, to: string): void {
  const of = from.startsWith('auth/') ? 'auth' : 'secret'
  if (of === 'auth' && !to.startsWith('auth/')) throw new Fault('invalid', `cannot remount auth mount to non-auth mount "${to}"`)
  if (isProtected(of, from)) throw new Fault('invalid', `cannot remount "${from}"`)
  if (isProtected(of, to)) throw new Fault('invalid', `cannot remount to destination ${of === 'auth' ? `"${to}"` : to}`)
  if (/[*+]/.test(to)) throw new Fault('invalid', `invalid destination mount: path "${to}" cannot contain "*" or "+"`)
}

function status({ migrations }: RemountDeps, { mount }: Ctx, id: string): Reply {
  const found = migrations.read(id)
  if (found?.asked !== mount.namespace) return missing()
  const { from, to } = found
  const info = { source_mount: from.place.path + from.path, target_mount: to.place.path + to.path, status: found.status }
  return data({ migration_id: id, migration_info: info })
}

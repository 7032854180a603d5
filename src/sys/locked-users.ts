// sys/locked-users: who is locked out for too many wrong guesses, and letting them try again.
import { or, text } from '../base/fields.ts'
import type { JsonObject } from '../base/json.ts'
import type { Clock, Random } from '../base/ports.ts'
import { type Module, type Path, path } from '../contract/module.ts'
import type { Mount } from '../contract/mount.ts'
import { data, empty } from '../contract/reply.ts'
import type { Tenant, TenantOf } from './tenant.ts'

export interface LockedUsersDeps {
  readonly tenant: TenantOf
  /** Of the namespaces within one, at whatever depth. */
  readonly below: (namespace: Tenant['namespace']) => readonly Tenant[]
  readonly moduleOf: (mount: Mount) => Module | undefined
  readonly clock: Clock
  readonly random: Random
}

const accessor = 'Accessor of an auth mount.'

export function lockedUserPaths(deps: LockedUsersDeps): Path[] {
  return [
    path('locked-users', 'Names that are locked out.', {}, (op) => ({
      read: op({
        doc: 'Count and list them by mount, the most first.',
        input: { mount_accessor: or(text(accessor), '') },
        run: (ctx, { mount_accessor: of }) => data(of === '' ? everywhere(deps, deps.tenant(ctx)) : at(deps, deps.tenant(ctx), of)),
      }),
    })),
    path(
      'locked-users/:mount_accessor/unlock/*alias_identifier',
      'A name that may be locked out.',
      { mount_accessor: text(accessor), alias_identifier: text('User name, or role ID.') },
      (op) => ({
        write: op({
          doc: 'Let it be tried again at once.',
          access: 'sudo',
          async run(ctx, input) {
            await unlock(deps, deps.tenant(ctx), input.mount_accessor, input.alias_identifier)
            return empty()
          },
        }),
      }),
    ),
  ]
}

interface Locked {
  readonly accessor: string
  readonly names: readonly string[]
}

/** The namespace that is asked, and those within it where somebody is locked, the most first. */
function everywhere(deps: LockedUsersDeps, here: Tenant): JsonObject {
  const own = reportOf(here, lockedIn(deps, here))
  const others = deps.below(here.namespace).map((tenant) => reportOf(tenant, lockedIn(deps, tenant)))
  return together([own, ...others.filter(({ counts }) => counts > 0)].sort((a, b) => b.counts - a.counts))
}

function at(deps: LockedUsersDeps, here: Tenant, of: string): JsonObject {
  const mount = here.mounts.byAccessor(of)
  return together([reportOf(here, [{ accessor: of, names: mount ? locked(deps, here, mount) : [] }])])
}

function lockedIn(deps: LockedUsersDeps, tenant: Tenant): Locked[] {
  const all = tenant.mounts.list('auth').map((mount) => ({ accessor: mount.accessor, names: locked(deps, tenant, mount) }))
  return all.filter(({ names }) => names.length > 0).sort((a, b) => b.names.length - a.names.length)
}

function locked({ moduleOf, clock }: LockedUsersDeps, { mounts }: Tenant, mount: Mount): string[] {
  return moduleOf(mount)?.lockout?.locked({ store: mounts.storeOf(mount), mount }, clock.now()) ?? []
}

interface Report extends JsonObject {
  counts: number
}

function reportOf({ namespace }: Tenant, mounts: readonly Locked[]): Report {
  const accessors = mounts.map(({ accessor: of, names }) => ({
    mount_accessor: of,
    counts: names.length,
    alias_identifiers: names.length > 0 ? [...names] : null,
  }))
  const counts = mounts.reduce((sum, { names }) => sum + names.length, 0)
  return { namespace_id: namespace.id, namespace_path: namespace.path, counts, mount_accessors: accessors }
}

function together(reports: Report[]): JsonObject {
  return { by_namespace: reports, total: reports.reduce((sum, { counts }) => sum + counts, 0) }
}

/** What isn't locked, or isn't there, is as unlocked as was asked for. */
async function unlock({ moduleOf, random }: LockedUsersDeps, { mounts }: Tenant, of: string, name: string): Promise<void> {
  const mount = mounts.byAccessor(of)
  if (mount) await moduleOf(mount)?.lockout?.unlock({ store: mounts.storeOf(mount), random }, name)
}

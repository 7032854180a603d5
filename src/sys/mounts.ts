// sys/mounts and sys/auth: enable, list, tune and disable mounts of either class.
import { text, type Values } from '../base/fields.ts'
import { Fault } from '../base/fault.ts'
import type { JsonObject } from '../base/json.ts'
import type { TtlBounds } from '../base/ttl.ts'
import { type Ctx, type Module, type Path, path } from '../contract/module.ts'
import type { Mount, MountConfig } from '../contract/mount.ts'
import { data, empty, type Reply } from '../contract/reply.ts'
import type { Mounts } from '../tenancy/mounts.ts'
import { isProtected, SINGLE_TYPES } from '../tenancy/protected.ts'
import { enableInput, firstSettings, tunedConfig, tuneInput } from './mount-config.ts'
import { describeMount, describeTuning } from './mount-json.ts'
import { changeUserLockout } from './user-lockout.ts'
import type { TenantOf } from './tenant.ts'

export interface MountDeps {
  readonly tenant: TenantOf
  readonly moduleOf: (mount: Pick<Mount, 'class' | 'type' | 'options'>) => Module | undefined
  readonly bounds: (mount: Mount) => TtlBounds
  /** How long a lease can live at most where a mount says nothing, in seconds. */
  readonly systemMax: number
}

interface Family {
  readonly of: 'secret' | 'auth'
  /** The first segment of the endpoints. */
  readonly at: 'mounts' | 'auth'
  /** What stands before the path in the mount table. */
  readonly prefix: '' | 'auth/'
  readonly access: 'token' | 'sudo'
  readonly absent: (path: string) => string
  readonly noun: string
  /** Why no other of a type can be made. */
  readonly single: (type: string) => string
  /** Why one of the server's own can't be disabled. */
  readonly lasting: (path: string) => string
}

const SECRET: Family = {
  of: 'secret',
  at: 'mounts',
  prefix: '',
  access: 'token',
  absent: (at) => `No secret engine mount at ${at}`,
  noun: 'secrets engine',
  single: (type) => `mount type of "${type}" is not mountable`,
  lasting: (path) => `cannot unmount "${path}/"`,
}
const AUTH: Family = {
  of: 'auth',
  at: 'auth',
  prefix: 'auth/',
  access: 'sudo',
  absent: (at) => `No auth engine at ${at}`,
  noun: 'auth method',
  single: (type) => `${type} credential backend cannot be instantiated`,
  lasting: (path) => `${path} credential backend cannot be disabled`,
}

export function mountPaths(deps: MountDeps): Path[] {
  return [SECRET, AUTH].flatMap((family) => familyPaths(deps, family))
}

function familyPaths(deps: MountDeps, family: Family): Path[] {
  const { at, access, noun } = family
  const param = { path: text('Where it is mounted.') }
  const inputOf = { input: enableInput }
  return [
    path(at, `All mounts of ${noun}s.`, {}, (op) => ({
      read: op({ doc: `List every ${noun}.`, access: 'token', run: (ctx) => data(listing(deps.tenant(ctx).mounts, family), { spread: true }) }),
    })),
    path(`${at}/*path`, `A mounted ${noun}.`, param, (op) => ({
      read: op({
        doc: `Read a mounted ${noun}.`,
        access,
        run: (ctx, { path: where }) => data(describeMount(find(deps.tenant(ctx).mounts, family, where)), { spread: true }),
      }),
      write: op({ doc: `Enable a ${noun}.`, access, ...inputOf, run: (ctx, input) => enable(deps, family, ctx, input) }),
      delete: op({
        doc: `Disable a ${noun}; all it stored is deleted.`,
        access,
        run: (ctx, { path: where }) => disable(deps.tenant(ctx).mounts, family, where),
      }),
    })),
    path(`${at}/*path/tune`, `Settings of a mounted ${noun}.`, param, (op) => ({
      read: op({ doc: 'Read the settings in effect.', access, run: (ctx, { path: where }) => readTuning(deps, family, ctx, where) }),
      write: op({ doc: 'Change settings.', access, input: tuneInput, run: (ctx, input) => tune(deps, family, ctx, input) }),
    })),
  ]
}

function listing(mounts: Mounts, { of, prefix }: Family): JsonObject {
  return Object.fromEntries(mounts.list(of).map((mount) => [mount.path.slice(prefix.length), describeMount(mount)]))
}

function tablePath({ prefix }: Family, where: string): string {
  return `${prefix}${where}/`
}

function find(mounts: Mounts, family: Family, where: string): Mount {
  const mount = mounts.at(tablePath(family, where))
  if (!mount) throw new Fault('invalid', family.absent(`${where}/`))
  return mount
}

function readTuning(deps: MountDeps, family: Family, ctx: Ctx, where: string): Reply {
  const mount = deps.tenant(ctx).mounts.at(tablePath(family, where))
  if (!mount) throw new Fault('invalid', `cannot fetch sysview for path "${tablePath(family, where)}"`)
  return data(describeTuning(mount, deps.bounds(mount)), { spread: true })
}

async function enable(deps: MountDeps, family: Family, ctx: Ctx, input: Values<typeof enableInput> & { path: string }): Promise<Reply> {
  if (input.seal_wrap || input.external_entropy_access) throw new Fault('invalid', 'seal_wrap and external_entropy_access are not supported')
  const { settings, lockout } = firstSettings(ctx, family.of, input.config, deps.systemMax)
  const { type, options } = settledType(family, input)
  const where = tablePath(family, input.path)
  if (isProtected(family.of, where)) throw new Fault('invalid', `cannot mount "${input.path}/"`)
  if (SINGLE_TYPES.includes(type)) throw new Fault('invalid', family.single(type))
  const module = deps.moduleOf({ class: family.of, type, options })
  if (!module || module.kind === 'system') throw new Fault('invalid', `plugin not found in the catalog: ${type}`)
  const config = { ...settings, ...lockoutOf({ type }, module, lockout) }
  const spec = { path: where, class: family.of, type, description: input.description, config, local: input.local, ...(options ? { options } : {}) }
  await deps.tenant(ctx).mounts.enable(spec, (mount) => module.configure?.(undefined, mount))
  return empty()
}

interface Settled {
  readonly type: string
  readonly options: Record<string, string> | undefined
}

/** `kv-v2` is `kv` with version 2; a plugin is what it is called. */
function settledType({ noun }: Family, { type: asked, plugin_name: plugin, options }: Values<typeof enableInput>): Settled {
  if (asked === '') throw new Fault('invalid', 'backend type must be specified as a string')
  if (asked === 'plugin' && plugin === '') throw new Fault('invalid', 'plugin_name must be provided for plugin backend')
  const type = asked === 'plugin' ? plugin : asked
  const version = /^kv-v([12])$/.exec(type)?.[1]
  if (version !== undefined) return { type: 'kv', options: { ...options, version } }
  if (type !== 'kv' && options?.['version']) throw new Fault('invalid', `${noun} "${type}" does not allow setting a version`)
  return { type, options }
}

async function disable(mounts: Mounts, family: Family, where: string): Promise<Reply> {
  if (isProtected(family.of, tablePath(family, where))) throw new Fault('invalid', family.lasting(where))
  const mount = mounts.at(tablePath(family, where))
  if (!mount || (await mounts.disable(mount))) return empty()
  return empty(`Not everything that "${where}/" lent could be taken back yet. That is tried again; see sys/leases?type=irrevocable.`)
}

async function tune(deps: MountDeps, family: Family, ctx: Ctx, input: Values<typeof tuneInput> & { path: string }): Promise<Reply> {
  const { mounts } = deps.tenant(ctx)
  const where = tablePath(family, input.path)
  const mount = mounts.at(where)
  if (!where.startsWith('auth/') && isProtected('secret', where)) refuseTuning(ctx.data, where)
  if (!mount) throw new Fault('invalid', `tune of path "${where}" failed: no mount entry found`)
  await mounts.tune(mount, (now) => {
    const options = input.options === undefined ? now.options : { ...now.options, ...input.options }
    const config = { ...tunedConfig(now, input), ...lockoutOf(now, deps.moduleOf(now), input.user_lockout_config) }
    const after: Mount = { ...now, config, options, description: input.description ?? now.description }
    const module = deps.moduleOf(after)
    if (!module) throw new Fault('invalid', 'the engine does not know these options')
    module.configure?.(now, after)
    return after
  })
  return empty()
}

/** What becomes of a mount's setting; of one that is only being made, `config` is left out. */
function lockoutOf(
  mount: Pick<Mount, 'type'> & Partial<Pick<Mount, 'config'>>,
  module: Module | undefined,
  sent: JsonObject,
): Pick<MountConfig, 'userLockout'> {
  const userLockout = changeUserLockout(mount, module?.lockout !== undefined, mount.config?.userLockout, sent)
  return userLockout ? { userLockout } : {}
}

/** Of the server's own mounts only what audit shows of them can be changed. */
function refuseTuning(sent: JsonObject, where: string): void {
  const free = ['audit_non_hmac_request_keys', 'audit_non_hmac_response_keys']
  const fixed = Object.keys(sent).find((name) => Object.hasOwn(tuneInput, name) && !free.includes(name))
  if (fixed !== undefined) throw new Fault('invalid', `cannot tune parameter ${fixed} of ${where}`)
}

// sys/mounts and sys/auth: enable, list, tune and disable mounts of either class.
import { bool, choice, list, maybe, object, or, pairs, seconds, text, type Values, parseShape } from '../base/fields.ts'
import { Fault } from '../base/fault.ts'
import type { JsonObject } from '../base/json.ts'
import type { TtlBounds } from '../base/ttl.ts'
import { type Ctx, type Module, type Path, path } from '../contract/module.ts'
import type { Mount, MountConfig, UserLockout } from '../contract/mount.ts'
import type { MountTokenType } from '../contract/token.ts'
import { data, empty, type Reply } from '../contract/reply.ts'
import type { Mounts } from '../tenancy/mounts.ts'
import { describeMount, describeTuning } from './mount-json.ts'
import { changeUserLockout } from './user-lockout.ts'
import type { TenantOf } from './tenant.ts'

export interface MountDeps {
  readonly tenant: TenantOf
  readonly moduleOf: (mount: Pick<Mount, 'class' | 'type' | 'options'>) => Module | undefined
  readonly bounds: (mount: Mount) => TtlBounds
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
}

const SECRET: Family = {
  of: 'secret',
  at: 'mounts',
  prefix: '',
  access: 'token',
  absent: (at) => `No secret engine mount at ${at}`,
  noun: 'secrets engine',
}
const AUTH: Family = { of: 'auth', at: 'auth', prefix: 'auth/', access: 'sudo', absent: (at) => `No auth engine at ${at}`, noun: 'auth method' }

const PROTECTED = ['sys/', 'cubbyhole/', 'auth/token/']

const visibility = maybe(choice('Whether unauthenticated users see the mount: "unauth" or "hidden".', ['', 'hidden', 'unauth']))
const TOKEN_TYPES: readonly MountTokenType[] = ['default-service', 'default-batch', 'service', 'batch']

const userLockout = or(
  object('When wrong guesses lock a name: lockout_threshold, lockout_duration, lockout_counter_reset_duration, lockout_disable.'),
  {},
)
const tokenType = maybe(
  text('Kind of token that logins give: `service`, `batch`, or `default-service` and `default-batch`, which leave it to roles.'),
)
const refused = (what: string) => or(bool(`Not supported: ${what}.`), false)

const tuneInput = {
  default_lease_ttl: maybe(seconds('How long a lease lives where nothing else is said; 0 for the system default.')),
  max_lease_ttl: maybe(seconds('How long a lease can live at most; 0 for the system default.')),
  description: maybe(text('What the mount is for.')),
  audit_non_hmac_request_keys: maybe(list('Request keys that audit records show in clear.')),
  audit_non_hmac_response_keys: maybe(list('Response keys that audit records show in clear.')),
  listing_visibility: visibility,
  token_type: tokenType,
  user_lockout_config: userLockout,
  options: maybe(pairs('Options of the engine, such as version=2.')),
}

const configInput = {
  default_lease_ttl: tuneInput.default_lease_ttl,
  max_lease_ttl: tuneInput.max_lease_ttl,
  audit_non_hmac_request_keys: tuneInput.audit_non_hmac_request_keys,
  audit_non_hmac_response_keys: tuneInput.audit_non_hmac_response_keys,
  listing_visibility: visibility,
  token_type: tokenType,
  user_lockout_config: userLockout,
}

const enableInput = {
  type: or(text('Type of the engine or method: kv, userpass, approle.'), ''),
  description: or(text('What the mount is for.'), ''),
  config: or(object('Lifetimes, visibility and audit keys, as in tune.'), {}),
  options: maybe(pairs('Options of the engine, such as version=2.')),
  local: or(bool('Keep the mount out of replication.'), false),
  seal_wrap: refused('a second seal around values'),
  external_entropy_access: refused('randomness from outside'),
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
  if (!mount) throw new Fault('invalid', `cannot fetch sysview for path "${where}/"`)
  return data(describeTuning(mount, deps.bounds(mount)), { spread: true })
}

async function enable(deps: MountDeps, family: Family, ctx: Ctx, input: Values<typeof enableInput> & { path: string }): Promise<Reply> {
  if (input.seal_wrap || input.external_entropy_access) throw new Fault('invalid', 'seal_wrap and external_entropy_access are not supported')
  if (input.type === '') throw new Fault('invalid', 'backend type must be specified as a string')
  const { type, options } = aliased(input.type, input.options)
  const where = tablePath(family, input.path)
  if (PROTECTED.some((path) => where.startsWith(path)) || (family.of === 'secret' && where.startsWith('auth/'))) {
    throw new Fault('invalid', `cannot mount "${input.path}/"`)
  }
  const module = deps.moduleOf({ class: family.of, type, options })
  if (!module || module.kind === 'system') throw new Fault('invalid', `plugin not found in the catalog: ${input.type}`)
  const given = parseShape(configInput, input.config)
  const config = { ...configOf(given), ...lockoutOf({ type }, module, undefined, given.user_lockout_config) }
  checkLifetimes(config)
  const spec = { path: where, class: family.of, type, description: input.description, config, local: input.local, ...(options ? { options } : {}) }
  await deps.tenant(ctx).mounts.enable(spec, (mount) => module.configure?.(undefined, mount))
  return empty()
}

/** `kv-v2` is `kv` with version 2. */
function aliased(type: string, options: Record<string, string> | undefined): { type: string; options: Record<string, string> | undefined } {
  const version = /^kv-v([12])$/.exec(type)?.[1]
  return version === undefined ? { type, options } : { type: 'kv', options: { ...options, version } }
}

async function disable(mounts: Mounts, family: Family, where: string): Promise<Reply> {
  if (PROTECTED.includes(tablePath(family, where))) throw new Fault('invalid', `cannot unmount "${where}/"`)
  const mount = mounts.at(tablePath(family, where))
  if (!mount || (await mounts.disable(mount))) return empty()
  return empty(`Not everything that "${where}/" lent could be taken back yet. That is tried again; see sys/leases?type=irrevocable.`)
}

async function tune(deps: MountDeps, family: Family, ctx: Ctx, input: Values<typeof tuneInput> & { path: string }): Promise<Reply> {
  const { mounts } = deps.tenant(ctx)
  await mounts.tune(find(mounts, family, input.path), (now) => {
    refuseTokenType(input.token_type, now)
    const options = input.options === undefined ? now.options : { ...now.options, ...input.options }
    const lockout = lockoutOf(now, deps.moduleOf(now), now.config.userLockout, input.user_lockout_config)
    const config = { ...now.config, ...configOf(input), ...lockout }
    const after: Mount = { ...now, config, options, description: input.description ?? now.description }
    checkLifetimes(after.config)
    const module = deps.moduleOf(after)
    if (!module) throw new Fault('invalid', 'the engine does not know these options')
    module.configure?.(now, after)
    return after
  })
  return empty()
}

function lockoutOf(mount: Pick<Mount, 'type'>, module: Module | undefined, before: UserLockout | undefined, sent: JsonObject): Partial<MountConfig> {
  const userLockout = changeUserLockout(mount, module?.lockout !== undefined, before, sent)
  return userLockout ? { userLockout } : {}
}

function refuseTokenType(asked: string | undefined, mount: Mount): void {
  if (asked === undefined) return
  if (mount.class !== 'auth') throw new Fault('invalid', "'token_type' can only be modified on auth mounts")
  if (mount.type === 'token') throw new Fault('invalid', "'token_type' cannot be set for 'token' or 'ns_token' auth mounts")
}

function configOf(input: Values<typeof configInput>): Partial<MountConfig> {
  const named: { [K in keyof MountConfig]?: MountConfig[K] | undefined } = {
    defaultLeaseTtl: input.default_lease_ttl,
    maxLeaseTtl: input.max_lease_ttl,
    auditNonHmacRequestKeys: input.audit_non_hmac_request_keys,
    auditNonHmacResponseKeys: input.audit_non_hmac_response_keys,
    listingVisibility: input.listing_visibility,
    tokenType: input.token_type === undefined ? undefined : toTokenType(input.token_type),
  }
  return Object.fromEntries(Object.entries(named).filter(([, value]) => value !== undefined)) as Partial<MountConfig>
}

function toTokenType(raw: string): MountTokenType {
  const type = TOKEN_TYPES.find((one) => one === (raw || 'default-service'))
  if (type === undefined) throw new Fault('invalid', "invalid value for 'token_type'")
  return type
}

function checkLifetimes({ defaultLeaseTtl = 0, maxLeaseTtl = 0 }: Partial<MountConfig>): void {
  if (maxLeaseTtl > 0 && defaultLeaseTtl > maxLeaseTtl) throw new Fault('invalid', 'given default lease TTL greater than given max lease TTL')
}

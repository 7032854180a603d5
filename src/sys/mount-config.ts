// The settings of a mount as clients send them: a table of its own when it is enabled, beside others when it is tuned.
import { bool, type Field, list, maybe, object, or, pairs, seconds, text, type Values, parseShape } from '../base/fields.ts'
import { Fault } from '../base/fault.ts'
import type { Json, JsonObject } from '../base/json.ts'
import type { Ctx } from '../contract/module.ts'
import type { Mount, MountConfig } from '../contract/mount.ts'
import type { MountTokenType } from '../contract/token.ts'

const TOKEN_TYPES: readonly MountTokenType[] = ['default-service', 'default-batch', 'service', 'batch']
const VISIBILITIES = ['', 'hidden', 'unauth'] as const

/** As sent: what is wrong with it is said in other words at each of the two places. */
const lifetime = (doc: string): Field<Json | undefined> => ({ ...maybe(seconds(doc)), parse: (raw: Json) => raw })

const settings = {
  default_lease_ttl: lifetime('How long a lease lives where nothing else is said; "system" or 0 for the system default.'),
  max_lease_ttl: lifetime('How long a lease can live at most; "system" or 0 for the system default.'),
  audit_non_hmac_request_keys: maybe(list('Request keys that audit records show in clear.')),
  audit_non_hmac_response_keys: maybe(list('Response keys that audit records show in clear.')),
  listing_visibility: maybe(text('Whether unauthenticated users see the mount: "unauth" or "hidden".')),
  token_type: maybe(text('Kind of token that logins give: `service`, `batch`, or `default-service` and `default-batch`, which leave it to roles.')),
  user_lockout_config: or(
    object('When wrong guesses lock a name: lockout_threshold, lockout_duration, lockout_counter_reset_duration, lockout_disable.'),
    {},
  ),
  passthrough_request_headers: or(list('Not supported: request headers for the engine.'), []),
  allowed_response_headers: or(list('Not supported: headers that the engine may answer with.'), []),
  plugin_version: or(text('Not supported: there is one version of each engine.'), ''),
}

/** Of `config` when a mount is enabled. */
const configInput = { ...settings, force_no_cache: or(bool('Nothing is cached before an engine, so this is how it always is.'), false) }

export const tuneInput = {
  ...settings,
  description: maybe(text('What the mount is for.')),
  options: maybe(pairs('Options of the engine, such as version=2.')),
}

const refused = (what: string) => or(bool(`Not supported: ${what}.`), false)

export const enableInput = {
  type: or(text('Type of the engine or method: kv, userpass, approle.'), ''),
  plugin_name: or(text('The type, where `type` is "plugin".'), ''),
  description: or(text('What the mount is for.'), ''),
  config: or(object('Lifetimes, visibility and audit keys, as in tune.'), {}),
  options: maybe(pairs('Options of the engine, such as version=2.')),
  local: or(bool('Keep the mount out of replication.'), false),
  seal_wrap: refused('a second seal around values'),
  external_entropy_access: refused('randomness from outside'),
}

interface First {
  readonly settings: Partial<MountConfig>
  /** As sent: what it means depends on the type. */
  readonly lockout: JsonObject
}

/** The settings of a mount that is enabled. `systemMax` is how long a lease can live at most, in seconds. Throws `invalid`. */
export function firstSettings(ctx: Pick<Ctx, 'warn'>, of: 'secret' | 'auth', sent: JsonObject, systemMax: number): First {
  const unknown = Object.keys(sent).filter((name) => !Object.hasOwn(configInput, name))
  if (unknown.length > 0) ctx.warn(`Endpoint ignored these unrecognized parameters: [${unknown.map((name) => `config.${name}`).join(' ')}]`)
  const input = parseShape(configInput, sent)
  refuseUnsupported(input)
  const { defaultLeaseTtl = 0, maxLeaseTtl = 0, ...rest } = configOf(input, 'unable to parse ')
  if (maxLeaseTtl > 0 && defaultLeaseTtl > maxLeaseTtl) throw new Fault('invalid', 'given default lease TTL greater than given max lease TTL')
  if (maxLeaseTtl === 0 && defaultLeaseTtl > systemMax) {
    throw new Fault('invalid', `given default lease TTL greater than system max lease TTL of ${systemMax}`)
  }
  const tokenType = of === 'secret' ? { tokenType: 'default-service' as const } : {}
  return { settings: { ...rest, ...tokenType, defaultLeaseTtl, maxLeaseTtl }, lockout: input.user_lockout_config }
}

/** What the settings become. Throws `invalid`. */
export function tunedConfig(mount: Mount, input: Values<typeof tuneInput>): MountConfig {
  refuseUnsupported(input)
  refuseTokenType(input.token_type, mount)
  const config = { ...mount.config, ...configOf(input, '') }
  const { defaultLeaseTtl, maxLeaseTtl } = config
  if (defaultLeaseTtl > 0 && maxLeaseTtl > 0 && defaultLeaseTtl > maxLeaseTtl) {
    throw new Fault('invalid', `backend max lease TTL of ${maxLeaseTtl} would be less than backend default lease TTL of ${defaultLeaseTtl}`)
  }
  return config
}

type Settings = Values<typeof settings>

function refuseUnsupported(input: Pick<Settings, 'passthrough_request_headers' | 'allowed_response_headers' | 'plugin_version'>): void {
  for (const name of ['passthrough_request_headers', 'allowed_response_headers'] as const) {
    if (input[name].length > 0) throw new Fault('invalid', `${name} is not supported`)
  }
  if (input.plugin_version !== '') throw new Fault('invalid', 'cannot select non-builtin version: there is one version of each engine')
}

function refuseTokenType(asked: string | undefined, mount: Mount): void {
  if (asked === undefined) return
  if (mount.class !== 'auth') throw new Fault('invalid', "'token_type' can only be modified on auth mounts")
  if (mount.type === 'token') throw new Fault('invalid', "'token_type' cannot be set for 'token' or 'ns_token' auth mounts")
}

function configOf(input: Settings, trouble: string): Partial<MountConfig> {
  const named: { [K in keyof MountConfig]?: MountConfig[K] | undefined } = {
    defaultLeaseTtl: toLifetime(input.default_lease_ttl, trouble && `${trouble}default TTL of`),
    maxLeaseTtl: toLifetime(input.max_lease_ttl, trouble && `${trouble}max TTL of`),
    auditNonHmacRequestKeys: input.audit_non_hmac_request_keys,
    auditNonHmacResponseKeys: input.audit_non_hmac_response_keys,
    listingVisibility: input.listing_visibility === undefined ? undefined : toVisibility(input.listing_visibility),
    tokenType: input.token_type === undefined ? undefined : toTokenType(input.token_type),
  }
  return Object.fromEntries(Object.entries(named).filter(([, value]) => value !== undefined)) as Partial<MountConfig>
}

/** "system" goes back to the server's setting; an empty text says nothing, as command lines send it. */
function toLifetime(raw: Json | undefined, trouble: string): number | undefined {
  if (raw === undefined || raw === '') return undefined
  if (raw === 'system') return 0
  try {
    return seconds('').parse(raw)
  } catch (error) {
    if (!(error instanceof Fault) || trouble === '') throw error
    throw new Fault('invalid', `${trouble} ${typeof raw === 'string' ? raw : JSON.stringify(raw)}: ${error.message}`)
  }
}

function toVisibility(raw: string): MountConfig['listingVisibility'] {
  const found = VISIBILITIES.find((one) => one === raw)
  if (found === undefined) throw new Fault('invalid', `invalid listing_visibility ${raw}`)
  return found
}

function toTokenType(raw: string): MountTokenType {
  const type = TOKEN_TYPES.find((one) => one === (raw || 'default-service'))
  if (type === undefined) throw new Fault('invalid', "invalid value for 'token_type'")
  return type
}

// A token role: what tokens made through it may be (Vault API, "Create/update token role").
import { cidrText } from '../base/cidr.ts'
import { bool, int, list, maybe, seconds, text, type Values } from '../base/fields.ts'
import { Fault } from '../base/fault.ts'
import { isGlobMatch } from '../base/glob.ts'
import type { JsonObject } from '../base/json.ts'
import { policyNames } from '../base/policy-names.ts'
import type { MountTokenType } from '../contract/token.ts'

/** Durations in seconds; 0 and empty lists say nothing. */
export interface TokenRole {
  readonly name: string
  readonly allowedPolicies: readonly string[]
  readonly disallowedPolicies: readonly string[]
  readonly allowedPoliciesGlob: readonly string[]
  readonly disallowedPoliciesGlob: readonly string[]
  readonly orphan: boolean
  readonly renewable: boolean
  readonly pathSuffix: string
  readonly type: MountTokenType
  readonly period: number
  readonly explicitMaxTtl: number
  readonly boundCidrs: readonly string[]
  readonly numUses: number
  readonly noDefaultPolicy: boolean
  /** Null until it was first set. */
  readonly allowedEntityAliases: readonly string[] | null
  /** The older names under which parameters were set last; they are shown under these too. */
  readonly older: readonly Older[]
}

const OLDER = { period: 'token_period', bound_cidrs: 'token_bound_cidrs', explicit_max_ttl: 'token_explicit_max_ttl' } as const

type Older = keyof typeof OLDER

const OLDER_NAMES = Object.keys(OLDER) as Older[]

export const roleInput = {
  allowed_policies: maybe(list('Policies that tokens may have; all of them where none is asked for.')),
  disallowed_policies: maybe(list('Policies that no token may have.')),
  allowed_policies_glob: maybe(list('Globs of policies that tokens may have.')),
  disallowed_policies_glob: maybe(list('Globs of policies that no token may have.')),
  orphan: maybe(bool('Whether tokens outlive the one that made them.')),
  renewable: maybe(bool('Whether tokens can be renewed; they can unless this is false.')),
  path_suffix: maybe(text('Last part of the path that tokens show, so that those of one kind can be told apart.')),
  token_type: maybe(text('`service`, `batch`, or `default-service` and `default-batch`, which leave it to the caller.')),
  token_period: maybe(seconds('Makes tokens periodic: renewable without end, by this much each time.')),
  token_explicit_max_ttl: maybe(seconds('Life after which a token ends, however often it was renewed.')),
  token_bound_cidrs: maybe(list('Address blocks from which the tokens may be used.')),
  token_num_uses: maybe(int('Requests that a token is good for; 0 is without limit.')),
  token_no_default_policy: maybe(bool('Whether tokens go without the policy `default` unless it is asked for.')),
  allowed_entity_aliases: maybe(list('Aliases that may be asked for, globs among them. Entities are not offered yet.')),
  period: maybe(seconds('Older name of token_period.')),
  explicit_max_ttl: maybe(seconds('Older name of token_explicit_max_ttl.')),
  bound_cidrs: maybe(list('Older name of token_bound_cidrs.')),
}

type Input = Values<typeof roleInput>

/** A role before anything was said. */
export function newRole(name: string): TokenRole {
  return {
    name,
    allowedPolicies: [],
    disallowedPolicies: [],
    allowedPoliciesGlob: [],
    disallowedPoliciesGlob: [],
    orphan: false,
    renewable: true,
    pathSuffix: '',
    type: 'default-service',
    period: 0,
    explicitMaxTtl: 0,
    boundCidrs: [],
    numUses: 0,
    noDefaultPolicy: false,
    allowedEntityAliases: null,
    older: [],
  }
}

/** The role after a write: what was not sent stays. Throws `invalid` in Vault's words. */
export function mergeRole(before: TokenRole, input: Input): TokenRole {
  const given = (newer: keyof Input, older: Older) => input[newer] ?? input[older]
  const sent = {
    allowedPolicies: input.allowed_policies && policyNames(input.allowed_policies),
    disallowedPolicies: input.disallowed_policies && lowered(input.disallowed_policies),
    allowedPoliciesGlob: input.allowed_policies_glob && policyNames(input.allowed_policies_glob),
    disallowedPoliciesGlob: input.disallowed_policies_glob && lowered(input.disallowed_policies_glob),
    orphan: input.orphan,
    renewable: input.renewable,
    pathSuffix: input.path_suffix === undefined ? undefined : toPathSuffix(input.path_suffix),
    type: input.token_type === undefined ? undefined : toType(input.token_type),
    period: given('token_period', 'period'),
    explicitMaxTtl: given('token_explicit_max_ttl', 'explicit_max_ttl'),
    boundCidrs: toBlocks(input),
    numUses: input.token_num_uses,
    noDefaultPolicy: input.token_no_default_policy,
    allowedEntityAliases: input.allowed_entity_aliases && lowered(input.allowed_entity_aliases),
  }
  const changes = Object.fromEntries(Object.entries(sent).filter(([, value]) => value !== undefined)) as Partial<TokenRole>
  const older = OLDER_NAMES.filter((name) => input[OLDER[name]] === undefined && (input[name] !== undefined || before.older.includes(name)))
  return check({ ...before, ...changes, older })
}

/** What was sent under both names. */
export function ignoredNames(input: Input): string[] {
  const both = OLDER_NAMES.filter((name) => input[name] !== undefined && input[OLDER[name]] !== undefined)
  return both.map((name) => `Both '${OLDER[name]}' and deprecated '${name}' value supplied, ignoring the deprecated value`)
}

function check(role: TokenRole): TokenRole {
  if (role.numUses < 0) throw new Fault('invalid', "error parsing role fields: 'token_num_uses' cannot be negative")
  if (role.type !== 'batch') return role
  const rules: readonly (readonly [boolean, string])[] = [
    [!role.orphan, 'non-orphan tokens'],
    [role.period > 0, 'periodic tokens'],
    [role.renewable, 'renewable tokens'],
    [role.explicitMaxTtl > 0, 'tokens with an explicit max TTL'],
    [role.numUses > 0, 'tokens with limited use count'],
  ]
  const broken = rules.find(([is]) => is)
  if (broken) throw new Fault('invalid', `'token_type' cannot be 'batch' when role is set to generate ${broken[1]}`)
  return role
}

const TYPES: readonly MountTokenType[] = ['service', 'batch', 'default-service', 'default-batch']

function toType(raw: string): MountTokenType {
  const type = TYPES.find((one) => one === raw)
  if (type === undefined) throw new Fault('invalid', `invalid 'token_type' value ${JSON.stringify(raw)}`)
  return type
}

function toPathSuffix(raw: string): string {
  if (raw.includes('..') && /^[\w.-]+$/.test(raw)) throw new Fault('invalid', 'error registering path suffix: path cannot contain parent references')
  if (raw === '' || /^\w[\w.-]+\w$/.test(raw)) return raw
  throw new Fault('invalid', 'given role path suffix contains invalid characters; must match \\w[\\w-.]+\\w')
}

function toBlocks(input: Input): string[] | undefined {
  const from = input.token_bound_cidrs ? 'role fields' : 'bound_cidrs'
  try {
    return (input.token_bound_cidrs ?? input.bound_cidrs)?.map(cidrText)
  } catch (error) {
    throw error instanceof Fault ? new Fault('invalid', `error parsing ${from}: ${error.message}`) : error
  }
}

function lowered(raw: readonly string[]): string[] {
  return [...new Set(raw.map((one) => one.toLowerCase()))].sort()
}

export function showRole(role: TokenRole): JsonObject {
  const ifOlder = <T>(name: Older, value: T, otherwise: T) => (role.older.includes(name) ? value : otherwise)
  return {
    allowed_entity_aliases: role.allowedEntityAliases && [...role.allowedEntityAliases],
    allowed_policies: [...role.allowedPolicies],
    allowed_policies_glob: [...role.allowedPoliciesGlob],
    ...(role.older.includes('bound_cidrs') && role.boundCidrs.length > 0 ? { bound_cidrs: [...role.boundCidrs] } : {}),
    disallowed_policies: [...role.disallowedPolicies],
    disallowed_policies_glob: [...role.disallowedPoliciesGlob],
    explicit_max_ttl: ifOlder('explicit_max_ttl', role.explicitMaxTtl, 0),
    name: role.name,
    orphan: role.orphan,
    path_suffix: role.pathSuffix,
    period: ifOlder('period', role.period, 0),
    renewable: role.renewable,
    ...(role.boundCidrs.length > 0 ? { token_bound_cidrs: [...role.boundCidrs] } : {}),
    token_explicit_max_ttl: role.explicitMaxTtl,
    token_no_default_policy: role.noDefaultPolicy,
    ...(role.numUses > 0 ? { token_num_uses: role.numUses } : {}),
    token_period: role.period,
    token_type: role.type,
  }
}

/** Whether the role gives policies of its own choice, instead of leaving it to what the parent has. */
export function restrictsPolicies(role: TokenRole): boolean {
  return [role.allowedPolicies, role.disallowedPolicies, role.allowedPoliciesGlob, role.disallowedPoliciesGlob].some((names) => names.length > 0)
}

/** Why no token can be made for this alias. */
export function entityAliasFault(role: TokenRole | undefined, alias: string): string {
  if (!role) return "'entity_alias' is only allowed in combination with token role"
  const allowed = role.allowedEntityAliases?.some((glob) => isGlobMatch(glob, alias.toLowerCase()))
  return allowed ? "'entity_alias' is not supported: entities are not offered yet" : "invalid 'entity_alias' value"
}

// The token parameters that every auth role has: Vault's `token_*` fields, the older names some of them had, and what a login makes of them.
import { cidrText, formatCidr, parseCidr } from '../base/cidr.ts'
import { coreFault, Fault } from '../base/fault.ts'
import { bool, int, list, maybe, seconds, text, type Values } from '../base/fields.ts'
import type { JsonObject } from '../base/json.ts'
import { policyNames } from '../base/policy-names.ts'
import type { Peer } from '../contract/call.ts'
import type { Token, TokenLimits } from '../contract/token.ts'

export const tokenFields = {
  token_bound_cidrs: maybe(list('Address blocks from which the tokens may be used.')),
  token_explicit_max_ttl: maybe(seconds('Life after which a token ends, whatever role and mount say by then.')),
  token_max_ttl: maybe(seconds('Life after which a token can no longer be renewed.')),
  token_no_default_policy: maybe(bool('Whether tokens go without the policy `default`.')),
  token_num_uses: maybe(int('Requests that a token is good for; 0 is without limit.')),
  token_period: maybe(seconds('Makes tokens periodic: renewable without end, by this much each time.')),
  token_policies: maybe(list('Policies of the tokens.')),
  token_strictly_bind_ip: maybe(bool('Whether a token works only from the address that logged in.')),
  token_ttl: maybe(seconds('Life of a token until it must be renewed.')),
  token_type: maybe(text('`service`, `batch`, `default` (what the mount says), `default-service` or `default-batch`.')),
} as const

export type TokenField = keyof typeof tokenFields

/** Older names of token fields, as a method knows them: `{ ttl: 'token_ttl' }`. */
export type Aliases = Readonly<Record<string, TokenField>>

/** Token parameters as a role keeps them. */
export interface TokenParams extends TokenLimits {
  readonly policies: readonly string[]
  readonly strictlyBindIp: boolean
  /** The older names under which parameters were set last; they are shown under these too. */
  readonly aliases: readonly string[]
}

export const NO_TOKEN_PARAMS: TokenParams = {
  ttl: 0,
  maxTtl: 0,
  explicitMaxTtl: 0,
  period: 0,
  numUses: 0,
  boundCidrs: [],
  noDefaultPolicy: false,
  policies: [],
  strictlyBindIp: false,
  type: 'default',
  aliases: [],
}

const PARAMS = {
  token_bound_cidrs: 'boundCidrs',
  token_explicit_max_ttl: 'explicitMaxTtl',
  token_max_ttl: 'maxTtl',
  token_no_default_policy: 'noDefaultPolicy',
  token_num_uses: 'numUses',
  token_period: 'period',
  token_policies: 'policies',
  token_strictly_bind_ip: 'strictlyBindIp',
  token_ttl: 'ttl',
  token_type: 'type',
} as const satisfies Record<TokenField, keyof TokenParams>

const FIELDS = Object.keys(PARAMS) as readonly TokenField[]

/** Parameters that were sent, under their newer or older names. */
export type TokenInput = Partial<Values<typeof tokenFields>> & Readonly<Record<string, unknown>>

/** The parameters after a write: what was not sent stays. Throws `invalid` in Vault's wording. */
export function mergeTokenFields(before: TokenParams, input: TokenInput, aliases: Aliases): TokenParams {
  const sent = FIELDS.filter((field) => input[field] !== undefined).map((field) => [PARAMS[field], toParam(field, input[field])])
  const merged = check({ ...before, ...(Object.fromEntries(sent) as Partial<TokenParams>) })
  return Object.entries(aliases).reduce((params, [old, field]) => mergeAlias(params, input, old, field), merged)
}

/** The newer name wins; the older one, where sent, only stays visible. */
function mergeAlias(params: TokenParams, input: TokenInput, old: string, field: TokenField): TokenParams {
  const named = input[field] !== undefined
  const used = input[old] !== undefined
  if (!named && !used) return params
  const aliases = [...params.aliases.filter((one) => one !== old), ...(used ? [old] : [])]
  if (named) return { ...params, aliases }
  const value = field === 'token_policies' ? policyNames(input[old] as string[]) : toParam(field, input[old])
  return { ...params, [PARAMS[field]]: value, aliases }
}

function toParam(field: TokenField, value: unknown): unknown {
  if (field === 'token_bound_cidrs') return (value as string[]).map(cidrText)
  return field === 'token_type' ? toType(value as string) : value
}

const TYPES: readonly TokenLimits['type'][] = ['default', 'service', 'batch', 'default-service', 'default-batch']

function toType(raw: string): TokenLimits['type'] {
  const type = TYPES.find((one) => one === (raw || 'default'))
  if (type === undefined) throw new Fault('invalid', `invalid 'token_type' value ${JSON.stringify(raw)}`)
  return type
}

function check(params: TokenParams): TokenParams {
  if (params.numUses < 0) throw new Fault('invalid', "'token_num_uses' cannot be negative")
  if (params.type === 'batch' || params.type === 'default-batch') {
    const cannot = "'token_type' cannot be 'batch' or 'default_batch' when set to generate"
    if (params.period > 0) throw new Fault('invalid', `${cannot} periodic tokens`)
    if (params.numUses > 0) throw new Fault('invalid', `${cannot} tokens with limited use count`)
  }
  if (params.ttl > 0 && params.maxTtl > 0 && params.ttl > params.maxTtl) {
    throw new Fault('invalid', "'token_ttl' cannot be greater than 'token_max_ttl'")
  }
  if (params.strictlyBindIp && params.boundCidrs.length > 0) {
    throw new Fault('invalid', "'token_strictly_bind_ip' conflicts with 'token_bound_cidrs'; set only one")
  }
  return params
}

/** The parameters as a role's read shows them. */
export function showTokenFields(params: TokenParams, aliases: Aliases): JsonObject {
  const shown = Object.fromEntries(FIELDS.map((field) => [field, params[PARAMS[field]]])) as JsonObject
  for (const old of params.aliases) {
    const value = shown[aliases[old] as TokenField]
    if (value !== undefined && value !== 0 && !(Array.isArray(value) && value.length === 0)) shown[old] = value
  }
  return shown
}

/** What a login from `peer` asks the token room for. Throws `invalid` where a role names `root`, which only root itself can give. */
export function tokenGrant(params: TokenParams, peer: Peer): { policies: string[]; limits: TokenLimits } {
  const policies = policyNames(params.policies)
  if (policies.includes('root')) throw new Fault('invalid', 'auth methods cannot create root tokens')
  const { type, ttl, maxTtl, explicitMaxTtl, period, numUses, noDefaultPolicy } = params
  const boundCidrs = params.strictlyBindIp ? [formatCidr(parseCidr(peer.address))] : params.boundCidrs
  return { policies, limits: { type, ttl, maxTtl, explicitMaxTtl, period, numUses, noDefaultPolicy, boundCidrs } }
}

/** What a renewal may do by now: lifetimes are the role's present ones, the rest is as it was when the token was made. */
export function renewedGrant({ ttl, maxTtl, period }: TokenParams, token: Token): TokenLimits & { policies: readonly string[] } {
  const { type, policies, explicitMaxTtl, numUses, boundCidrs } = token
  return { type, ttl, maxTtl, period, policies, explicitMaxTtl, numUses, boundCidrs, noDefaultPolicy: !policies.includes('default') }
}

export function notRenewed(cause: string): Fault {
  return coreFault('invalid', `failed to renew entry: ${cause}`)
}

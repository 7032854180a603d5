// Roles: which identities may log in, by their SPIFFE IDs, trust domains and registration entries, and what they get.
import { Fault } from '../../base/fault.ts'
import { list, maybe, type Values } from '../../base/fields.ts'
import type { JsonObject } from '../../base/json.ts'
import { parseTrustDomain, type SpiffeId, trustDomainOf } from '../../crypto/spiffe-id.ts'
import { records } from '../../store/records.ts'
import { type Aliases, mergeTokenFields, NO_TOKEN_PARAMS, showTokenFields, type TokenInput, type TokenParams, tokenFields } from '../token-fields.ts'
import { isIdMatch, parseIdPattern } from './pattern.ts'
import type { EntryFacts, Trust } from './trust.ts'

export const SVID_TYPES = ['x509', 'jwt'] as const
export type SvidType = (typeof SVID_TYPES)[number]

export interface Role {
  readonly spiffeIds: readonly string[]
  readonly trustDomains: readonly string[]
  readonly entryIds: readonly string[]
  readonly hints: readonly string[]
  readonly selectors: readonly string[]
  /** Empty for both. */
  readonly svidTypes: readonly string[]
  readonly token: TokenParams
}

export const ROLE_PREFIX = 'role/'
export const roles = records<Role>(ROLE_PREFIX)

const NO_ALIASES: Aliases = {}
const NEW_ROLE: Role = { spiffeIds: [], trustDomains: [], entryIds: [], hints: [], selectors: [], svidTypes: [], token: NO_TOKEN_PARAMS }

export const roleFields = {
  bound_spiffe_ids: maybe(list('Patterns of the SPIFFE IDs that may log in: * is any one segment, a last ** any one or more.')),
  bound_trust_domains: maybe(list('Trust domains that they must be of.')),
  bound_entry_ids: maybe(list('Registration entries, of which one must give the ID.')),
  bound_hints: maybe(list('Hints, of which the entry that gives the ID must have one.')),
  bound_selectors: maybe(list('Selectors that the entry that gives the ID must have, all of them.')),
  svid_types: maybe(list('Which proofs are taken: x509, jwt; both unless it is said.')),
  ...tokenFields,
} as const

export type RoleInput = Partial<Values<typeof roleFields>>

/** The role after a write: what was not sent stays. Throws `invalid`. */
export function mergeRole(before: Role | undefined, input: RoleInput): Role {
  const was = before ?? NEW_ROLE
  const role: Role = {
    spiffeIds: input.bound_spiffe_ids ?? was.spiffeIds,
    trustDomains: input.bound_trust_domains?.map(parseTrustDomain) ?? was.trustDomains,
    entryIds: input.bound_entry_ids ?? was.entryIds,
    hints: input.bound_hints ?? was.hints,
    selectors: input.bound_selectors ?? was.selectors,
    svidTypes: input.svid_types ?? was.svidTypes,
    token: mergeTokenFields(was.token, input as TokenInput, NO_ALIASES),
  }
  role.spiffeIds.forEach(parseIdPattern)
  const odd = role.svidTypes.find((type) => !SVID_TYPES.some((one) => one === type))
  if (odd !== undefined) throw new Fault('invalid', `svid_types: "${odd}" is neither x509 nor jwt`)
  if (role.spiffeIds.length + role.trustDomains.length + entryBounds(role) === 0) {
    throw new Fault('invalid', 'a role needs at least one of bound_spiffe_ids, bound_trust_domains, bound_entry_ids, bound_hints, bound_selectors')
  }
  return role
}

const entryBounds = ({ entryIds, hints, selectors }: Role): number => entryIds.length + hints.length + selectors.length

export function showRole(role: Role): JsonObject {
  return {
    bound_spiffe_ids: [...role.spiffeIds],
    bound_trust_domains: [...role.trustDomains],
    bound_entry_ids: [...role.entryIds],
    bound_hints: [...role.hints],
    bound_selectors: [...role.selectors],
    svid_types: [...role.svidTypes],
    ...showTokenFields(role.token, NO_ALIASES),
  }
}

/** Whether the role is for this identity, by all that it asks for. A role that asks for entries is for the server's own trust domain. */
export function isFor(role: Role, id: SpiffeId, trust: Trust): boolean {
  const domain = trustDomainOf(id)
  if (role.trustDomains.length > 0 && !role.trustDomains.includes(domain)) return false
  if (role.spiffeIds.length > 0 && !role.spiffeIds.some((pattern) => isIdMatch(parseIdPattern(pattern), id))) return false
  if (entryBounds(role) === 0) return true
  return domain === trust.home() && trust.entriesOf(id).some((entry) => isEntryMatch(role, entry))
}

function isEntryMatch({ entryIds, hints, selectors }: Role, entry: EntryFacts): boolean {
  if (entryIds.length > 0 && !entryIds.includes(entry.id)) return false
  if (hints.length > 0 && !hints.includes(entry.hint)) return false
  return selectors.every((one) => entry.selectors.includes(one))
}

export const takes = ({ svidTypes }: Role, type: SvidType): boolean => svidTypes.length === 0 || svidTypes.includes(type)

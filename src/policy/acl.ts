// The access control list of a token: its policies compiled once, then asked for every request.
import { Fault } from '../base/fault.ts'
import type { JsonObject } from '../base/json.ts'
import type { Capability, Verb } from '../contract/call.ts'
import { BIT, capabilitiesOf, grantsAny, neededFor } from './capability.ts'
import { type Explanation, explain } from './explain.ts'
import { isGlobMatch } from '../base/glob.ts'
import { type Grants, grantsOf, merge } from './merge.ts'
import { type ParameterFault, parameterFault, permitsPage } from './parameters.ts'
import { type Pattern, toPattern } from './pattern.ts'
import type { Limits, Policy } from './policy.ts'
import { type ReachRule, reachesBelow } from './reach.ts'
import { fillTemplate, type TemplateIdentity } from './template.ts'
import { compileWildcards, type FindWildcard } from './wildcards.ts'

export interface AclRequest {
  /** From the namespace of the policies on; one slash at its end for a folder. */
  readonly path: string
  readonly verb: Verb
  /** A write that would make what does not exist yet. */
  readonly creates: boolean
  readonly data: JsonObject
  /** The path also needs the capability `sudo`. */
  readonly sudo: boolean
  /** Seconds, where the client asked for a wrapped answer. */
  readonly wrapTtl?: number | undefined
}

/** Why a request is refused. */
export type Refusal =
  | { readonly why: 'no-rule' | 'denied' }
  | { readonly why: 'capability'; readonly missing: readonly Capability[] }
  /** Seconds; 0 is no bound. */
  | { readonly why: 'wrapping'; readonly min: number; readonly max: number }
  | { readonly why: 'page'; readonly most: number }
  | ParameterFault

export interface AclDecision {
  readonly allowed: boolean
  /** By the policy `root`, which asks nothing further. */
  readonly root: boolean
  /** What the request needed. */
  readonly capability: Capability
  /** The policies that granted it; empty for a refusal. */
  readonly policies: readonly string[]
  /** What the request's `limit` must become before it runs. */
  readonly limit?: number
  /** Undefined where it is allowed. */
  readonly refusal?: Refusal
}

export interface Acl {
  readonly root: boolean
  /** Wall milliseconds from which on a rule is void and the ACL must be compiled anew. */
  readonly expiresAt: number
  /** Sorted; `['deny']` for nothing, `['root']` for everything. */
  capabilities(path: string): readonly (Capability | 'root')[]
  decide(request: AclRequest): AclDecision
  /** Why. A decision that was taken before explains itself even where the request's parameters are not known any more. */
  explain(request: AclRequest, decision?: AclDecision): Explanation
  /** Whether an event of this type about this path may be heard of (Vault, "Events": `list`, `subscribe` and the type). */
  hears(path: string, type: string): boolean
  /** Whether a folder, which ends in a slash, or anything below has a capability. */
  reaches(folder: string): boolean
  /** What it says of each path, as written in the policies; nothing for `root`. */
  rules(): Iterable<readonly [path: string, limits: Limits]>
}

/**
 * Merges the policies into one ACL. Rules whose template has no value for `identity`, or that are void at `now`, are left out.
 * Throws `invalid` where `root` is not alone.
 * @example compileAcl([parsePolicy('reader', 'path "kv/*" { capabilities = ["read"] }')]).capabilities('kv/a') // ['read']
 */
export function compileAcl(policies: readonly Policy[], identity?: TemplateIdentity, now = 0): Acl {
  if (policies.some(({ name }) => name === 'root')) {
    if (policies.length > 1) throw new Fault('invalid', 'other policies present along with root')
    return ROOT
  }
  const { exact, wild, expiresAt } = compileRules(policies, identity, now)
  const find = compileWildcards([...wild.values()])
  const decideOn = (request: AclRequest) => decide(lookUp(exact, find, request.path, request.verb === 'list' || request.verb === 'scan'), request)
  return {
    root: false,
    expiresAt,
    capabilities: (path) => capabilitiesOf(lookUp(exact, find, path, true)?.bits ?? 0),
    decide: decideOn,
    explain: (request, decision = decideOn(request)) => explain({ policies, identity, now }, request, decision),
    hears: (path, type) => hears(lookUp(exact, find, path, false), type),
    reaches: (folder) => grantsAny(lookUp(exact, find, folder, true)?.bits ?? 0) || reachesBelow(reachOf(exact, wild), folder),
    *rules() {
      yield* exact
      for (const [path, { grants }] of wild) yield [path, grants]
    },
  }
}

function* reachOf(exact: ExactRules, wild: WildRules): Generator<ReachRule> {
  for (const [path, { bits }] of exact) yield { path, pattern: undefined, bits }
  for (const [path, { pattern, grants }] of wild) yield { path, pattern, bits: grants.bits }
}

function allowAll({ verb, creates }: AclRequest): AclDecision {
  return { allowed: true, root: true, capability: neededFor(verb, creates), policies: ['root'] }
}

const ROOT: Acl = {
  root: true,
  expiresAt: Number.POSITIVE_INFINITY,
  capabilities: () => ['root'],
  decide: allowAll,
  explain: (request) => explain({ policies: [], identity: undefined, now: 0 }, request, allowAll(request)),
  hears: () => true,
  reaches: () => true,
  rules: () => [],
}

type ExactRules = ReadonlyMap<string, Grants>
type WildRules = ReadonlyMap<string, WildRule>

interface WildRule {
  readonly pattern: Pattern
  readonly grants: Grants
}

function compileRules(policies: readonly Policy[], identity: TemplateIdentity | undefined, now: number) {
  const exact = new Map<string, Grants>()
  const wild = new Map<string, WildRule>()
  let expiresAt = Number.POSITIVE_INFINITY
  for (const { name, rules } of policies) {
    for (const rule of rules) {
      const path = rule.templated ? fillTemplate(rule.path, identity) : rule.path
      if (path === undefined || rule.expiresAt <= now) continue
      expiresAt = Math.min(expiresAt, rule.expiresAt)
      const before = exact.get(path) ?? wild.get(path)?.grants
      const grants = before ? merge(before, rule, name) : grantsOf(rule, name)
      const pattern = toPattern(path)
      if (pattern) wild.set(path, { pattern, grants })
      else exact.set(path, grants)
    }
  }
  return { exact, wild, expiresAt }
}

/**
 * An exact rule first, then the most specific wildcard; a list also takes rules for the folder's path without its slash:
 * where no other speaks of it, and where a more specific one denies it.
 */
function lookUp(exact: ExactRules, find: FindWildcard, raw: string, folder: boolean): Grants | undefined {
  const path = raw.startsWith('/') ? raw.replace(/^\/+/, '') : raw
  const bare = folder && path.endsWith('/') ? path.slice(0, -1) : undefined
  const named = exact.get(path) ?? (bare === undefined ? undefined : exact.get(bare))
  if (named) return named
  const [whole, cut] = [find(path), bare === undefined ? undefined : find(bare)]
  if (whole && cut && cut.rank > whole.rank && cut.grants.bits & BIT.deny) return cut.grants
  return (whole ?? cut)?.grants
}

function decide(grants: Grants | undefined, request: AclRequest): AclDecision {
  const { verb, creates, data } = request
  const capability = neededFor(verb, creates)
  if (verb === 'help') return { allowed: true, root: false, capability, policies: [] }
  if (!grants) return refused(capability, { why: 'no-rule' })
  const refusal = refusalBy(grants, capability, request)
  if (refusal) return refused(capability, refusal)
  const policies = grants.from.get(capability) ?? []
  const limit = verb === 'list' || verb === 'scan' ? permitsPage(grants, data).limit : undefined
  return { allowed: true, root: false, capability, policies, ...(limit === undefined ? {} : { limit }) }
}

function refusalBy(grants: Grants, capability: Capability, { verb, data, sudo, wrapTtl }: AclRequest): Refusal | undefined {
  const needed = BIT[capability] | (sudo ? BIT.sudo : 0)
  if (grants.bits & BIT.deny) return { why: 'denied' }
  if ((grants.bits & needed) !== needed) return { why: 'capability', missing: capabilitiesOf(needed & ~grants.bits) }
  const { minWrapTtl: min, maxWrapTtl: max } = grants
  if (!permitsWrapping(grants, wrapTtl)) return { why: 'wrapping', min, max }
  if (verb === 'list' || verb === 'scan') return permitsPage(grants, data).allowed ? undefined : { why: 'page', most: grants.paginationLimit }
  return verb === 'delete' ? undefined : parameterFault(grants, data)
}

function refused(capability: Capability, refusal: Refusal): AclDecision {
  return { allowed: false, root: false, capability, policies: [], refusal }
}

const HEARING = BIT.list | BIT.subscribe

function hears(grants: Grants | undefined, type: string): boolean {
  return grants !== undefined && (grants.bits & HEARING) === HEARING && grants.events.some((pattern) => isGlobMatch(pattern, type))
}

/** Merging may leave a minimum above the maximum; then nothing passes. */
function permitsWrapping({ minWrapTtl, maxWrapTtl }: Grants, wrapTtl: number | undefined): boolean {
  if (minWrapTtl === 0 && maxWrapTtl === 0) return true
  return wrapTtl !== undefined && wrapTtl >= minWrapTtl && (maxWrapTtl === 0 || wrapTtl <= maxWrapTtl)
}

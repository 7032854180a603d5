// Why a request is allowed or refused: which rule decides, which others match and why they do not, and what would change it.
import type { Capability } from '../contract/call.ts'
import type { AclDecision, AclRequest } from './acl.ts'
import { BIT, capabilitiesOf } from './capability.ts'
import { type Grants, grantsOf, merge } from './merge.ts'
import { advantage, compareSpecificity, matches, type Pattern, toPattern } from './pattern.ts'
import type { Policy, Rule } from './policy.ts'
import { type Remedy, remedyFor } from './remedy.ts'
import { fillTemplate, type TemplateIdentity } from './template.ts'

/** One stanza of one policy. */
export interface Stanza {
  readonly policy: string
  readonly line: number
  /** As written. */
  readonly path: string
  readonly capabilities: readonly Capability[]
}

/** All stanzas of one path, which count as one rule. */
export interface MatchingRule {
  /** With its templates filled in. */
  readonly path: string
  /** Of all stanzas together. */
  readonly capabilities: readonly Capability[]
  readonly stanzas: readonly Stanza[]
  /** Why it decides, or what goes before it. */
  readonly because: string
}

export interface IdleStanza extends Stanza {
  /** Why it counts for nothing. */
  readonly because: string
}

export interface Explanation {
  readonly decision: AclDecision
  /** Undefined where no rule matches, and where none is asked: for root, and for help. */
  readonly decidedBy: MatchingRule | undefined
  /** Rules that match as well, the next best first. */
  readonly beaten: readonly MatchingRule[]
  /** Stanzas that could match, were they in force. */
  readonly idle: readonly IdleStanza[]
  /** The smallest change that would allow it; undefined where it is allowed. */
  readonly remedy: Remedy | undefined
}

/** What the rules of an ACL are made from. */
export interface Compiled {
  readonly policies: readonly Policy[]
  readonly identity: TemplateIdentity | undefined
  readonly now: number
}

export function explain(compiled: Compiled, request: AclRequest, decision: AclDecision): Explanation {
  if (decision.root || request.verb === 'help') return { decision, decidedBy: undefined, beaten: [], idle: [], remedy: undefined }
  const { rules, idle } = gather(compiled)
  const [first, ...others] = ranked([...rules.values()], asked(request))
  return {
    decision,
    decidedBy: first && { ...shown(first), because: others.length > 0 ? `it goes before the others: ${first.rank}` : 'no other rule matches' },
    beaten: first ? others.map((other) => ({ ...shown(other), because: whyBeaten(first, other) })) : [],
    idle: idle.filter(({ path }) => mayMatch(path, asked(request))),
    remedy: decision.refusal && remedyFor(request, decision.refusal, first && { ...first, deniers: deniersOf(first) }),
  }
}

interface Gathered {
  readonly path: string
  readonly pattern: Pattern | undefined
  grants: Grants
  readonly stanzas: Stanza[]
}

function gather({ policies, identity, now }: Compiled): { rules: Map<string, Gathered>; idle: IdleStanza[] } {
  const rules = new Map<string, Gathered>()
  const idle: IdleStanza[] = []
  for (const { name, rules: own } of policies) {
    for (const rule of own) {
      const stanza = { policy: name, line: rule.line, path: rule.path, capabilities: rule.bits === 0 ? [] : capabilitiesOf(rule.bits) }
      const path = rule.templated ? fillTemplate(rule.path, identity) : rule.path
      if (path === undefined) idle.push({ ...stanza, because: 'its template has no value for the one who asks' })
      else if (rule.expiresAt <= now) idle.push({ ...stanza, because: `it ended at ${new Date(rule.expiresAt).toISOString()}` })
      else add(rules, path, rule, name, stanza)
    }
  }
  return { rules, idle }
}

function add(rules: Map<string, Gathered>, path: string, rule: Rule, policy: string, stanza: Stanza): void {
  const known = rules.get(path)
  if (known) {
    known.grants = merge(known.grants, rule, policy)
    known.stanzas.push(stanza)
  } else rules.set(path, { path, pattern: toPattern(path), grants: grantsOf(rule, policy), stanzas: [stanza] })
}

/** The path as rules see it, and for lists also the folder without its slash. */
interface Asked {
  readonly path: string
  readonly bare: string | undefined
}

function asked({ path: raw, verb }: AclRequest): Asked {
  const path = raw.replace(/^\/+/, '')
  const isFolder = (verb === 'list' || verb === 'scan') && path.endsWith('/')
  return { path, bare: isFolder ? path.slice(0, -1) : undefined }
}

interface Ranked extends Gathered {
  /** What kind of match it is, the best first. */
  readonly rank: Rank
}

const RANKS = [
  'it names this very path',
  'it names this very path without its last slash',
  'its pattern fits best',
  'its pattern fits the path without its last slash',
  'its pattern denies the path without its last slash, and is the more specific',
] as const
type Rank = (typeof RANKS)[number]

function ranked(rules: readonly Gathered[], { path, bare }: Asked): Ranked[] {
  const found = rules.flatMap((rule) => {
    const at = rankOf(rule, path, bare)
    return at === undefined ? [] : [{ ...rule, rank: RANKS[at] as Rank, at }]
  })
  const sorted = found.sort((a, b) => a.at - b.at || (a.pattern && b.pattern ? compareSpecificity(b.pattern, a.pattern) : 0))
  const [whole, cut] = [sorted[0], sorted.find(({ at }) => at === BARE)]
  if (whole?.at !== BARE - 1 || !whole.pattern || !cut?.pattern || !(cut.grants.bits & BIT.deny)) return sorted
  if (compareSpecificity(cut.pattern, whole.pattern) < 0) return sorted
  return [{ ...cut, rank: RANKS[BARE + 1] as Rank }, ...sorted.filter((one) => one !== cut)]
}

/** The rank of patterns that fit without the slash only. */
const BARE = 3

function rankOf({ path: own, pattern }: Gathered, path: string, bare: string | undefined): number | undefined {
  if (!pattern) return own === path ? 0 : own === bare ? 1 : undefined
  if (matches(pattern, path)) return 2
  return bare !== undefined && matches(pattern, bare) ? 3 : undefined
}

function whyBeaten(first: Ranked, other: Ranked): string {
  const name = JSON.stringify(first.path)
  if (first.rank !== other.rank || !first.pattern || !other.pattern) return `${name} goes before it: ${first.rank}`
  return `${name} goes before it: ${advantage(first.pattern, other.pattern)}`
}

function deniersOf({ stanzas }: Gathered): string[] {
  return [...new Set(stanzas.filter(({ capabilities }) => capabilities.includes('deny')).map(({ policy }) => policy))]
}

function shown({ path, grants, stanzas }: Gathered): Omit<MatchingRule, 'because'> {
  return { path, capabilities: capabilitiesOf(grants.bits), stanzas }
}

/** A template stands for any text here. */
function mayMatch(written: string, { path, bare }: Asked): boolean {
  const source = written.split(/\{\{.*?\}\}/).map((text) =>
    text
      .replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
      .replaceAll('\\+', '[^/]*')
      .replace(/\\\*$/, '.*'),
  )
  const pattern = new RegExp(`^${source.join('[^/]*')}$`, 's')
  return pattern.test(path) || (bare !== undefined && pattern.test(bare))
}

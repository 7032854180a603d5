// What lists and counts of entries and agents are narrowed by.
import { bool, choice, list, maybe, or, text, time, type Values } from '../../base/fields.ts'
import { Fault } from '../../base/fault.ts'
import { parseSpiffeId, parseTrustDomain } from '../../crypto/spiffe-id.ts'
import type { Agent } from '../agents.ts'
import type { Entry } from '../entry.ts'
import { formatSelector, parseSelector } from '../selectors.ts'

const MATCHES = ['superset', 'subset', 'exact', 'any'] as const
type Match = (typeof MATCHES)[number]

const match = (of: string) =>
  or(choice(`How its ${of} compare with these: has all of them, has no others, both, or has one of them.`, MATCHES), 'superset')

export const entryFilter = {
  spiffe_id: maybe(text('Only those with this SPIFFE ID.')),
  parent_id: maybe(text('Only those right below this parent.')),
  selectors: maybe(list('Only those with these selectors.')),
  selectors_match: match('selectors'),
  federates_with: maybe(list('Only those that federate with these trust domains.')),
  federates_with_match: match('trust domains'),
  hint: maybe(text('Only those with this hint.')),
  downstream: maybe(bool('Only those that are downstream, or that are not.')),
}

export const agentFilter = {
  attestation_type: maybe(text('Only those that attested this way.')),
  selectors: maybe(list('Only those with these selectors.')),
  selectors_match: match('selectors'),
  banned: maybe(bool('Only those that are banned, or that are not.')),
  can_reattest: maybe(bool('Only those that can attest again, or that cannot.')),
  expires_before: maybe(time('Only those whose SVID ends before this time.')),
}

/** Throws `invalid` for what nothing could ever match. */
export function entryMatcher(input: Values<typeof entryFilter>): (entry: Entry) => boolean {
  const { spiffe_id: id, parent_id: parent, hint, downstream } = input
  if (id !== undefined) parseSpiffeId(id)
  if (parent !== undefined) parseSpiffeId(parent)
  const selectors = input.selectors && setMatcher(input.selectors.map(parseSelector).map(formatSelector), input.selectors_match, 'selector')
  const domains = input.federates_with && setMatcher(input.federates_with.map(parseTrustDomain), input.federates_with_match, 'trust domain')
  return (entry) =>
    (id === undefined || entry.spiffeId === id) &&
    (parent === undefined || entry.parentId === parent) &&
    (hint === undefined || entry.hint === hint) &&
    (downstream === undefined || entry.downstream === downstream) &&
    (!selectors || selectors(entry.selectors.map(formatSelector))) &&
    (!domains || domains(entry.federatesWith))
}

export function agentMatcher(input: Values<typeof agentFilter>): (agent: Agent) => boolean {
  const { attestation_type: type, banned, can_reattest: canReattest, expires_before: before } = input
  const selectors = input.selectors && setMatcher(input.selectors.map(parseSelector).map(formatSelector), input.selectors_match, 'selector')
  return (agent) =>
    (type === undefined || agent.type === type) &&
    (banned === undefined || agent.banned === banned) &&
    (canReattest === undefined || agent.canReattest === canReattest) &&
    (before === undefined || agent.expiresAt < before) &&
    (!selectors || selectors(agent.selectors.map(formatSelector)))
}

function setMatcher(asked: readonly string[], how: Match, what: string): (has: readonly string[]) => boolean {
  if (asked.length === 0) throw new Fault('invalid', `empty ${what} set`)
  const wanted = new Set(asked)
  const hasAll = (has: readonly string[]) => asked.every((one) => has.includes(one))
  const hasNoOther = (has: readonly string[]) => has.length > 0 && has.every((one) => wanted.has(one))
  if (how === 'superset') return hasAll
  if (how === 'subset') return hasNoOther
  return how === 'exact' ? (has) => hasAll(has) && hasNoOther(has) : (has) => has.some((one) => wanted.has(one))
}

/** At most `limit` of what `page` yields and a filter lets pass, in order after `after`. */
export function findPage<T extends { readonly id: string }>(
  page: (after: string, limit: number) => readonly T[],
  wanted: (one: T) => boolean,
  { after, limit }: { readonly after: string; readonly limit: number },
): T[] {
  const found: T[] = []
  for (let from = after; found.length < limit; ) {
    const some = page(from, PAGE)
    found.push(...some.filter(wanted).slice(0, limit - found.length))
    const last = some.at(-1)
    if (!last || some.length < PAGE) break
    from = last.id
  }
  return found
}

const PAGE = 1_000

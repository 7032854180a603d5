// Why a process gets what it gets: what was seen of it, what that makes it, and what it nearly is, as far as this agent knows.
import { lackOf } from '../../spiffe/explain.ts'
import type { Of } from '../../wire/protobuf.ts'
import type { Agent } from '../agent.ts'
import type { AgentEntry } from '../entry.ts'
import type { Findings } from '../workload/attest.ts'
import { uniqueHints } from '../workload/hints.ts'
import type * as wire from './messages.ts'

type Explanation = Partial<Of<typeof wire.ExplainResponse>>

const MOST_NEAR = 20

export function explain(agent: Agent, { attestors, problem }: Findings): Explanation {
  const identity = agent.identity()
  const all = [...agent.entries()]
  const selectors = new Set(attestors.flatMap((one) => one.selectors))
  const matching = agent.matching(selectors)
  const near = nearTo(all, selectors)
  return {
    ...(identity ? { agent: { spiffeId: identity.id, expiresAt: seconds(identity.expiresAt) } } : {}),
    parents: [...new Set(all.map(({ parentId }) => parentId))].filter((id) => id !== '' && id !== identity?.id).sort(),
    attestors: attestors.map((one) => ({ type: one.type, selectors: [...one.selectors], problem: one.problem ?? '' })),
    problem: problem ?? '',
    entries: matching.map((entry) => given(agent, entry, matching)),
    near: near.slice(0, MOST_NEAR),
    farther: Math.max(0, near.length - MOST_NEAR),
  }
}

function given({ x509, jwt, wit }: Agent, entry: AgentEntry, matching: readonly AgentEntry[]) {
  const shown = uniqueHints(matching)
  const instead = shown.includes(entry) ? undefined : shown.find(({ hint }) => hint === entry.hint)
  return {
    ...named(entry),
    hint: entry.hint,
    hiddenBy: instead?.id ?? '',
    x509Svid: lifeOf(x509.all().get(entry.id)),
    jwtSvids: jwt.held(entry).map((one) => ({ audience: one.audience, ...lifeOf(one) })),
    witSvid: lifeOf(wit.all().get(entry.id)),
  }
}

/** The fewest missing first, and of those the most that are there. Entries for stores count where nothing is missing. */
function nearTo(all: readonly AgentEntry[], selectors: ReadonlySet<string>) {
  return all
    .map((entry) => ({ entry, missing: entry.selectors.filter((one) => !selectors.has(one)) }))
    .filter(({ entry, missing }) => missing.length > 0 !== entry.storeSvid)
    .sort((a, b) => a.missing.length - b.missing.length || b.entry.selectors.length - a.entry.selectors.length || (a.entry.id < b.entry.id ? -1 : 1))
    .map(({ entry, missing }) => ({ ...named(entry), missing: missing.map((one) => toLack(one, selectors)), storeSvid: entry.storeSvid }))
}

function toLack(selector: string, selectors: ReadonlySet<string>) {
  return { selector, instead: [...lackOf(selector, selectors).instead] }
}

const named = ({ id, spiffeId, parentId }: AgentEntry) => ({ entryId: id, spiffeId, parentId })
const lifeOf = (svid: { readonly expiresAt: number; readonly renewAt: number } | undefined) =>
  svid && { expiresAt: seconds(svid.expiresAt), renewAt: seconds(svid.renewAt) }
const seconds = (ms: number): number => Math.floor(ms / 1000)

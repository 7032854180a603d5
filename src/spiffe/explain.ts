// Why a workload gets the identities that it gets: which entries describe it, and which nearly do.
import type { SpiffeId } from '../crypto/spiffe-id.ts'
import type { Agents } from './agents.ts'
import type { AuthorisedRoom } from './authorised.ts'
import type { Entries } from './entries.ts'
import type { Entry } from './entry.ts'
import { formatSelector, type Selector } from './selectors.ts'

export interface Lack {
  /** What the entry asks for. */
  readonly selector: string
  /** What there is of the same kind in its place. */
  readonly instead: readonly string[]
}

export interface NearMiss {
  readonly entry: Entry
  readonly missing: readonly Lack[]
  /** The entry is not for the nodes that were asked about. */
  readonly elsewhere: boolean
}

export interface Explanation {
  readonly matches: readonly Entry[]
  /** The nearest first. */
  readonly near: readonly NearMiss[]
}

export interface Question {
  readonly selectors: readonly Selector[]
  /** An agent, or an ID that agents have; undefined for wherever. */
  readonly parent: SpiffeId | undefined
}

const MAX_NEAR = 20
const PAGE = 1_000

export function explainEntries(
  { entries, agents, authorised }: { entries: Pick<Entries, 'page'>; agents: Pick<Agents, 'get'>; authorised: AuthorisedRoom },
  { selectors, parent }: Question,
): Explanation {
  const has = new Set(selectors.map(formatSelector))
  const agent = parent && (agents.get(parent) ?? { id: parent, selectors: [] })
  const matches: Entry[] = []
  const near: NearMiss[] = []
  for (const entry of allOf(entries)) {
    const missing = entry.selectors.map(formatSelector).filter((one) => !has.has(one))
    const elsewhere = agent !== undefined && !authorised.idsOf(agent).has(entry.id)
    if (missing.length === 0 && !elsewhere) matches.push(entry)
    else if (missing.length < entry.selectors.length || (!elsewhere && agent))
      near.push({ entry, elsewhere, missing: missing.map((one) => lackOf(one, has)) })
  }
  return { matches, near: near.sort((a, b) => distance(a) - distance(b)).slice(0, MAX_NEAR) }
}

const distance = ({ missing, elsewhere }: NearMiss): number => missing.length + (elsewhere ? 1 : 0)

/** `selector` is not among what there `has` to be. */
export function lackOf(selector: string, has: ReadonlySet<string>): Lack {
  const kind = /^[^:]*:[^:]*:?/.exec(selector)?.[0] ?? selector
  return { selector, instead: [...has].filter((one) => kind.endsWith(':') && one.startsWith(kind)) }
}

function* allOf(entries: Pick<Entries, 'page'>): Generator<Entry> {
  for (let page = entries.page('', PAGE); page.length > 0; page = entries.page(page.at(-1)?.id ?? '', PAGE)) yield* page
}

// All rooms of a trust domain together, each given what it needs of the others.
import type { Clock, Random } from '../base/ports.ts'
import type { Space } from '../store/space.ts'
import { type Agents, openAgents } from './agents.ts'
import { type Authorities, openAuthorities } from './authorities.ts'
import { type Entries, openEntries } from './entries.ts'
import { type JoinTokens, openJoinTokens } from './join-tokens.ts'
import { openSettings, type SettingsRoom } from './settings.ts'
import { openSvids, type Svids } from './svids.ts'

export interface Spiffe {
  readonly settings: SettingsRoom
  readonly authorities: Authorities
  readonly entries: Entries
  readonly agents: Agents
  readonly joinTokens: JoinTokens
  readonly svids: Svids
  /** Due work: rotation, and what expired. */
  sweep(): Promise<void>
}

const SWEEP_PAGE = 500

export function openSpiffe(deps: { readonly space: Space; readonly clock: Clock; readonly random: Random }): Spiffe {
  const settings = openSettings(deps.space)
  const authorities = openAuthorities({ ...deps, settings })
  const entries = openEntries({ ...deps, settings })
  const joinTokens = openJoinTokens(deps)
  return {
    settings,
    authorities,
    entries,
    agents: openAgents(deps),
    joinTokens,
    svids: openSvids({ ...deps, authorities, settings }),
    async sweep() {
      await authorities.rotate()
      await entries.sweep(SWEEP_PAGE)
      await joinTokens.sweep(SWEEP_PAGE)
    },
  }
}

// All rooms of a trust domain together, each given what it needs of the others.
import type { Clock, Random } from '../base/ports.ts'
import type { Mount } from '../contract/mount.ts'
import type { Place } from './place.ts'
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

/** The rooms of the trust domain that a mount is. */
export type RoomsOf = (mount: Mount) => Spiffe

const SWEEP_PAGE = 500

export function openSpiffe(deps: { readonly place: Place; readonly clock: Clock; readonly random: Random }): Spiffe {
  const settings = openSettings(deps.place)
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

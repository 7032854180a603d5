// The spiffe engine: a trust domain under /v1/spiffe, so that policy, audit and OpenAPI cover it like everything else.
import type { Module } from '../contract/module.ts'
import { agentPaths } from './paths/agents.ts'
import { authorityPaths } from './paths/authorities.ts'
import { entryPaths } from './paths/entries.ts'
import { publishedPaths } from './paths/published.ts'
import { svidPaths } from './paths/svids.ts'
import { settingsPaths } from './paths/settings.ts'
import type { Spiffe } from './rooms.ts'

export function spiffeModule(rooms: Spiffe): Module {
  return {
    kind: 'system',
    type: 'spiffe',
    doc: 'Workload identity: SPIFFE IDs for what runs here.',
    paths: [
      ...settingsPaths(rooms),
      ...publishedPaths(rooms),
      ...authorityPaths(rooms),
      ...entryPaths(rooms),
      ...agentPaths(rooms),
      ...svidPaths(rooms),
    ],
  }
}

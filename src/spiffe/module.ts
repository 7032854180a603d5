// The spiffe engine: a trust domain under /v1/spiffe, so that policy, audit and OpenAPI cover it like everything else.
import { Fault } from '../base/fault.ts'
import type { NodeAttestor } from '../contract/attestor.ts'
import type { Module } from '../contract/module.ts'
import type { Mount } from '../contract/mount.ts'
import { adminPaths } from './paths/admin.ts'
import { attestorPaths } from './paths/attestors.ts'
import { agentPaths } from './paths/agents.ts'
import { agentApiPaths } from './paths/agent-api.ts'
import { agentBundlePaths } from './paths/agent-bundles.ts'
import { agentStatePaths } from './paths/agent-state.ts'
import { agentWitPaths } from './paths/agent-wit.ts'
import { authorityPaths } from './paths/authorities.ts'
import { bundlePaths } from './paths/bundles.ts'
import { agentCrlPaths, crlPaths } from './paths/crls.ts'
import { entryPaths } from './paths/entries.ts'
import { exchangePaths } from './paths/exchange.ts'
import { federationPaths } from './paths/federation.ts'
import { appendPaths, downstreamPaths } from './paths/guests.ts'
import { type Loggers, loggerPaths } from './paths/logger.ts'
import { type NamespaceAt, namespacePaths } from './paths/namespaces.ts'
import { publishedPaths } from './paths/published.ts'
import { revokePaths } from './paths/revoke.ts'
import { svidPaths } from './paths/svids.ts'
import { settingsPaths, statusPaths } from './paths/settings.ts'
import type { RoomsOf } from './rooms.ts'

/** The root's is the trust domain; a namespace's is its part of it. */
export function configure(_: Mount | undefined, { path }: Mount): void {
  if (path !== 'spiffe/') throw new Fault('invalid', 'the spiffe engine can only be enabled at spiffe/')
}

/** `attestors` besides join tokens. */
export function spiffeModule(
  roomsOf: RoomsOf,
  loggers: Loggers,
  attestors: readonly NodeAttestor[] = [],
  namespaceAt: NamespaceAt = () => undefined,
): Module {
  const administrative = [
    ...statusPaths(roomsOf),
    ...appendPaths(roomsOf),
    ...authorityPaths(roomsOf),
    ...entryPaths(roomsOf),
    ...bundlePaths(roomsOf),
    ...federationPaths(roomsOf),
    ...agentPaths(roomsOf),
    ...svidPaths(roomsOf),
    ...revokePaths(roomsOf),
  ]
  return {
    kind: 'engine',
    type: 'spiffe',
    doc: 'Workload identity: SPIFFE IDs for what runs here.',
    configure,
    sweep: (_, __, mount) => roomsOf(mount).sweep(),
    paths: [
      ...settingsPaths(roomsOf),
      ...publishedPaths(roomsOf),
      ...crlPaths(roomsOf),
      ...exchangePaths(roomsOf),
      ...namespacePaths(roomsOf, namespaceAt),
      ...administrative,
      ...attestorPaths(roomsOf, attestors),
      ...agentApiPaths(roomsOf),
      ...agentBundlePaths(roomsOf),
      ...agentWitPaths(roomsOf),
      ...agentCrlPaths(roomsOf),
      ...agentStatePaths(roomsOf),
      ...downstreamPaths(roomsOf),
      ...adminPaths(roomsOf, [...administrative, ...loggerPaths(loggers)]),
    ],
  }
}

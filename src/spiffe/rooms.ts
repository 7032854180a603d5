// All rooms of a trust domain together, each given what it needs of the others.
import { type Log, silent } from '../base/log.ts'
import type { Clock, Random } from '../base/ports.ts'
import type { AttestPorts, NodeAttestor } from '../contract/attestor.ts'
import type { Mount } from '../contract/mount.ts'
import type { Place } from './place.ts'
import { type Agents, openAgents } from './agents.ts'
import { type Attestors, openAttestors } from './attestors.ts'
import { type AuthorisedRoom, openAuthorised } from './authorised.ts'
import { type Authorities, openAuthorities } from './authorities.ts'
import { type Entries, openEntries } from './entries.ts'
import { type FederatedBundles, openFederatedBundles } from './federated-bundles.ts'
import { type Federation, type FetchBundle, openFederation } from './federation.ts'
import { type JoinTokens, joinTokenAttestor, openJoinTokens } from './join-tokens.ts'
import { openSettings, type SettingsRoom } from './settings.ts'
import { openSvids, type Svids } from './svids.ts'

export interface Spiffe {
  readonly settings: SettingsRoom
  readonly authorities: Authorities
  readonly entries: Entries
  readonly authorised: AuthorisedRoom
  readonly agents: Agents
  readonly joinTokens: JoinTokens
  readonly svids: Svids
  readonly bundles: FederatedBundles
  readonly federation: Federation
  readonly attestors: Attestors
  readonly attestPorts: AttestPorts
  /** Counts an attestation that an address begins; false where there were too many. */
  admitsAttestation(address: string): boolean
  /** Due work: rotation, and what expired. */
  sweep(): Promise<void>
}

/** The rooms of the trust domain that a mount is. */
export type RoomsOf = (mount: Mount) => Spiffe

const closed = () => Promise.reject(new Error('there is no way out'))
const NO_WAY_OUT: AttestPorts = { outbound: closed, openAws: closed, serviceAccount: () => undefined }

const SWEEP_PAGE = 500

export interface SpiffeDeps {
  readonly place: Place
  readonly clock: Clock
  readonly random: Random
  /** Where nothing else is given, nothing is logged and nothing can be fetched. */
  readonly log?: Log
  readonly fetch?: FetchBundle
  /** Besides join tokens. */
  readonly attestors?: readonly NodeAttestor[]
  readonly attestPorts?: AttestPorts
  readonly admitsAttestation?: (address: string) => boolean
}

export function openSpiffe(given: SpiffeDeps): Spiffe {
  const deps = { log: silent, fetch: NO_FETCH, ...given }
  const settings = openSettings(deps.place)
  const authorities = openAuthorities({ ...deps, settings })
  const entries = openEntries({ ...deps, settings })
  const joinTokens = openJoinTokens(deps)
  const bundles = openFederatedBundles(deps)
  const federation = openFederation({ ...deps, settings, bundles, own: () => authorities.bundle().x509Authorities })
  return {
    settings,
    authorities,
    entries,
    authorised: openAuthorised({ ...deps, entries, settings }),
    agents: openAgents(deps),
    joinTokens,
    svids: openSvids({ ...deps, authorities, settings }),
    bundles,
    federation,
    attestors: openAttestors(deps.place, [joinTokenAttestor(joinTokens), ...(deps.attestors ?? [])]),
    attestPorts: deps.attestPorts ?? NO_WAY_OUT,
    admitsAttestation: deps.admitsAttestation ?? (() => true),
    async sweep() {
      await authorities.rotate()
      await entries.sweep(SWEEP_PAGE)
      await joinTokens.sweep(SWEEP_PAGE)
      federation.poll().catch((error: unknown) => deps.log.error('federated bundles could not be fetched', {}, error)) // a slow endpoint holds up nothing else
    },
  }
}

const NO_FETCH: FetchBundle = () => Promise.reject(new Error('nothing can be fetched here'))

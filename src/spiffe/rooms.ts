// All rooms of a trust domain together, each given what it needs of the others.
import { type Log, silent } from '../base/log.ts'
import type { Clock, Random } from '../base/ports.ts'
import type { AttestPorts, NodeAttestor } from '../contract/attestor.ts'
import type { Mount } from '../contract/mount.ts'
import type { Store } from '../store/store.ts'
import type { Place } from './place.ts'
import { type AgentChanges, openAgentChanges } from './agent-changes.ts'
import { type Agents, openAgents } from './agents.ts'
import { type Attestors, openAttestors } from './attestors.ts'
import { type AuthorisedRoom, openAuthorised } from './authorised.ts'
import { type Authorities, openAuthorities } from './authorities.ts'
import { type Crls, openCrls } from './crls.ts'
import { type Entries, openEntries, removeOwned } from './entries.ts'
import { type Exchange, openExchange, removeRolesOf } from './exchange.ts'
import { type FederatedBundles, openFederatedBundles } from './federated-bundles.ts'
import { type Federation, type FetchBundle, openFederation } from './federation.ts'
import { type Issued, openIssued } from './issued.ts'
import { type JoinTokens, joinTokenAttestor, openJoinTokens } from './join-tokens.ts'
import { openParts, type Parts } from './parts.ts'
import { openRevocations, type Revocations } from './revocations.ts'
import { openSettings, type SettingsRoom } from './settings.ts'
import { openSvids, type Svids } from './svids.ts'
import type { Upstream } from './upstream.ts'

export interface Spiffe {
  readonly settings: SettingsRoom
  readonly authorities: Authorities
  readonly entries: Entries
  readonly authorised: AuthorisedRoom
  readonly agents: Agents
  readonly joinTokens: JoinTokens
  readonly svids: Svids
  readonly issued: Issued
  readonly revocations: Revocations
  readonly crls: Crls
  readonly bundles: FederatedBundles
  readonly federation: Federation
  /** Tells agents what concerns them when it is committed. */
  readonly changes: AgentChanges
  readonly exchange: Exchange
  readonly parts: Parts
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
  /** Who signs our X.509 authorities; they sign themselves otherwise. */
  readonly upstream?: Upstream | undefined
  /** Whether there is a namespace with this id; unless it is given, every one is there. */
  readonly hasNamespace?: (id: string) => boolean
  /** Besides join tokens. */
  readonly attestors?: readonly NodeAttestor[]
  readonly attestPorts?: AttestPorts
  /** Lets others have their turn during long work. */
  readonly turn?: () => Promise<void>
  readonly admitsAttestation?: (address: string) => boolean
}

export function openSpiffe(given: SpiffeDeps): Spiffe {
  const deps = { log: silent, fetch: NO_FETCH, hasNamespace: () => true, turn: async () => {}, ...given }
  const settings = openSettings(deps.place)
  const parts = openParts({ ...deps, settings })
  const crls = openCrls({ ...deps, settings })
  const authorities = openAuthorities({ ...deps, settings, crls })
  const revocations = openRevocations({ ...deps, authorities, crls })
  const issued = openIssued({ ...deps, settings })
  const entries = openEntries({ ...deps, settings, parts })
  const joinTokens = openJoinTokens(deps)
  const bundles = openFederatedBundles(deps)
  const federation = openFederation({ ...deps, settings, bundles, own: () => authorities.bundle().x509Authorities, isRevoked: revocations.has })
  const authorised = openAuthorised({ ...deps, entries })
  const agents = openAgents({ ...deps, issued })
  return {
    settings,
    authorities,
    entries,
    authorised,
    agents,
    joinTokens,
    svids: openSvids({ ...deps, authorities, settings }),
    issued,
    revocations,
    crls,
    bundles,
    federation,
    changes: openAgentChanges({ ...deps, store: deps.place.store, entries, agents, authorised }),
    exchange: openExchange({ place: deps.place, settings, now: () => deps.clock.now() }),
    parts,
    attestors: openAttestors(deps.place, [joinTokenAttestor(joinTokens), ...(deps.attestors ?? [])]),
    attestPorts: deps.attestPorts ?? NO_WAY_OUT,
    admitsAttestation: deps.admitsAttestation ?? (() => true),
    async sweep() {
      await authorities.rotate(false)
      await entries.sweep(SWEEP_PAGE)
      await joinTokens.sweep(SWEEP_PAGE)
      await issued.sweep(SWEEP_PAGE)
      await revocations.sweep(SWEEP_PAGE)
      await clearParts(deps.place.store, parts, deps.hasNamespace)
      federation.poll().catch((error: unknown) => deps.log.error('federated bundles could not be fetched', {}, error)) // a slow endpoint holds up nothing else
    },
  }
}

/** What was made in namespaces that have no part any more, or are no more themselves, in bounded steps. */
async function clearParts(store: Store, parts: Parts, hasNamespace: (id: string) => boolean): Promise<void> {
  for (const part of parts.all()) {
    if (!part.ending && hasNamespace(part.namespace)) continue
    if (!part.ending) await parts.end(part.namespace)
    if (!(await removeOwned(store, part.namespace, SWEEP_PAGE))) continue
    await removeRolesOf(store, part)
    await parts.forget(part.namespace)
  }
}

const NO_FETCH: FetchBundle = () => Promise.reject(new Error('nothing can be fetched here'))

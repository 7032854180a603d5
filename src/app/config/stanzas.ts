// Every stanza of a server's and of an agent's configuration, for the reference.
import type { Shape } from '../../base/fields.ts'
import { COMMON_SEAL_KEYS, SEAL_KINDS } from '../seals.ts'
import { WORKLOAD_ATTESTORS } from '../agent-attestors.ts'
import { NODE_ATTESTORS } from '../agent-nodes.ts'
import { AGENT, AGENT_TELEMETRY, SDS } from './agent.ts'
import { BROKER, BROKER_API } from './agent-broker.ts'
import { AUDIT } from './audit.ts'
import { TELEMETRY, TOP } from './config.ts'
import { LISTENER, LISTENER_IN_FLIGHT, LISTENER_TELEMETRY } from './listener.ts'
import { BUNDLE_ENDPOINT, SPIFFE, UPSTREAM_DISK, UPSTREAM_SPIRE, UPSTREAM_VAULT } from './spiffe.ts'
import type { Stanza } from './stanza.ts'
import { USER_LOCKOUT } from './user-lockout.ts'
import { LMDB } from './storage.ts'

export interface StanzaDoc {
  readonly title: string
  readonly doc: string
  readonly table: Stanza<Shape, string>
}

export const STANZAS: readonly StanzaDoc[] = [
  { title: 'At the top', doc: 'Keys that stand in no stanza.', table: TOP },
  { title: 'storage "lmdb"', doc: 'Where what is stored lies. Needed, once.', table: LMDB },
  { title: 'audit "TYPE" "PATH"', doc: 'An audit device; as many as are wanted.', table: AUDIT },
  { title: 'user_lockout "TYPE"', doc: 'When wrong guesses lock a name; for logins of one type, or of "all".', table: USER_LOCKOUT },
  { title: 'spiffe', doc: 'Where agents of the trust domain are served; nowhere without it.', table: SPIFFE },
  { title: 'bundle_endpoint in spiffe', doc: 'Where other trust domains fetch the bundle of this one; nowhere without it.', table: BUNDLE_ENDPOINT },
  {
    title: 'upstream_authority "disk" in spiffe',
    doc: 'An authority on this machine signs the X.509 authorities of the trust domain.',
    table: UPSTREAM_DISK,
  },
  { title: 'upstream_authority "vault" in spiffe', doc: 'The pki engine of another server signs them.', table: UPSTREAM_VAULT },
  { title: 'upstream_authority "spire" in spiffe', doc: 'Another server of the same trust domain signs them.', table: UPSTREAM_SPIRE },
  ...Object.entries(SEAL_KINDS).map(([kind, { shape }]) => ({
    title: `seal "${kind}"`,
    doc: 'What opens the server by itself; any number of all kinds.',
    table: { keys: { ...COMMON_SEAL_KEYS, ...shape } },
  })),
  { title: 'listener "tcp"', doc: 'Where to listen. Needed, once or more.', table: LISTENER },
  { title: 'telemetry in a listener', doc: 'Who may read metrics there.', table: LISTENER_TELEMETRY },
  { title: 'inflight_requests_logging in a listener', doc: 'Who may see what is being answered.', table: LISTENER_IN_FLIGHT },
  { title: 'telemetry', doc: 'Not needed: metrics are pulled from sys/metrics.', table: TELEMETRY },
]

export const AGENT_STANZAS: readonly StanzaDoc[] = [
  { title: 'At the top', doc: 'Keys that stand in no stanza.', table: AGENT },
  ...Object.entries(NODE_ATTESTORS).map(([kind, { doc, keys }]) => ({
    title: `node_attestor "${kind}"`,
    doc: `${doc} One node_attestor is needed.`,
    table: { keys },
  })),
  { title: 'broker_api', doc: 'Where brokers ask for the identities of workloads, in whose place they act; nowhere without it.', table: BROKER_API },
  { title: 'broker "SPIFFE ID" in broker_api', doc: 'A broker that may ask. Needed, once or more.', table: BROKER },
  { title: 'sds', doc: 'What proxies are served by Envoy’s secret discovery. Not needed.', table: SDS },
  {
    title: 'telemetry',
    doc: 'Where the agent tells how it is doing, by HTTP: `/metrics`, `/live` and `/ready`. Nowhere without it.',
    table: AGENT_TELEMETRY,
  },
  ...Object.entries(WORKLOAD_ATTESTORS).map(([kind, { doc, keys }]) => ({ title: `workload_attestor "${kind}"`, doc, table: { keys } })),
]

// spiffe/config: the trust domain's name and lifetimes; spiffe/status: what there is of everything.
import { bool, choice, list, maybe, seconds, text, type Values } from '../../base/fields.ts'
import { Fault } from '../../base/fault.ts'
import type { JsonObject } from '../../base/json.ts'
import { type Path, path } from '../../contract/module.ts'
import { data, empty, missing, type Reply } from '../../contract/reply.ts'
import { KEY_KINDS, type KeyType } from '../../crypto/signing-key.ts'
import { parseSpiffeId, parseTrustDomain } from '../../crypto/spiffe-id.ts'
import { checkPower } from '../parts.ts'
import type { RoomsOf, Spiffe } from '../rooms.ts'
import { DEFAULTS, type Settings } from '../settings.ts'
import { stateOf } from './federation.ts'

const keyType = (of: string) => maybe(choice(`Kind of key of ${of}.`, Object.keys(KEY_KINDS) as KeyType[]))

const configInput = {
  trust_domain: maybe(text('Name of the trust domain; cannot be changed later.')),
  authority_ttl: maybe(seconds('How long an authority lives.')),
  x509_svid_ttl: maybe(seconds('How long an X509-SVID lives where its entry says nothing.')),
  jwt_svid_ttl: maybe(seconds('How long a JWT-SVID lives where its entry says nothing.')),
  wit_svid_ttl: maybe(seconds('How long a WIT-SVID lives where its entry says nothing of X509-SVIDs; 0 for as long as an X509-SVID.')),
  agent_ttl: maybe(seconds('How long the SVID of an agent lives.')),
  x509_key_type: keyType('X.509 authorities'),
  jwt_key_type: keyType('JWT authorities'),
  wit_key_type: keyType('WIT authorities'),
  wit_svids: maybe(bool('Whether there are WIT-SVIDs. Their keys are in the bundle then, which servers of SPIRE before 1.15.3 refuse.')),
  jwt_issuer: maybe(text('The "iss" of JWT-SVIDs: the https URL where the OIDC discovery document is; empty for none.')),
  refresh_hint: maybe(seconds('How often others shall look for changes of the bundle.')),
  admin_ids: maybe(list('SPIFFE IDs, also of foreign trust domains, whose SVIDs may administer this one.')),
  track_svids: maybe(bool('Record which X509-SVIDs live and for whom, so that they can be revoked by SPIFFE ID, entry and agent.')),
}

export function settingsPaths(roomsOf: RoomsOf): Path[] {
  return [
    path('config', 'The trust domain.', {}, (op) => ({
      read: op({
        doc: 'Read its settings.',
        output: configInput,
        run({ mount }) {
          const found = roomsOf(mount).settings.get()
          return found ? data(describe(found)) : missing()
        },
      }),
      write: op({
        doc: 'Name it, or change its settings.',
        access: 'sudo',
        input: configInput,
        run: (ctx, input) => configure(roomsOf(ctx.mount), input),
      }),
    })),
  ]
}

export function statusPaths(roomsOf: RoomsOf): Path[] {
  return [
    path('status', 'The trust domain at a glance.', {}, (op) => ({
      read: op({
        doc: 'Read what there is.',
        run({ mount }) {
          const { settings, entries, agents, authorities, bundles } = roomsOf(mount)
          const { trustDomain } = settings.need()
          const { sequence, x509, jwt, wit } = authorities.set()
          const signing = { x509_authorities: x509.length, jwt_authorities: jwt.length, wit_authorities: wit.length }
          const counts = { entries: entries.count(), agents: agents.count(), ...signing }
          const federation = { federated_bundles: bundles.count(), federation: federationStates(roomsOf(mount)) }
          return data({ trust_domain: trustDomain, sequence, ...counts, ...federation })
        },
      }),
    })),
  ]
}

/** The trust domains that there is a relationship with, by how it stands with each, as far as it is told here. */
function federationStates(rooms: Spiffe): JsonObject {
  const names = rooms.federation.page('', MOST_STATES).map(({ trustDomain }) => trustDomain)
  return Object.fromEntries(names.map((name) => [name, stateOf(rooms, name)]))
}

const MOST_STATES = 100

async function configure({ settings, authorities, parts }: Spiffe, input: Values<typeof configInput>): Promise<Reply> {
  const before = settings.get()
  const name = input.trust_domain === undefined ? before?.trustDomain : parseTrustDomain(input.trust_domain)
  if (name === undefined) throw new Fault('invalid', 'missing trust_domain')
  const was = before ?? { ...DEFAULTS, trustDomain: name }
  const adminIds = input.admin_ids?.map(parseSpiffeId) ?? was.adminIds
  for (const id of adminIds) checkPower(parts.all(), id)
  await settings.set({
    trustDomain: name,
    authorityTtl: input.authority_ttl ?? was.authorityTtl,
    x509SvidTtl: input.x509_svid_ttl ?? was.x509SvidTtl,
    jwtSvidTtl: input.jwt_svid_ttl ?? was.jwtSvidTtl,
    witSvidTtl: input.wit_svid_ttl ?? was.witSvidTtl,
    agentTtl: input.agent_ttl ?? was.agentTtl,
    x509KeyType: input.x509_key_type ?? was.x509KeyType,
    jwtKeyType: input.jwt_key_type ?? was.jwtKeyType,
    witKeyType: input.wit_key_type ?? was.witKeyType,
    witSvids: input.wit_svids ?? was.witSvids,
    jwtIssuer: input.jwt_issuer ?? was.jwtIssuer,
    refreshHint: input.refresh_hint ?? was.refreshHint,
    adminIds,
    trackSvids: input.track_svids ?? was.trackSvids,
  })
  await authorities.rotate() // so that a new trust domain can issue at once
  return empty()
}

function describe(found: Settings): JsonObject {
  return {
    trust_domain: found.trustDomain,
    authority_ttl: found.authorityTtl,
    x509_svid_ttl: found.x509SvidTtl,
    jwt_svid_ttl: found.jwtSvidTtl,
    wit_svid_ttl: found.witSvidTtl,
    agent_ttl: found.agentTtl,
    x509_key_type: found.x509KeyType,
    jwt_key_type: found.jwtKeyType,
    wit_key_type: found.witKeyType,
    wit_svids: found.witSvids,
    jwt_issuer: found.jwtIssuer,
    refresh_hint: found.refreshHint,
    admin_ids: [...found.adminIds],
    track_svids: found.trackSvids,
  }
}

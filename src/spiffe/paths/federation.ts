// spiffe/federation: where foreign trust domains publish their bundles, and what came of fetching them.
import { choice, maybe, text, type Values } from '../../base/fields.ts'
import { Fault } from '../../base/fault.ts'
import type { JsonObject } from '../../base/json.ts'
import { type Path, path } from '../../contract/module.ts'
import { data, empty, keys, missing, type Reply } from '../../contract/reply.ts'
import { parseSpiffeId, parseTrustDomain, type TrustDomain } from '../../crypto/spiffe-id.ts'
import type { Profile, Relationship } from '../federation.ts'
import type { RoomsOf, Spiffe } from '../rooms.ts'
import { bundleInput, formInput, readBundle } from './bundle-data.ts'
import { foreign, pageInput, pageOf, whenInput } from './bundles.ts'

const setInput = {
  bundle_endpoint_url: maybe(text('Where it publishes its bundle: an https URL without user info.')),
  bundle_endpoint_profile: maybe(choice('How the endpoint proves who it is.', ['https_web', 'https_spiffe'])),
  endpoint_spiffe_id: maybe(text('The SPIFFE ID of the endpoint, for https_spiffe.')),
  bundle: maybe(bundleInput),
  format: formInput,
  when: whenInput,
}

export function federationPaths(roomsOf: RoomsOf): Path[] {
  return [
    path('federation', 'Federation relationships.', {}, (op) => ({
      list: op({
        doc: 'List them in the order of the names of their trust domains.',
        input: pageInput,
        run({ mount }, { after, limit }) {
          const rooms = roomsOf(mount)
          const found = rooms.federation.page(after, pageOf(limit))
          return keys(
            found.map(({ trustDomain }) => trustDomain),
            Object.fromEntries(found.map((one) => [one.trustDomain, describeRelationship(rooms, one)])),
          )
        },
      }),
    })),
    path('federation/:trust_domain', 'The relationship with a foreign trust domain.', foreign, (op) => ({
      read: op({
        doc: 'Read it, and how fetching its bundle goes.',
        run({ mount }, { trust_domain: name }) {
          const rooms = roomsOf(mount)
          const found = rooms.federation.get(parseTrustDomain(name))
          return found ? data(describeRelationship(rooms, found)) : missing()
        },
      }),
      write: op({
        doc: 'Make it, or change it: what is not said stays as it is. The bundle is fetched from now on.',
        access: 'sudo',
        input: setInput,
        run: ({ mount }, input) => set(roomsOf(mount), input),
      }),
      delete: op({
        doc: 'Remove it: its bundle stays as it is, and is fetched no more.',
        access: 'sudo',
        run: async ({ mount }, { trust_domain: name }) => ((await roomsOf(mount).federation.remove(parseTrustDomain(name))) ? empty() : missing()),
      }),
    })),
    path('federation/:trust_domain/refresh', 'Fetching a bundle before its time.', foreign, (op) => ({
      write: op({
        doc: 'Fetch it now.',
        run: ({ mount }, { trust_domain: name }) => refresh(roomsOf(mount), parseTrustDomain(name)),
      }),
    })),
  ]
}

async function set(rooms: Spiffe, input: Values<typeof setInput & typeof foreign>): Promise<Reply> {
  const { federation } = rooms
  const trustDomain = parseTrustDomain(input.trust_domain)
  const before = federation.get(trustDomain)
  const url = input.bundle_endpoint_url ?? before?.url
  if (url === undefined) throw new Fault('invalid', 'missing bundle_endpoint_url')
  const relationship = { trustDomain, url, ...profileOf(input, before) }
  const bundle = input.bundle === undefined ? undefined : readBundle(trustDomain, input.bundle, input.format)
  const written = await federation.set(relationship, bundle, input.when)
  return written ? data({ ...describeRelationship(rooms, federation.get(trustDomain) ?? relationship), existed: written.existed }) : missing()
}

function profileOf(input: Values<typeof setInput>, before: Relationship | undefined): Profile {
  const profile = input.bundle_endpoint_profile ?? before?.profile
  if (profile === undefined) throw new Fault('invalid', 'missing bundle_endpoint_profile')
  if (profile === 'https_web') {
    if (input.endpoint_spiffe_id) throw new Fault('invalid', 'endpoint_spiffe_id is for https_spiffe')
    return { profile }
  }
  const known = before?.profile === 'https_spiffe' ? before.endpointId : undefined
  const endpointId = input.endpoint_spiffe_id === undefined ? known : parseSpiffeId(input.endpoint_spiffe_id)
  if (endpointId === undefined) throw new Fault('invalid', 'missing endpoint_spiffe_id')
  return { profile, endpointId }
}

async function refresh({ federation }: Spiffe, trustDomain: TrustDomain): Promise<Reply> {
  if (!(await federation.refresh(trustDomain))) return missing()
  const { error } = federation.status(trustDomain)
  if (error !== '') throw new Fault('invalid', `failed to refresh bundle: ${error}`)
  return empty()
}

/** `waiting` for a first bundle, `failing` where the last attempt came to nothing. */
export function stateOf({ federation, bundles }: Pick<Spiffe, 'federation' | 'bundles'>, trustDomain: TrustDomain): 'waiting' | 'failing' | 'ok' {
  if (!bundles.get(trustDomain)) return 'waiting'
  return federation.status(trustDomain).failures > 0 ? 'failing' : 'ok'
}

function describeRelationship(rooms: Spiffe, relationship: Relationship): JsonObject {
  const { trustDomain, url, profile } = relationship
  const status = rooms.federation.status(trustDomain)
  return {
    trust_domain: trustDomain,
    bundle_endpoint_url: url,
    bundle_endpoint_profile: profile,
    endpoint_spiffe_id: profile === 'https_spiffe' ? relationship.endpointId : '',
    state: stateOf(rooms, trustDomain),
    sequence_number: rooms.bundles.get(trustDomain)?.sequence ?? null,
    last_attempt: timeOf(status.attemptedAt),
    last_success: timeOf(status.succeededAt),
    next_attempt: timeOf(status.nextAt),
    failures: status.failures,
    last_error: status.error,
  }
}

const timeOf = (at: number): string | null => (at === 0 ? null : new Date(at).toISOString())

// spire.api.server.trustdomain.v1.TrustDomain: federation relationships.
import type { JsonObject } from '../../../base/json.ts'
import { GrpcError, type Services, STATUS, unary } from '../../../wire/grpc.ts'
import type { Of } from '../../../wire/protobuf.ts'
import type { Ask } from '../ask.ts'
import { nameIn, text, toBundle } from '../convert.ts'
import { Empty } from '../messages.ts'
import { type AdminAsk, adminAsk, each, listed, OK, told } from './asking.ts'
import { documentOf } from './bundles.ts'
import * as wire from './messages.ts'

type Relationship = Partial<Of<typeof wire.Relationship>>
type Mask = Partial<Of<typeof wire.RelationshipMask>> | undefined

const UNNAMED = 'failed to parse trust domain'

export function trustDomainServices(ask: Ask): Services {
  return {
    'spire.api.server.trustdomain.v1.TrustDomain': {
      ListFederationRelationships: unary(wire.ListRelationshipsRequest, wire.ListRelationshipsResponse, async ({ peer }, { outputMask, ...page }) => {
        const admin = adminAsk(ask, peer)
        const { found, nextPageToken } = await listed(admin, 'federation', {}, page)
        return { federationRelationships: await Promise.all(found.map((one) => shown(admin, one, outputMask))), nextPageToken }
      }),
      GetFederationRelationship: unary(wire.GetRelationshipRequest, wire.Relationship, async ({ peer }, { trustDomain, outputMask }) => {
        const admin = adminAsk(ask, peer)
        const path = `federation/${nameIn(trustDomain, UNNAMED)}`
        return shown(admin, await admin('read', path, {}, 'federation relationship does not exist'), outputMask)
      }),
      BatchCreateFederationRelationship: unary(wire.BatchCreateRelationshipRequest, wire.RelationshipResults, async ({ peer }, request) => ({
        results: await each(request.federationRelationships, (one) => write(adminAsk(ask, peer), one, 'absent', undefined, request.outputMask)),
      })),
      BatchUpdateFederationRelationship: unary(wire.BatchUpdateRelationshipRequest, wire.RelationshipResults, async ({ peer }, request) => ({
        results: await each(request.federationRelationships, (one) =>
          write(adminAsk(ask, peer), one, 'present', request.inputMask, request.outputMask),
        ),
      })),
      BatchDeleteFederationRelationship: unary(wire.TrustDomains, wire.NamedResults, async ({ peer }, { trustDomains }) => {
        const results = await each(trustDomains, async (name) => {
          if (name === '') throw new GrpcError(STATUS.invalid, 'missing trust domain')
          await adminAsk(ask, peer)('delete', `federation/${nameIn(name, UNNAMED)}`, {}, 'federation relationship not found')
          return { status: OK }
        })
        return { results: results.map((one, at) => ({ ...one, trustDomain: trustDomains[at] ?? '' })) }
      }),
      RefreshBundle: unary(wire.RefreshBundleRequest, Empty, async ({ peer }, { trustDomain }) => {
        const name = nameIn(trustDomain, UNNAMED)
        const refreshed = adminAsk(ask, peer)('write', `federation/${name}/refresh`, {}, `no relationship with trust domain "${name}"`)
        await told(refreshed, STATUS.invalid, STATUS.internal)
        return {}
      }),
    },
  }
}

async function write(ask: AdminAsk, relationship: Relationship, when: 'absent' | 'present', inputMask: Mask, outputMask: Mask) {
  const name = nameIn(relationship.trustDomain, 'failed to convert federation relationship: failed to parse trust domain')
  const input = { ...inputOf(relationship, inputMask), when }
  const asked = ask('write', `federation/${name}`, input, 'federation relationship not found')
  const written = await told(asked, STATUS.invalid, STATUS.invalid, 'failed to convert federation relationship')
  if (when === 'absent' && written['existed'] === true) throw new GrpcError(STATUS.alreadyExists, 'federation relationship already exists')
  return { status: OK, federationRelationship: await shown(ask, written, outputMask) }
}

/** The fields that a mask names; all of them where there is none. */
function inputOf(relationship: Relationship, mask: Mask): JsonObject {
  const { trustDomain, bundleEndpointUrl = '', trustDomainBundle: bundle } = relationship
  if (bundle && bundle.trustDomain !== trustDomain) {
    const text = `trust domain bundle ("${bundle.trustDomain}") must match the trust domain of the federation relationship ("${trustDomain}")`
    throw new GrpcError(STATUS.invalid, `failed to convert federation relationship: ${text}`)
  }
  return {
    ...(!mask || mask.bundleEndpointUrl ? { bundle_endpoint_url: bundleEndpointUrl } : {}),
    ...(!mask || mask.bundleEndpointProfile ? profileOf(relationship) : {}),
    ...(bundle && (!mask || mask.trustDomainBundle) ? { bundle: documentOf(bundle), format: 'spiffe' } : {}),
  }
}

function profileOf({ httpsWeb, httpsSpiffe }: Relationship): JsonObject {
  if (httpsSpiffe) return { bundle_endpoint_profile: 'https_spiffe', endpoint_spiffe_id: httpsSpiffe.endpointSpiffeId ?? '' }
  if (httpsWeb) return { bundle_endpoint_profile: 'https_web' }
  throw new GrpcError(STATUS.invalid, 'failed to convert federation relationship: bundle endpoint profile is missing')
}

async function shown(ask: AdminAsk, data: JsonObject, mask: Mask): Promise<Relationship> {
  const trustDomain = text(data['trust_domain'])
  const isSpiffe = data['bundle_endpoint_profile'] === 'https_spiffe'
  const profile = isSpiffe ? { httpsSpiffe: { endpointSpiffeId: text(data['endpoint_spiffe_id']) } } : { httpsWeb: {} }
  const bundle = !mask || mask.trustDomainBundle ? await bundleOf(ask, trustDomain) : undefined
  return {
    trustDomain,
    ...(!mask || mask.bundleEndpointUrl ? { bundleEndpointUrl: text(data['bundle_endpoint_url']) } : {}),
    ...(!mask || mask.bundleEndpointProfile ? profile : {}),
    ...(bundle ? { trustDomainBundle: bundle } : {}),
  }
}

async function bundleOf(ask: AdminAsk, trustDomain: string) {
  try {
    return toBundle(await ask('read', `bundles/${trustDomain}`))
  } catch (error) {
    if (error instanceof GrpcError && error.code === STATUS.notFound) return undefined
    throw error
  }
}

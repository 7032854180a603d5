// spire.api.server.bundle.v1.Bundle for administrators, and for servers below this one.
import type { JsonObject } from '../../../base/json.ts'
import { formatBundle, type TokenAuthority } from '../../../crypto/bundle.ts'
import { GrpcError, type Services, STATUS, unary } from '../../../wire/grpc.ts'
import type { Of } from '../../../wire/protobuf.ts'
import type { Ask } from '../ask.ts'
import { base64, masked, nameIn, number, toBundle } from '../convert.ts'
import { BundleMessage, Empty, type TokenKey } from '../messages.ts'
import { type AdminAsk, adminAsk, each, listed, OK, told } from './asking.ts'
import * as wire from './messages.ts'

type Bundle = Partial<Of<typeof BundleMessage>>
type Mask = Readonly<Record<string, unknown>> | undefined

const MISSING = 'bundle not found'
const MODES = ['restrict', 'delete', 'dissociate'] as const

export function bundleServices(ask: Ask): Services {
  return {
    'spire.api.server.bundle.v1.Bundle': {
      CountBundles: unary(Empty, wire.Count, async ({ peer }) => ({
        count: 1 + number((await adminAsk(ask, peer)('read', 'status'))['federated_bundles']), // our own as well
      })),
      AppendBundle: unary(
        wire.AppendBundleRequest,
        BundleMessage,
        async ({ peer }, { x509Authorities, jwtAuthorities, witAuthorities, outputMask }) => {
          const keys = { jwt_authorities: jwtAuthorities.map(keyInput), wit_authorities: witAuthorities.map(keyInput) }
          const input = { x509_authorities: x509Authorities.map(({ asn1 }) => base64(asn1)), ...keys }
          return maskedBundle(await adminAsk(ask, peer)('write', 'authorities/append', input), outputMask)
        },
      ),
      PublishJWTAuthority: unary(wire.PublishJwtRequest, wire.PublishJwtResponse, async ({ peer }, { jwtAuthority }) => ({
        jwtAuthorities: (await publish(ask, peer, 'jwt', jwtAuthority)).jwtAuthorities ?? [],
      })),
      PublishWITAuthority: unary(wire.PublishWitRequest, wire.PublishWitResponse, async ({ peer }, { witAuthority }) => ({
        witAuthorities: (await publish(ask, peer, 'wit', witAuthority)).witAuthorities ?? [],
      })),
      ListFederatedBundles: unary(wire.ListBundlesRequest, wire.ListBundlesResponse, async ({ peer }, { outputMask, ...page }) => {
        const { found, nextPageToken } = await listed(adminAsk(ask, peer), 'bundles', {}, page)
        return { bundles: found.map((one) => maskedBundle(one, outputMask)), nextPageToken }
      }),
      BatchCreateFederatedBundle: unary(wire.BatchBundleRequest, wire.BundleResults, async ({ peer }, { bundle, outputMask }) => ({
        results: await each(bundle, (one) => write(adminAsk(ask, peer), one, 'absent', outputMask)),
      })),
      BatchSetFederatedBundle: unary(wire.BatchBundleRequest, wire.BundleResults, async ({ peer }, { bundle, outputMask }) => ({
        results: await each(bundle, (one) => write(adminAsk(ask, peer), one, 'any', outputMask)),
      })),
      BatchUpdateFederatedBundle: unary(wire.BatchUpdateBundleRequest, wire.BundleResults, async ({ peer }, request) => ({
        results: await each(request.bundle, (one) => update(adminAsk(ask, peer), one, request.inputMask, request.outputMask)),
      })),
      BatchDeleteFederatedBundle: unary(wire.BatchDeleteBundleRequest, wire.NamedResults, async ({ peer }, { trustDomains, mode: asked }) => {
        const mode = MODES[asked]
        if (mode === undefined) throw new GrpcError(STATUS.invalid, 'failed to parse deletion mode: unhandled delete mode')
        const results = await each(trustDomains, (name) => remove(adminAsk(ask, peer), name, mode))
        return { results: results.map((one, at) => ({ ...one, trustDomain: trustDomains[at] ?? '' })) }
      }),
    },
  }
}

type Key = Partial<Of<typeof TokenKey>>

/** For a server below this one; what is published afterwards. */
async function publish(ask: Ask, peer: string, kind: 'jwt' | 'wit', key: Key | undefined): Promise<Bundle> {
  const what = `${kind.toUpperCase()} authority`
  if (!key) throw new GrpcError(STATUS.invalid, `missing ${what}`)
  const published = ask(peer, 'write', `downstream/${kind}-authority`, keyInput(key))
  return toBundle(await told(published, STATUS.invalid, STATUS.invalid, `invalid ${what}`))
}

function maskedBundle(data: JsonObject, mask: Mask): Bundle {
  const { trustDomain = '', ...rest } = toBundle(data)
  return { trustDomain, ...masked(rest, mask) }
}

function keyInput({ keyId = '', publicKey, expiresAt = 0 }: Key): JsonObject {
  return { key_id: keyId, public_key: base64(publicKey), expires_at: expiresAt }
}

/** The document that a message stands for. Throws for certificates and keys that can't be read. */
export function documentOf({ trustDomain, x509Authorities = [], refreshHint = 0, sequenceNumber = 0, ...keys }: Bundle): JsonObject {
  const { jwtAuthorities = [], witAuthorities = [] } = keys
  try {
    return formatBundle({
      trustDomain: nameIn(trustDomain),
      x509Authorities: x509Authorities.map(({ asn1 = NOTHING }) => asn1),
      jwtAuthorities: jwtAuthorities.map(toAuthority),
      witAuthorities: witAuthorities.map(toAuthority),
      refreshHint,
      sequence: sequenceNumber,
    })
  } catch (error) {
    if (error instanceof GrpcError) throw error
    throw new GrpcError(STATUS.invalid, 'failed to convert bundle: unable to parse an authority')
  }
}

const NOTHING = Buffer.alloc(0)
const toAuthority = ({ keyId = '', publicKey = NOTHING }: Key): TokenAuthority => ({ keyId, publicKey, expiresAt: undefined })

async function write(ask: AdminAsk, bundle: Bundle, when: 'any' | 'absent' | 'present', mask: Mask) {
  const input = { bundle: documentOf(bundle), format: 'spiffe', when }
  const asked = ask('write', `bundles/${nameIn(bundle.trustDomain)}`, input, MISSING)
  const written = await told(asked, STATUS.invalid, STATUS.invalid, 'failed to convert bundle')
  if (when === 'absent' && written['existed'] === true) throw new GrpcError(STATUS.alreadyExists, 'bundle already exists')
  return { status: OK, bundle: maskedBundle(written, mask) }
}

/** What the mask leaves out stays as it is. */
async function update(ask: AdminAsk, bundle: Bundle, inputMask: Mask, outputMask: Mask) {
  if (!inputMask) return write(ask, bundle, 'present', outputMask)
  const before = toBundle(await ask('read', `bundles/${nameIn(bundle.trustDomain)}`, {}, MISSING))
  const named = Object.fromEntries(Object.entries(bundle).filter(([name]) => inputMask[name] === true))
  return write(ask, { ...before, ...named }, 'present', outputMask)
}

async function remove(ask: AdminAsk, name: string, mode: string) {
  const asked = ask('delete', `bundles/${nameIn(name)}`, { mode }, MISSING)
  await told(asked, STATUS.invalid, STATUS.precondition, 'failed to delete federated bundle')
  return { status: OK }
}

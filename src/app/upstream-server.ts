// Another SPIFFE server as the upstream authority: asked under the SVID that its agent on this machine gives to this process.
import { createPrivateKey } from 'node:crypto'
import grpc from '@grpc/grpc-js'
import { trustOf } from '../agent/trust.ts'
import * as workload from '../agent/workload/messages.ts'
import type { Clock } from '../base/ports.ts'
import { splitCertificates } from '../crypto/certificate.ts'
import { listedIn } from '../crypto/crl.ts'
import { signingKeyOf } from '../crypto/signing-key.ts'
import { parseSpiffeId, type TrustDomain, trustDomainOf } from '../crypto/spiffe-id.ts'
import * as admin from '../edge/spire/admin/messages.ts'
import * as wire from '../edge/spire/messages.ts'
import type { Upstream } from '../spiffe/upstream.ts'
import { GrpcError, STATUS } from '../wire/grpc.ts'
import { type GrpcClient, openGrpcClient } from '../wire/grpc-client.ts'
import type { Message, Of } from '../wire/protobuf.ts'
import { dialer } from './agent-dial.ts'
import type { UpstreamConfig } from './config/spiffe.ts'

const TIMEOUT_MS = 20_000
const SVID = '/spire.api.server.svid.v1.SVID'
const BUNDLE = '/spire.api.server.bundle.v1.Bundle'

export function openUpstreamServer({ address, socketPath }: Extract<UpstreamConfig, { readonly kind: 'spire' }>, clock: Clock): Upstream {
  /** One call, under the SVID of now; `home` undefined where the SVID says of which trust domain it is. */
  async function ask<I, O>(home: TrustDomain | undefined, path: string, input: Message<I>, output: Message<O>, value: Partial<I>): Promise<O> {
    const signal = AbortSignal.timeout(TIMEOUT_MS)
    const own = await ownSvid(socketPath, signal)
    const trustDomain = trustDomainOf(parseSpiffeId(own.spiffeId ?? ''))
    if (home !== undefined && home !== trustDomain) throw new Error(`the agent gives this server an SVID of "${trustDomain}", and not of "${home}"`)
    const client = open(address, trustDomain, own, clock)
    try {
      return await client.ask(path, input, output, value, { signal })
    } finally {
      client.close()
    }
  }

  return {
    async sign({ csr, ttl }) {
      const request = { csr, preferredTtl: ttl }
      const answer = await ask(undefined, `${SVID}/NewDownstreamX509CA`, admin.DownstreamCaRequest, admin.DownstreamCaResponse, request)
      return { chain: answer.caCertChain, roots: answer.x509Authorities }
    },
    server: {
      async publish(kind, home, { keyId, publicKey, expiresAt = 0 }) {
        const key = { keyId, publicKey, expiresAt: Math.floor(expiresAt / 1000) }
        if (kind === 'wit') return unlessUnknown(ask(home, ...PUBLISH_WIT, { witAuthority: key }))
        await ask(home, `${BUNDLE}/PublishJWTAuthority`, admin.PublishJwtRequest, admin.PublishJwtResponse, { jwtAuthority: key })
      },
      bundle: async (home) => trustOf(await ask(home, `${BUNDLE}/GetBundle`, wire.Empty, wire.BundleMessage, {}), home),
    },
  }
}

const PUBLISH_WIT = [`${BUNDLE}/PublishWITAuthority`, admin.PublishWitRequest, admin.PublishWitResponse] as const

/** A server that has no WIT-SVIDs publishes none of their keys: they are in the bundle of this one alone. */
async function unlessUnknown(published: Promise<unknown>): Promise<void> {
  try {
    await published
  } catch (error) {
    if (!(error instanceof GrpcError) || error.code !== STATUS.unimplemented) throw error
  }
}

type OwnSvid = Of<typeof workload.X509SvidResponse>['svids'][number] & { readonly crls: readonly Buffer[] }

/** The first that the agent gives. */
async function ownSvid(socketPath: string, signal: AbortSignal): Promise<OwnSvid> {
  const client = openGrpcClient(`unix:${socketPath}`, grpc.credentials.createInsecure())
  const options = { metadata: { [workload.HEADER]: 'true' }, signal }
  const talk = client.listen(`/${workload.SERVICE}/FetchX509SVID`, workload.X509SvidRequest, workload.X509SvidResponse, {}, options)
  try {
    const { svids: [own] = [], crl = [] } = (await talk.next()) ?? {}
    if (!own) throw new Error('the agent gives this server no SVID')
    return { ...own, crls: crl }
  } finally {
    talk.cancel()
    client.close()
  }
}

const NOTHING = Buffer.alloc(0)

function open(
  address: string,
  trustDomain: TrustDomain,
  { x509Svid = NOTHING, x509SvidKey = NOTHING, bundle = NOTHING, crls }: OwnSvid,
  clock: Clock,
): GrpcClient {
  const key = signingKeyOf(createPrivateKey({ key: x509SvidKey, format: 'der', type: 'pkcs8' }))
  if (!key) throw new Error('the key of the SVID is of a kind that is not offered')
  const own = { key, chain: splitCertificates(x509Svid) }
  return dialer(trustDomain, clock)(address, { roots: splitCertificates(bundle), own, isRevoked: listedIn(crls) })
}

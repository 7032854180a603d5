// The Broker API as a broker sees it, over TLS in which both sides show their SVIDs: for the command line.
import { createPrivateKey } from 'node:crypto'
import { existsSync } from 'node:fs'
import * as wire from '../agent/broker/messages.ts'
import { parseEndpoint } from '../cli/endpoint.ts'
import { Failure } from '../cli/failure.ts'
import type { BrokerApi, BrokerOptions, WorkloadReference, X509Answer } from '../cli/ports.ts'
import { certificatesIn } from '../cli/commands/agent-svids.ts'
import { signingKeyOf } from '../crypto/signing-key.ts'
import { listedIn } from '../crypto/crl.ts'
import { parseSpiffeId, pathOf, type SpiffeId, spiffeId, trustDomainOf } from '../crypto/spiffe-id.ts'
import { GrpcError, STATUS } from '../wire/grpc.ts'
import { type GrpcClient, openGrpcClient } from '../wire/grpc-client.ts'
import { ERROR_INFO, ErrorInfo, RpcStatus } from '../wire/rpc-status.ts'
import { toAnswer, toJwts } from './agent-client.ts'
import { clock } from './ports.ts'
import { svidCredentials } from './svid-credentials.ts'

const HEADERS = { metadata: { [wire.HEADER]: 'true' } }
const NOTHING: X509Answer = { svids: [], federatedBundles: {}, crls: [] }
/** Codes with which the agent says that what it gave before counts no more. */
const OVER: readonly number[] = [STATUS.notFound, STATUS.denied]

export function openBrokerApi({ endpoint, own, agentId }: BrokerOptions): BrokerApi {
  const client = connectTo(endpoint, own, agentId === '' ? undefined : parseSpiffeId(agentId))
  const at = (method: string) => `/${wire.SERVICE}/${method}`

  async function* watchX509(reference: WorkloadReference): AsyncGenerator<X509Answer> {
    const talk = client.listen(at('SubscribeToX509SVID'), wire.X509SvidRequest, wire.X509SvidResponse, { reference: packed(reference) }, HEADERS)
    try {
      for (let answer = await talk.next(); answer; answer = await talk.next()) yield toAnswer(answer)
    } catch (error) {
      if (error instanceof GrpcError && OVER.includes(error.code)) yield NOTHING
      throw told(endpoint, error)
    } finally {
      talk.cancel()
    }
  }

  return {
    watchX509,
    async jwt(reference, audience, spiffeId) {
      const request = { reference: packed(reference), audience: [...audience], spiffeId }
      try {
        return toJwts((await client.ask(at('FetchJWTSVID'), wire.JwtSvidRequest, wire.JwtSvidResponse, request, HEADERS)).svids)
      } catch (error) {
        throw told(endpoint, error)
      }
    },
    close: () => client.close(),
  }
}

/** Believes the agent of that ID, or any of the broker's own trust domain, by the bundle that the broker was given. */
function connectTo(text: string, { svids: [own], federatedBundles, crls }: X509Answer, wanted: SpiffeId | undefined): GrpcClient {
  const endpoint = parseEndpoint('broker', text)
  const key = own && signingKeyOf(createPrivateKey({ key: own.key, format: 'der', type: 'pkcs8' }))
  if (!own || !key) throw new Failure(2, 'the agent gave this process no identity to ask as')
  const home = trustDomainOf(parseSpiffeId(own.spiffeId))
  const trustDomain = wanted ? trustDomainOf(wanted) : home
  const bundle = trustDomain === home ? own.bundle : federatedBundles[spiffeId(trustDomain)]
  if (!bundle) throw new Failure(2, `this process has no bundle of ${trustDomain} to know the agent by`)
  const check = (id: SpiffeId) => {
    if (wanted ? id !== wanted : !pathOf(id).startsWith('/spire/agent/'))
      throw new Error(`who serves brokers there is ${id}, and not ${wanted ?? 'an agent'}`)
  }
  const shown = { chain: certificatesIn(own.chain), key }
  const target =
    'path' in endpoint ? `unix:${endpoint.path}` : `${endpoint.host.includes(':') ? `[${endpoint.host}]` : endpoint.host}:${endpoint.port}`
  return openGrpcClient(
    target,
    svidCredentials({ own: shown, roots: certificatesIn(bundle), trustDomain, check, isRevoked: listedIn(crls), clock }),
    trustDomain,
  )
}

function packed(reference: WorkloadReference) {
  if ('pid' in reference) return { reference: { typeUrl: wire.TYPES.pid, value: wire.PidReference.encode(reference) } }
  const { plural, group, key, uid } = reference
  return { reference: { typeUrl: wire.TYPES.kubernetes, value: wire.KubernetesReference.encode({ type: { plural, group }, key, uid }) } }
}

/** What the agent says, as a failure of the command. */
function told(endpoint: string, error: unknown): unknown {
  if (!(error instanceof GrpcError)) return error
  const at = parseEndpoint('broker', endpoint)
  if (error.code === STATUS.unavailable && 'path' in at && !existsSync(at.path)) {
    return new Failure(2, `no agent serves brokers at ${endpoint}`, {
      hints: ['broker_api { … } in its configuration says where it does; name that by -broker-socket or SPIFFE_BROKER_SOCKET'],
    })
  }
  return new Failure(2, `the agent says: ${error.message}`, { hints: hintsFor(error), cause: error })
}

/** By the reason, where the agent gave one. */
function hintsFor({ code, details }: GrpcError): string[] {
  if (code !== STATUS.denied) return []
  return reasonOf(details) === undefined
    ? ['broker "spiffe://…" { … } in broker_api of the agent says who may ask, and what that may refer to']
    : ['an entry whose selectors describe the workload, below this agent, gives it an identity']
}

function reasonOf(status: Buffer | undefined): string | undefined {
  try {
    const info = status && RpcStatus.decode(status).details.find(({ typeUrl }) => typeUrl === ERROR_INFO)
    return info?.value && ErrorInfo.decode(info.value).reason
  } catch {
    return undefined // what is no message says nothing
  }
}

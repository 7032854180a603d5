// The Workload API as its clients see it, over the agent's socket: for the command line.
import { existsSync } from 'node:fs'
import grpc from '@grpc/grpc-js'
import { HEALTH, HealthRequest, HealthResponse, SERVING } from '../agent/health.ts'
import * as wire from '../agent/workload/messages.ts'
import type { JsonObject } from '../base/json.ts'
import { Failure } from '../cli/failure.ts'
import type { JwtAnswer, WitAnswer, WorkloadApi, X509Answer } from '../cli/ports.ts'
import { GrpcError, STATUS } from '../wire/grpc.ts'
import { openGrpcClient } from '../wire/grpc-client.ts'
import type { Message, Of } from '../wire/protobuf.ts'
import { workloadEndpoint } from './workload-endpoint.ts'

const HEADERS = { metadata: { [wire.HEADER]: 'true' } }

export function openWorkloadApi(endpoint: string): WorkloadApi {
  const { target, path } = workloadEndpoint(endpoint)
  const client = openGrpcClient(target, grpc.credentials.createInsecure())
  const at = (method: string) => `/${wire.SERVICE}/${method}`

  async function* heard<I, O>(method: string, input: Message<I>, output: Message<O>, request: Partial<I>): AsyncGenerator<O> {
    const talk = client.listen(at(method), input, output, request, HEADERS)
    try {
      for (;;) {
        const answer = await told(path, () => talk.next())
        if (!answer) return
        yield answer
      }
    } finally {
      talk.cancel()
    }
  }

  async function* watchX509(): AsyncGenerator<X509Answer> {
    for await (const answer of heard('FetchX509SVID', wire.X509SvidRequest, wire.X509SvidResponse, {})) yield toAnswer(answer)
  }

  async function* watchWit(spiffeId: string): AsyncGenerator<WitAnswer[]> {
    for await (const { svids } of heard('FetchWITSVID', wire.WitSvidRequest, wire.WitSvidResponse, { spiffeId }))
      yield svids.map(({ spiffeId = '', witSvid = '', witSvidKey = '', hint = '' }) => ({ spiffeId, svid: witSvid, key: witSvidKey, hint }))
  }

  return {
    watchX509,
    watchWit,
    jwt: async (audience, spiffeId) => {
      const request = { audience: [...audience], spiffeId }
      const { svids } = await told(path, () => client.ask(at('FetchJWTSVID'), wire.JwtSvidRequest, wire.JwtSvidResponse, request, HEADERS))
      return toJwts(svids)
    },
    validate: async (audience, svid) => {
      const { spiffeId, claims } = await told(path, () =>
        client.ask(at('ValidateJWTSVID'), wire.ValidateRequest, wire.ValidateResponse, { audience, svid }, HEADERS),
      )
      return { spiffeId, claims: (claims ?? {}) as JsonObject }
    },
    async isServing() {
      const { status } = await told(path, () => client.ask(`/${HEALTH}/Check`, HealthRequest, HealthResponse, {}))
      return status === SERVING
    },
    close: () => client.close(),
  }
}

export function toAnswer({ svids, crl, federatedBundles }: Of<typeof wire.X509SvidResponse>): X509Answer {
  const nothing = Buffer.alloc(0)
  return {
    svids: svids.map(({ spiffeId = '', x509Svid = nothing, x509SvidKey = nothing, bundle = nothing, hint = '' }) => ({
      spiffeId,
      chain: x509Svid,
      key: x509SvidKey,
      bundle,
      hint,
    })),
    federatedBundles,
    crls: crl,
  }
}

export function toJwts(svids: Of<typeof wire.JwtSvidResponse>['svids']): JwtAnswer[] {
  return svids.map(({ spiffeId = '', svid = '', hint = '' }) => ({ spiffeId, svid, hint }))
}

/** What the agent says, as a failure of the command. */
async function told<T>(path: string | undefined, run: () => Promise<T>): Promise<T> {
  try {
    return await run()
  } catch (error) {
    if (!(error instanceof GrpcError)) throw error
    if (error.code === STATUS.unavailable && path !== undefined && !existsSync(path)) {
      throw new Failure(2, `there is no agent at ${path}`, {
        hints: ['start one with "signet agent", or name its socket: -socket-path or SPIFFE_ENDPOINT_SOCKET'],
      })
    }
    const hints = error.code === STATUS.denied ? ['an entry whose selectors describe this process, below this agent, gives it an identity'] : []
    throw new Failure(2, `the agent says: ${error.message}`, { hints, cause: error })
  }
}

// BatchNewWITSVID of spire.api.server.svid.v1.SVID: each request has its own result, in order.
import { isObject, type Json, type JsonObject } from '../../base/json.ts'
import { GrpcError, STATUS } from '../../wire/grpc.ts'
import type { Of } from '../../wire/protobuf.ts'
import type { Ask } from './ask.ts'
import { objects, toJwk, toToken } from './convert.ts'
import type * as wire from './messages.ts'

type Params = Of<typeof wire.BatchWitRequest>['params']
type Result = Of<typeof wire.BatchWitResponse>['results'][number]

export async function witBatch(ask: Ask, peer: string, params: Params): Promise<{ results: Result[] }> {
  if (params.length === 0) throw new GrpcError(STATUS.invalid, 'missing parameters')
  const requests = params.map(requestOf)
  const asked = requests.flatMap((one) => (one instanceof GrpcError ? [] : [one]))
  const given = objects((await ask(peer, 'write', 'agent/wit-svids', { requests: asked }))['results'])
  let next = 0
  return { results: requests.map((one) => (one instanceof GrpcError ? refused(one.code, one.message) : resultOf(given[next++]))) }
}

/** What the engine is asked, or why it can't be. */
function requestOf({ entryId = '', publicKey, signingAlgorithm = '' }: Params[number]): JsonObject | GrpcError {
  if (entryId === '') return new GrpcError(STATUS.invalid, 'missing entry ID')
  if (!publicKey?.length) return new GrpcError(STATUS.invalid, 'missing public key')
  try {
    return { entry_id: entryId, jwk: toJwk(publicKey, signingAlgorithm, 'malformed public key') }
  } catch (error) {
    if (error instanceof GrpcError) return error
    throw error
  }
}

function resultOf(given: Json | undefined): Result {
  if (!isObject(given)) return refused(STATUS.internal, 'failed to sign WIT-SVID')
  const { error, code } = given
  if (typeof error !== 'string') return { status: { code: 0, message: 'OK' }, svid: toToken(given) }
  return refused(code === 'missing' ? STATUS.notFound : STATUS.invalid, error)
}

const refused = (code: number, message: string): Result => ({ status: { code, message } })

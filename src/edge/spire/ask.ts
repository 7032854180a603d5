// From a gRPC call to the line and back: each method is a path of the spiffe engine, so policy's place, audit and limits are the same.
import { Fault } from '../../base/fault.ts'
import { isObject, type JsonObject, parseJson } from '../../base/json.ts'
import { type CanonPath, parsePath } from '../../base/path.ts'
import type { Clock, Random } from '../../base/ports.ts'
import { uuid } from '../../base/ids.ts'
import type { Answer } from '../../contract/answer.ts'
import type { Peer, Received } from '../../contract/call.ts'
import { GrpcError, STATUS } from '../../wire/grpc.ts'
import { deniedDetails } from './messages.ts'

export interface AskDeps {
  readonly handle: (received: Received) => Promise<Answer>
  /** Who is behind a connection, by the name it was injected under; undefined once it is gone. */
  readonly peerOf: (name: string) => Peer | undefined
  readonly clock: Clock
  readonly random: Random
}

type AskVerb = 'read' | 'write' | 'list' | 'delete'

/** Throws a GrpcError for an answer that is no success. */
export interface Ask {
  /** The data of the answer; nothing for an empty list. `stream` stands for the gRPC stream, where its requests belong together. */
  (peer: string, verb: AskVerb, path: string, input?: JsonObject, stream?: object): Promise<JsonObject>
  /** The answer's bytes, of paths that answer so. */
  bytes(peer: string, path: string, input: JsonObject): Promise<Buffer>
}

export function openAsk({ handle, peerOf, clock, random }: AskDeps): Ask {
  async function ask(name: string, verb: AskVerb, path: string, input: JsonObject, stream?: object): Promise<Answer> {
    const peer = peerOf(name)
    if (!peer) throw new GrpcError(STATUS.unavailable, 'connection is gone')
    const answer = await handle({
      id: uuid(random),
      at: clock.now(),
      verb,
      path: pathOf(verb === 'list' ? `${path}/` : path),
      namespace: '',
      query: verb === 'write' ? {} : input,
      body: verb === 'write' ? Buffer.from(JSON.stringify(input)) : Buffer.alloc(0),
      contentType: 'application/json',
      token: undefined,
      peer,
      wrapTtl: undefined,
      ...(stream ? { stream } : {}),
    })
    if (answer.status >= 300 && !(verb === 'list' && answer.status === 404)) throw refusal(answer.status, contentOf(answer))
    return answer
  }

  const data = async (peer: string, verb: AskVerb, path: string, input: JsonObject = {}, stream?: object): Promise<JsonObject> => {
    const answer = await ask(peer, verb, path, input, stream)
    if (answer.status >= 300) return {}
    const content = contentOf(answer)
    return isObject(content['data']) ? content['data'] : content
  }
  return Object.assign(data, {
    bytes: async (peer: string, path: string, input: JsonObject) => (await ask(peer, 'write', path, input)).body,
  })
}

function contentOf({ body }: Answer): JsonObject {
  const parsed = body.length > 0 ? parseJson(body) : {}
  return isObject(parsed) ? parsed : {}
}

function pathOf(path: string): CanonPath {
  try {
    return parsePath(`spiffe/${path}`)
  } catch (error) {
    if (error instanceof Fault) throw new GrpcError(STATUS.invalid, error.message)
    throw error
  }
}

/** Why an agent is turned away, as SPIRE numbers it (PermissionDeniedDetails). */
const REASONS: Readonly<Record<string, { readonly reason: number; readonly text: string } | undefined>> = {
  expired: { reason: 1, text: 'agent SVID is expired' },
  'not-attested': { reason: 2, text: 'agent is not attested' },
  'not-active': { reason: 3, text: 'agent SVID is not active' },
  banned: { reason: 4, text: 'agent is banned' },
  'must-reattest': { reason: 5, text: 'agent must reattest instead of renew' },
}

const CODES: Readonly<Record<number, number | undefined>> = {
  400: STATUS.invalid,
  403: STATUS.denied,
  404: STATUS.notFound,
  405: STATUS.unimplemented,
  429: STATUS.exhausted,
  503: STATUS.unavailable,
}

function refusal(status: number, { errors }: JsonObject): GrpcError {
  const text = Array.isArray(errors) ? errors.join('; ') : ''
  const known = status === 403 ? REASONS[text] : undefined
  if (known) return new GrpcError(STATUS.denied, known.text, deniedDetails(STATUS.denied, known.text, known.reason))
  return new GrpcError(CODES[status] ?? STATUS.internal, text)
}

// The answer, wrapped where the client asked for it: kept for one reader, who is told of it in its place (Vault, "Response Wrapping").
import { Fault } from '../base/fault.ts'
import type { Json, JsonObject } from '../base/json.ts'
import type { Allowed } from '../contract/call.ts'
import type { Reply } from '../contract/reply.ts'
import type { Wrapped, Wrapping } from '../token/wrapping.ts'
import { answerOf } from './envelope.ts'

export type Wrap = (call: Allowed, reply: Reply, warnings: readonly string[]) => Promise<Reply>

/** Leaves alone what is no answer to keep: an empty one, help, and what is wrapped already. */
export function openWrap(wrapping: Pick<Wrapping, 'wrap'>): Wrap {
  return async (call, reply, warnings) => {
    const { wrapTtl: ttl, path, namespace } = call
    if (ttl === undefined || call.verb === 'help' || !isWorth(reply, warnings)) return reply
    if (reply.kind === 'stream' || reply.kind === 'file') throw new Fault('invalid', `a ${reply.kind} can not be wrapped`)
    const content = toContent(call, reply, warnings)
    const info = await wrapping.wrap({ content, ttl, path, namespace, wrappedAccessor: accessorIn(call, reply) })
    return { kind: 'wrapped', info }
  }
}

function isWorth(reply: Reply, warnings: readonly string[]): boolean {
  if (reply.kind === 'wrapped') return false
  const bare = reply.kind === 'empty' || reply.kind === 'missing' || (reply.kind === 'keys' && reply.keys.length === 0)
  return !bare || warnings.length > 0
}

/** As it would have been answered. What is no plain envelope is kept as Vault does: as its bytes, with status and type. */
function toContent(call: Allowed, reply: Reply, warnings: readonly string[]): Wrapped {
  if (reply.kind === 'unwrapped') return { response: reply.text, ...(reply.raw ? { raw: true } : {}) }
  const { status, headers, body } = answerOf(reply, call.id, call.mount, warnings)
  if (status === 200 && reply.kind !== 'plain' && reply.kind !== 'raw') return { response: body.toString() }
  const raw = {
    http_content_type: headers['Content-Type'] ?? 'application/json',
    http_raw_body: body.toString('base64'),
    http_status_code: status,
  }
  return { response: answerOf({ kind: 'data', data: raw }, call.id, call.mount, []).body.toString(), raw: true }
}

/** Whoever passes a wrapped token or secret ID on can name it, to have it revoked, without knowing it. */
function accessorIn({ mount }: Allowed, reply: Reply): string | undefined {
  if (reply.kind === 'auth') return reply.auth.token.accessor || undefined
  const accessor = reply.kind === 'data' && mount?.type === 'approle' ? (reply.data as JsonObject | null)?.['secret_id_accessor'] : undefined
  return isText(accessor) ? accessor : undefined
}

function isText(value: Json | undefined): value is string {
  return typeof value === 'string'
}

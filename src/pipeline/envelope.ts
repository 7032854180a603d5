// Vault's envelope: what an op replied, as the status and bytes that clients read.
import { formatTime } from '../base/duration.ts'
import type { JsonObject } from '../base/json.ts'
import type { Answer } from '../contract/answer.ts'
import type { Leased } from '../contract/lease.ts'
import type { Mount } from '../contract/mount.ts'
import type { Reply } from '../contract/reply.ts'
import { type AuthBlock, grantedTtl, type WrapInfo } from '../contract/token.ts'
import { openedAnswer } from './unwrap.ts'

const NONE = Buffer.alloc(0)

/** `warnings` are those of the line and the op together. */
export function answerOf(reply: Reply, id: string, mount: Mount | undefined, warnings: readonly string[]): Answer {
  switch (reply.kind) {
    case 'data':
      return json(reply.status ?? 200, {
        ...envelope(id, mount, warnings, reply.data, reply.leaseDuration),
        ...(reply.leased ? leaseFields(reply.leased) : {}),
        ...(reply.spread ? withoutEnvelopeKeys(reply.data) : {}),
      })
    case 'keys':
      return keysAnswer(reply.keys, reply.info, id, mount, warnings)
    case 'auth':
      return json(200, { ...envelope(id, mount, warnings, null), auth: authBlock(reply.auth) })
    case 'wrapped':
      // Warnings are of what is inside, and told to whoever opens it.
      return json(200, { ...envelope(id, mount, [], null), wrap_info: wrapInfo(reply.info) })
    case 'unwrapped':
      return openedAnswer(reply.text, reply.raw)
    case 'empty':
      return warnings.length > 0
        ? json(reply.status ?? 200, envelope(id, mount, warnings, null))
        : { status: reply.status ?? 204, headers: {}, body: NONE }
    case 'missing':
      return warnings.length > 0 ? json(404, envelope(id, mount, warnings, null)) : json(404, { errors: [] })
    case 'plain':
      return json(reply.status, reply.body)
    case 'stream':
      return { status: 101, headers: {}, body: NONE, stream: reply.open }
    case 'raw':
      return { status: reply.status, headers: { 'Content-Type': reply.contentType }, body: reply.body, ...(reply.wipe ? { wipe: true } : {}) }
    case 'file':
      return { status: 200, headers: { 'Content-Type': reply.contentType, 'Content-Disposition': 'attachment' }, body: NONE, chunks: reply.chunks }
    case 'login':
      throw new Error('a login was answered before its token was made')
  }
}

function keysAnswer(
  keys: readonly string[],
  info: JsonObject | undefined,
  id: string,
  mount: Mount | undefined,
  warnings: readonly string[],
): Answer {
  if (keys.length === 0) return warnings.length > 0 ? json(404, envelope(id, mount, warnings, null)) : json(404, { errors: [] })
  return json(200, envelope(id, mount, warnings, { ...(info ? { key_info: info } : {}), keys: [...keys] }))
}

function envelope(id: string, mount: Mount | undefined, warnings: readonly string[], data: JsonObject | null, leaseDuration = 0): JsonObject {
  return {
    request_id: id,
    lease_id: '',
    renewable: false,
    lease_duration: leaseDuration,
    data,
    wrap_info: null,
    warnings: warnings.length > 0 ? [...warnings] : null,
    auth: null,
    mount_type: mount?.type ?? '',
  }
}

function leaseFields({ id, renewable, ttl }: Leased): JsonObject {
  return { lease_id: id, renewable, lease_duration: ttl }
}

/** Keys of `data` shown at top level never replace the envelope's own. */
function withoutEnvelopeKeys(data: JsonObject | null): JsonObject {
  return Object.fromEntries(Object.entries(data ?? {}).filter(([key]) => !ENVELOPE_KEYS.has(key)))
}

const ENVELOPE_KEYS = new Set(['request_id', 'lease_id', 'renewable', 'lease_duration', 'data', 'wrap_info', 'warnings', 'auth', 'mount_type'])

function wrapInfo({ id, token, creationPath, wrappedAccessor }: WrapInfo): JsonObject {
  return {
    token: id,
    accessor: token.accessor,
    ttl: token.ttl,
    creation_time: formatTime(token.createdAt),
    creation_path: creationPath,
    ...(wrappedAccessor === undefined ? {} : { wrapped_accessor: wrappedAccessor }),
  }
}

function authBlock({ clientToken, token, identityPolicies }: AuthBlock): JsonObject {
  return {
    client_token: clientToken,
    accessor: token.accessor,
    policies: [...new Set([...token.policies, ...identityPolicies])].sort(),
    ...(token.policies.length > 0 ? { token_policies: [...token.policies] } : {}),
    metadata: token.metadata ?? null,
    lease_duration: grantedTtl(token),
    renewable: token.renewable,
    entity_id: token.entityId,
    token_type: token.type,
    orphan: token.orphan,
    mfa_requirement: null,
    num_uses: Math.max(token.numUses, 0),
  }
}

function json(status: number, body: JsonObject): Answer {
  return { status, headers: {}, body: Buffer.from(JSON.stringify(body)) }
}

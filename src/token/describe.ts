// A token as `lookup` shows it (Vault API, "Lookup a token").
import { formatTime } from '../base/duration.ts'
import type { JsonObject } from '../base/json.ts'
import type { Token } from '../contract/token.ts'

/** `id` is what the caller already knows, '' where it came by accessor; the parent is never shown. */
export function describeToken(token: Token, id: string, now: number): JsonObject {
  const always: JsonObject = {
    accessor: token.accessor,
    creation_time: Math.floor(token.createdAt / 1000),
    creation_ttl: token.ttl,
    display_name: token.displayName,
    entity_id: token.entityId,
    expire_time: token.expiresAt === undefined ? null : formatTime(token.expiresAt),
    explicit_max_ttl: token.explicitMaxTtl,
    id,
    issue_time: formatTime(token.createdAt),
    meta: token.metadata ?? null,
    num_uses: Math.max(token.numUses, 0),
    orphan: token.orphan,
    path: token.path,
    policies: [...token.policies],
    renewable: token.renewable,
    ttl: token.expiresAt === undefined ? 0 : Math.max(0, Math.ceil((token.expiresAt - now) / 1000)),
    type: token.type,
  }
  return { ...always, ...optional(token) }
}

function optional(token: Token): JsonObject {
  return {
    ...(token.lastRenewedAt === 0
      ? {}
      : { last_renewal: formatTime(token.lastRenewedAt), last_renewal_time: Math.floor(token.lastRenewedAt / 1000) }),
    ...(token.namespace === '' ? {} : { namespace_path: token.namespace }),
    ...(token.role === '' ? {} : { role: token.role }),
    ...(token.period === 0 ? {} : { period: token.period }),
    ...(token.boundCidrs.length === 0 ? {} : { bound_cidrs: [...token.boundCidrs] }),
  }
}

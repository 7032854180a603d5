// The parts of a record that describe one thing: a mount, a token, a wrapped answer. What is empty is left out, as in Vault.
import { formatTime } from '../base/duration.ts'
import type { JsonObject } from '../base/json.ts'
import type { Mount } from '../contract/mount.ts'
import type { Token, WrapInfo } from '../contract/token.ts'
import type { Hasher } from './hasher.ts'

/** `versionKey` differs between request and response, as it does in Vault. */
export function mountBlock(mount: Mount | undefined, versionKey: string, version: string): JsonObject {
  if (!mount) return {}
  return {
    mount_point: mount.path,
    mount_type: mount.type,
    mount_accessor: mount.accessor,
    [versionKey]: version,
    mount_class: mount.class === 'auth' ? 'auth' : 'secret',
  }
}

/** `id` and `accessor` come hashed as the device wants them. */
export function tokenBlock(token: Token, id: string, accessor: string, ttl = token.ttl): JsonObject {
  return {
    client_token: id,
    ...unlessEmpty('accessor', accessor),
    ...unlessEmpty('display_name', token.displayName),
    policies: [...token.policies],
    token_policies: [...token.policies],
    ...(token.metadata && Object.keys(token.metadata).length > 0 ? { metadata: { ...token.metadata } } : {}),
    ...unlessEmpty('entity_id', token.entityId),
    token_type: token.type,
    ...(ttl > 0 ? { token_ttl: ttl } : {}),
    token_issue_time: wholeSeconds(token.createdAt),
  }
}

export function wrapBlock({ id, token, creationPath, wrappedAccessor }: WrapInfo, hasher: Hasher): JsonObject {
  return {
    ttl: token.ttl,
    token: hasher.text(id),
    accessor: hasher.accessor(token.accessor),
    creation_time: formatTime(token.createdAt),
    creation_path: creationPath,
    ...(wrappedAccessor === undefined ? {} : { wrapped_accessor: hasher.accessor(wrappedAccessor) }),
  }
}

function unlessEmpty(key: string, value: string): JsonObject {
  return value === '' ? {} : { [key]: value }
}

function wholeSeconds(ms: number): string {
  return formatTime(Math.floor(ms / 1000) * 1000)
}

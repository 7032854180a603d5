// One audit record as Vault writes it: who asked what, and what came back, with every text that might be secret as an HMAC.
import { formatTime } from '../base/duration.ts'
import type { Fault } from '../base/fault.ts'
import { isObject, isRawNumber, type Json, type JsonObject } from '../base/json.ts'
import type { Known, Received, Routed } from '../contract/call.ts'
import type { Mount } from '../contract/mount.ts'
import type { AuthBlock, Token, WrapInfo } from '../contract/token.ts'

/** Makes texts into `hmac-sha256:<hex>` under one device's salt. */
export interface Hasher {
  text(text: string): string
  /** The id and accessor of a token that calls, kept for its next call. */
  caller(token: Token, id: string): CallerHashes
}

export interface CallerHashes {
  readonly id: string
  readonly accessor: string
  /** The `auth` block as JSON text, by the policies that granted. */
  readonly auth: Map<string, string>
}

/** A call at whatever stage it reached. */
export type Trail = Received &
  Partial<Omit<Routed, keyof Received>> &
  Partial<Pick<Known, 'caller'>> & {
    /** The policies that let it pass. */
    readonly granting?: readonly string[]
    /** A write that makes something new. */
    readonly creates?: boolean
  }

/** What the client was answered, as far as the record tells. */
export interface Told {
  readonly auth?: AuthBlock
  readonly data?: JsonObject | null
  readonly warnings?: readonly string[]
  /** The answer was wrapped; what is in it is not told. */
  readonly wrapInfo?: WrapInfo
  /** The envelope of a wrapped answer that was given out. */
  readonly opened?: JsonObject
  /** Of what was lent with the data; shown in clear, as Vault does. */
  readonly leaseId?: string
}

/** What the records of one call share, as JSON text under one device's salt. */
export interface Parts {
  readonly auth: string
  readonly request: string
}

const OPERATION = { read: 'read', list: 'list', scan: 'scan', write: 'update', patch: 'patch', delete: 'delete', help: 'help' } as const

export function partsOf(trail: Trail, hasher: Hasher): Parts {
  const hashes = trail.caller && hasher.caller(trail.caller, trail.token?.reveal() ?? '')
  return { auth: authText(trail, hashes), request: JSON.stringify(requestOf(trail, hasher, hashes)) }
}

/** A token that calls again and again is mostly granted by the same policies. */
function authText(trail: Trail, hashes: CallerHashes | undefined): string {
  const key = trail.granting?.join() ?? 'refused'
  const known = hashes?.auth.get(key)
  if (known !== undefined) return known
  const text = JSON.stringify(authOf(trail, hashes))
  hashes?.auth.set(key, text)
  return text
}

/** One line, without its end. */
export function requestLine({ auth, request }: Parts, now: number, fault?: Fault): string {
  return `{"time":"${formatTime(now)}","type":"request","auth":${auth},"request":${request}${errorOf(fault)}}`
}

export function responseLine({ auth, request }: Parts, response: JsonObject, now: number, fault?: Fault): string {
  const told = JSON.stringify(response)
  return `{"time":"${formatTime(now)}","type":"response","auth":${auth},"request":${request},"response":${told}${errorOf(fault)}}`
}

function errorOf(fault: Fault | undefined): string {
  return fault ? `,"error":${JSON.stringify(fault.message)}` : ''
}

function authOf(trail: Trail, hashes: CallerHashes | undefined): JsonObject {
  const { caller, granting } = trail
  if (!caller || !hashes) return granting ? { policy_results: { allowed: true } } : {}
  return {
    client_token: hashes.id,
    ...(caller.accessor === '' ? {} : { accessor: hashes.accessor }),
    display_name: caller.displayName,
    policies: [...caller.policies],
    token_policies: [...caller.policies],
    policy_results: granting ? { allowed: true, granting_policies: granting.map(granted) } : { allowed: false },
    metadata: caller.metadata ?? null,
    entity_id: caller.entityId,
    token_type: caller.type,
    token_ttl: caller.ttl,
    token_issue_time: formatTime(caller.createdAt),
    ...(caller.numUses === 0 ? {} : { num_uses: Math.max(caller.numUses, 0), remaining_uses: Math.max(caller.numUses, 0) }),
  }
}

function granted(name: string): JsonObject {
  return { name, namespace_id: 'root', type: 'acl' }
}

function requestOf(trail: Trail, hasher: Hasher, hashes: CallerHashes | undefined): JsonObject {
  const { mount, token, data } = trail
  return {
    id: trail.id,
    operation: trail.verb === 'write' && trail.creates ? 'create' : OPERATION[trail.verb],
    ...(mount ? mountOf(mount) : {}),
    ...(token ? { client_token: hashes?.id ?? hasher.text(token.reveal()) } : {}),
    ...(hashes && trail.caller?.accessor ? { client_token_accessor: hashes.accessor } : {}),
    namespace: { id: 'root' },
    path: trail.path,
    ...(data && Object.keys(data).length > 0 ? { data: hashLeaves(data, hasher, exempt(mount, 'auditNonHmacRequestKeys')) } : {}),
    remote_address: trail.peer.address,
    remote_port: trail.peer.port,
    ...(trail.wrapTtl === undefined ? {} : { wrap_ttl: trail.wrapTtl }),
  }
}

export function responseOf({ mount }: Trail, told: Told, hasher: Hasher): JsonObject {
  const clear = exempt(mount, 'auditNonHmacResponseKeys')
  return {
    ...(mount ? mountOf(mount) : {}),
    ...(told.auth ? { auth: newAuth(told.auth.token, told.auth.clientToken, hasher) } : {}),
    ...(told.leaseId === undefined ? {} : { secret: { lease_id: told.leaseId } }),
    ...(told.data ? { data: hashLeaves(told.data, hasher, clear) } : {}),
    ...(told.opened ? openedOf(told.opened, hasher, clear) : {}),
    ...(told.wrapInfo ? { wrap_info: wrapInfoOf(told.wrapInfo, hasher) } : {}),
    ...(told.warnings && told.warnings.length > 0 ? { warnings: [...told.warnings] } : {}),
  }
}

function newAuth(token: Token, id: string, hasher: Hasher): JsonObject {
  return {
    client_token: hasher.text(id),
    ...(token.accessor === '' ? {} : { accessor: hasher.text(token.accessor) }),
    display_name: token.displayName,
    policies: [...token.policies],
    token_policies: [...token.policies],
    metadata: token.metadata ?? null,
    entity_id: token.entityId,
    token_type: token.type,
    token_ttl: token.ttl,
    token_issue_time: formatTime(token.createdAt),
    ...(token.numUses === 0 ? {} : { num_uses: Math.max(token.numUses, 0) }),
  }
}

function wrapInfoOf({ id, token, creationPath, wrappedAccessor }: WrapInfo, hasher: Hasher): JsonObject {
  return {
    ttl: token.ttl,
    token: hasher.text(id),
    accessor: hasher.text(token.accessor),
    creation_time: formatTime(token.createdAt),
    creation_path: creationPath,
    ...(wrappedAccessor === undefined ? {} : { wrapped_accessor: hasher.text(wrappedAccessor) }),
  }
}

/** As the record of the answer would have told it, had it not been wrapped; all texts of a login are hashed here. */
function openedOf({ data, auth, warnings }: JsonObject, hasher: Hasher, clear: readonly string[]): JsonObject {
  return {
    ...(isObject(auth) ? { auth: hashLeaves(auth, hasher, []) } : {}),
    ...(isObject(data) ? { data: hashLeaves(data, hasher, clear) } : {}),
    ...(Array.isArray(warnings) ? { warnings } : {}),
  }
}

function mountOf(mount: Mount): JsonObject {
  return {
    mount_point: mount.path,
    mount_type: mount.type,
    mount_accessor: mount.accessor,
    mount_class: mount.class === 'auth' ? 'auth' : 'secret',
  }
}

function exempt(mount: Mount | undefined, keys: 'auditNonHmacRequestKeys' | 'auditNonHmacResponseKeys'): readonly string[] {
  return mount?.config[keys] ?? []
}

/** Every text leaf becomes its HMAC, except under the mount's exempt keys; keys, numbers and booleans stay. */
function hashLeaves(value: JsonObject, hasher: Hasher, clear: readonly string[]): JsonObject {
  const out: JsonObject = Object.create(null)
  for (const [key, inner] of Object.entries(value)) out[key] = clear.includes(key) ? inner : hashLeaf(inner, hasher, clear)
  return out
}

function hashLeaf(value: Json, hasher: Hasher, clear: readonly string[]): Json {
  if (typeof value === 'string') return hasher.text(value)
  if (typeof value !== 'object' || value === null || isRawNumber(value)) return value
  return Array.isArray(value) ? value.map((inner) => hashLeaf(inner, hasher, clear)) : hashLeaves(value, hasher, clear)
}

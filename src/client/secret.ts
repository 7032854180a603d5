// The envelope of a Vault answer, as clients read it.
import { isObject, type Json, type JsonObject, parseJson } from '../base/json.ts'

export interface SecretAuth {
  readonly client_token: string
  readonly accessor: string
  readonly policies: readonly string[] | null
  readonly token_policies: readonly string[] | null
  readonly identity_policies: readonly string[] | null
  readonly metadata: Readonly<Record<string, string>> | null
  readonly orphan: boolean
  readonly entity_id: string
  /** Seconds; 0 is for ever. */
  readonly lease_duration: number
  readonly renewable: boolean
  readonly mfa_requirement: JsonObject | null
}

export interface WrapInfo {
  readonly token: string
  readonly accessor: string
  /** Seconds. */
  readonly ttl: number
  /** RFC 3339. */
  readonly creation_time: string
  readonly creation_path: string
  readonly wrapped_accessor: string
}

export interface Secret {
  readonly request_id: string
  readonly lease_id: string
  /** Seconds. */
  readonly lease_duration: number
  readonly renewable: boolean
  readonly data: JsonObject | null
  readonly warnings: readonly string[] | null
  readonly auth?: SecretAuth
  readonly wrap_info?: WrapInfo
}

const UNBOUNDED = { depth: Number.POSITIVE_INFINITY, values: Number.POSITIVE_INFINITY, stringBytes: Number.POSITIVE_INFINITY }

/** JSON of the server, numbers kept as they were written. Throws `invalid`. */
export function parseBody(body: Uint8Array): Json {
  return parseJson(body, UNBOUNDED)
}

/**
 * The secret in a body; undefined for an empty one, and for one that holds nothing but errors.
 * A body without envelope becomes the data.
 * @example parseSecret(Buffer.from('{"data":{"a":1}}'))?.data // { a: 1 }
 */
export function parseSecret(body: Uint8Array): Secret | undefined {
  if (body.length === 0) return undefined
  const raw = parseBody(body)
  if (!isObject(raw)) return undefined
  const secret = toSecret(raw)
  if (!isBlank(secret)) return secret
  const keys = Object.keys(raw)
  if (keys.length === 1 && keys[0] === 'errors') return undefined
  return keys.length > 0 ? { ...secret, data: raw } : secret
}

function toSecret(raw: JsonObject): Secret {
  return {
    request_id: text(raw['request_id']),
    lease_id: text(raw['lease_id']),
    lease_duration: number(raw['lease_duration']),
    renewable: raw['renewable'] === true,
    data: isObject(raw['data']) ? raw['data'] : null,
    warnings: texts(raw['warnings']),
    ...(isObject(raw['auth']) ? { auth: toAuth(raw['auth']) } : {}),
    ...(isObject(raw['wrap_info']) ? { wrap_info: toWrapInfo(raw['wrap_info']) } : {}),
  }
}

function toAuth(raw: JsonObject): SecretAuth {
  return {
    client_token: text(raw['client_token']),
    accessor: text(raw['accessor']),
    policies: texts(raw['policies']),
    token_policies: texts(raw['token_policies']),
    identity_policies: texts(raw['identity_policies']),
    metadata: isObject(raw['metadata']) ? (raw['metadata'] as Record<string, string>) : null,
    orphan: raw['orphan'] === true,
    entity_id: text(raw['entity_id']),
    lease_duration: number(raw['lease_duration']),
    renewable: raw['renewable'] === true,
    mfa_requirement: isObject(raw['mfa_requirement']) ? raw['mfa_requirement'] : null,
  }
}

function toWrapInfo(raw: JsonObject): WrapInfo {
  return {
    token: text(raw['token']),
    accessor: text(raw['accessor']),
    ttl: number(raw['ttl']),
    creation_time: text(raw['creation_time']),
    creation_path: text(raw['creation_path']),
    wrapped_accessor: text(raw['wrapped_accessor']),
  }
}

function isBlank(secret: Secret): boolean {
  const { request_id, lease_id, lease_duration, renewable, data, warnings, auth, wrap_info } = secret
  return !(request_id || lease_id || lease_duration || renewable || data || warnings || auth || wrap_info)
}

const text = (raw: Json | undefined): string => (typeof raw === 'string' ? raw : '')
const number = (raw: Json | undefined): number => (typeof raw === 'number' ? raw : 0)

function texts(raw: Json | undefined): readonly string[] | null {
  return Array.isArray(raw) ? raw.filter((item) => typeof item === 'string') : null
}

// A secret as rows of a table, as one field, or as an object to print.
import type { Json, JsonObject } from '../../base/json.ts'
import type { Secret, SecretAuth, WrapInfo } from '../../client/secret.ts'
import { sorted } from './json.ts'
import { fieldText, goQuoted, goText, goTime, shortDuration } from './text.ts'

type Row = readonly [string, string]

/** Key and value, the envelope first. */
export function secretRows(secret: Secret): readonly Row[] {
  return [
    ...leaseRows(secret),
    ...(secret.auth ? authRows(secret.auth) : []),
    ...(secret.wrap_info ? wrapRows(secret.wrap_info) : []),
    ...dataRows(secret.data ?? {}),
  ]
}

export function dataRows(data: JsonObject): readonly Row[] {
  return Object.keys(data)
    .sort()
    .map((key) => [key, fieldText(key, data[key])])
}

function leaseRows(secret: Secret): readonly Row[] {
  if (secret.lease_duration <= 0) return []
  const duration = shortDuration(secret.lease_duration)
  // KV version 1 tells how often to read again; nothing is leased.
  if (secret.lease_id === '') return [['refresh_interval', duration]]
  return [
    ['lease_id', secret.lease_id],
    ['lease_duration', duration],
    ['lease_renewable', String(secret.renewable)],
  ]
}

function authRows(auth: SecretAuth): readonly Row[] {
  const mfa = auth.mfa_requirement
  if (mfa) return [['mfa_request_id', goText(mfa['mfa_request_id'])], ...dataRows({ mfa_constraints: mfa['mfa_constraints'] ?? null })]
  return [
    ['token', auth.client_token],
    ['token_accessor', auth.accessor],
    ['token_duration', auth.lease_duration === 0 ? '∞' : shortDuration(auth.lease_duration)],
    ['token_renewable', String(auth.renewable)],
    ['token_policies', goQuoted(auth.token_policies)],
    ['identity_policies', goQuoted(auth.identity_policies)],
    ['policies', goQuoted(auth.policies)],
    ...Object.keys(auth.metadata ?? {})
      .sort()
      .map((key): Row => [`token_meta_${key}`, auth.metadata?.[key] ?? '']),
  ]
}

function wrapRows(info: WrapInfo): readonly Row[] {
  return [
    ['wrapping_token:', info.token],
    ['wrapping_accessor:', info.accessor],
    ['wrapping_token_ttl:', shortDuration(info.ttl)],
    ['wrapping_token_creation_time:', goTime(info.creation_time)],
    ['wrapping_token_creation_path:', info.creation_path],
    ...(info.wrapped_accessor === '' ? [] : [['wrapped_accessor:', info.wrapped_accessor] as const]),
  ]
}

/** The whole of it, keys in the order of the envelope. */
export function secretObject(secret: Secret): JsonObject {
  const { request_id, lease_id, lease_duration, renewable, data, warnings, auth, wrap_info } = secret
  return {
    request_id,
    lease_id,
    lease_duration,
    renewable,
    data: sorted(data),
    warnings: warnings as Json,
    ...(auth ? { auth: { ...auth, metadata: sorted(auth.metadata as Json) } as unknown as JsonObject } : {}),
    ...(wrap_info ? { wrap_info: wrap_info as unknown as JsonObject } : {}),
  }
}

const AUTH_FIELDS: Readonly<Record<string, keyof SecretAuth>> = {
  token: 'client_token',
  token_accessor: 'accessor',
  token_duration: 'lease_duration',
  token_renewable: 'renewable',
  token_policies: 'token_policies',
  identity_policies: 'identity_policies',
  policies: 'policies',
}

const WRAP_FIELDS: Readonly<Record<string, keyof WrapInfo>> = {
  wrapping_token: 'token',
  wrapping_accessor: 'accessor',
  wrapping_token_ttl: 'ttl',
  wrapping_token_creation_time: 'creation_time',
  wrapping_token_creation_path: 'creation_path',
  wrapped_accessor: 'wrapped_accessor',
}

/** What `-field` names: part of the envelope, or of the data. Undefined or null where there is none. */
export function secretField(secret: Secret, field: string): Json | undefined {
  const { auth, wrap_info: info, data } = secret
  if (auth) return field in AUTH_FIELDS ? (auth[AUTH_FIELDS[field] as keyof SecretAuth] as Json) : data?.[field]
  if (info) return field in WRAP_FIELDS ? info[WRAP_FIELDS[field] as keyof WrapInfo] : data?.[field]
  if (field === 'refresh_interval') return secret.lease_duration
  if (field === 'data') return data?.['data'] ?? data
  if (field === 'lease_duration' || field === 'lease_id' || field === 'request_id' || field === 'renewable') return secret[field]
  return data?.[field]
}

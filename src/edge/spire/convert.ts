// Between the JSON of the spiffe engine and the messages of the SPIRE server API.
import { Fault } from '../../base/fault.ts'
import { isObject, type Json, type JsonObject } from '../../base/json.ts'
import { jwkOf } from '../../crypto/jws.ts'
import { parseSpiffeId, parseTrustDomain, pathOf, type TrustDomain, trustDomainOf } from '../../crypto/spiffe-id.ts'
import { boundKeyOf } from '../../crypto/wit-svid.ts'
import { GrpcError, STATUS } from '../../wire/grpc.ts'
import type { Of } from '../../wire/protobuf.ts'
import type * as wire from './messages.ts'

export function toSvid(data: JsonObject) {
  const chain = Array.isArray(data['chain']) ? data['chain'] : []
  const certChain = chain.map((one) => Buffer.from(text(one), 'base64'))
  return { certChain, id: toId(data['spiffe_id']), expiresAt: Math.floor(number(data['expires_at'])), hint: text(data['hint']) }
}

/** From times in seconds. */
export function toToken(data: JsonObject): Of<typeof wire.TokenSvid> {
  const shared = { id: toId(data['spiffe_id']), hint: text(data['hint']) }
  return { ...shared, token: text(data['svid']), expiresAt: number(data['expires_at']), issuedAt: number(data['issued_at']) }
}

export function toId(value: Json | undefined) {
  const id = parseSpiffeId(text(value))
  return { trustDomain: trustDomainOf(id), path: pathOf(id) }
}

/** As a path or filter takes it; what it is not is told there. */
export function idText(id: Partial<Of<typeof wire.SpiffeIdMessage>> | undefined): string {
  return id ? `spiffe://${id.trustDomain ?? ''}${id.path ?? ''}` : ''
}

export const selectorText = ({ type = '', value = '' }: Partial<Of<typeof wire.Selector>>): string => `${type}:${value}`

export function toSelectors(value: Json | undefined): Of<typeof wire.Selector>[] {
  return strings(value).map((one) => ({ type: one.slice(0, one.indexOf(':')), value: one.slice(one.indexOf(':') + 1) }))
}

/** How sets are compared, from its number. */
export function matchName(match = 0): string {
  const name = ['exact', 'subset', 'superset', 'any'][match]
  if (name === undefined) throw new GrpcError(STATUS.invalid, 'unhandled match behavior')
  return name
}

export function toEntry(entry: JsonObject): Partial<wire.EntryMessage> {
  return {
    id: text(entry['id']),
    spiffeId: toId(entry['spiffe_id']),
    parentId: toId(entry['parent_id']),
    selectors: toSelectors(entry['selectors']),
    x509SvidTtl: number(entry['x509_svid_ttl']),
    jwtSvidTtl: number(entry['jwt_svid_ttl']),
    federatesWith: strings(entry['federates_with']),
    admin: entry['admin'] === true,
    downstream: entry['downstream'] === true,
    expiresAt: seconds(entry['expires_at']),
    dnsNames: strings(entry['dns_names']),
    revisionNumber: number(entry['revision_number']),
    storeSvid: entry['store_svid'] === true,
    hint: text(entry['hint']),
    createdAt: seconds(entry['created_at']),
    additionalAttributes: {
      disableX509SvidPrefetch: entry['disable_x509_svid_prefetch'] === true,
      jwtSvidIncludeJti: entry['jwt_svid_include_jti'] === true,
    },
  }
}

export const base64 = (bytes: Buffer | undefined): string => bytes?.toString('base64') ?? ''
export const text = (value: Json | undefined): string => (typeof value === 'string' ? value : '')
export const number = (value: Json | undefined): number => (typeof value === 'number' ? value : 0)
export const strings = (value: Json | undefined): string[] => (Array.isArray(value) ? value.map(text) : [])
export const seconds = (value: Json | undefined): number => (typeof value === 'string' ? Math.floor(Date.parse(value) / 1000) : 0)
export const objects = (value: Json | undefined): JsonObject[] => (Array.isArray(value) ? value.filter(isObject) : [])

export function toBundle(data: JsonObject): Partial<Of<typeof wire.BundleMessage>> {
  return {
    trustDomain: text(data['trust_domain']),
    x509Authorities: objects(data['x509_authorities']).map((one) => ({
      asn1: Buffer.from(text(one['asn1']), 'base64'),
      tainted: one['tainted'] === true,
    })),
    jwtAuthorities: objects(data['jwt_authorities']).map(toKey),
    witAuthorities: objects(data['wit_authorities']).map(toKey),
    refreshHint: number(data['refresh_hint']),
    sequenceNumber: number(data['sequence_number']),
  }
}

function toKey(data: JsonObject): Of<typeof wire.TokenKey> {
  return {
    publicKey: Buffer.from(text(data['public_key']), 'base64'),
    keyId: text(data['key_id']),
    expiresAt: seconds(data['expires_at']),
    tainted: data['tainted'] === true,
  }
}

/** A public key in DER as the JWK that its workload signs by. Throws a GrpcError, in SPIRE's words. */
export function toJwk(publicKey: Buffer, algorithm: string, malformed: string): JsonObject {
  try {
    const jwk = { ...jwkOf(publicKey), alg: algorithm }
    boundKeyOf(jwk)
    return jwk
  } catch (error) {
    if (error instanceof Fault) throw new GrpcError(STATUS.invalid, `invalid signing algorithm or key type: ${error.message}`)
    throw new GrpcError(STATUS.invalid, malformed) // Node's own error, for what is no key
  }
}

/** Without the fields that a mask of the same names switches off; all of them where there is no mask. */
export function masked<T extends object>(value: T, mask: Readonly<Record<string, unknown>> | undefined): T {
  if (!mask) return value
  return Object.fromEntries(Object.entries(value).filter(([name]) => mask[name] !== false)) as T
}

/** The name of a trust domain from a request, which goes into a path. Throws a GrpcError. */
export function nameIn(value: string | undefined, otherwise = 'trust domain argument is not valid'): TrustDomain {
  try {
    return parseTrustDomain(value ?? '')
  } catch (error) {
    if (error instanceof Fault) throw new GrpcError(STATUS.invalid, `${otherwise}: ${error.message}`)
    throw error
  }
}

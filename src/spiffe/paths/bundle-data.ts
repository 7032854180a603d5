// Bundles as parameters and answers: both published forms, and the authorities one by one.
import { any, choice, or } from '../../base/fields.ts'
import { Fault } from '../../base/fault.ts'
import { isObject, type Json, type JsonObject } from '../../base/json.ts'
import { plain, type Reply } from '../../contract/reply.ts'
import { type Bundle, bundleFromPem, formatBundle, parseBundle, type TokenAuthority } from '../../crypto/bundle.ts'
import { toPem } from '../../crypto/certificate.ts'
import type { TrustDomain } from '../../crypto/spiffe-id.ts'

export const FORMS = ['spiffe', 'pem'] as const
type Form = (typeof FORMS)[number]

export const formInput = or(choice('Which of both it is: the SPIFFE document, or X.509 authorities as PEM.', FORMS), 'spiffe')
export const bundleInput = any('The bundle: the SPIFFE document as JSON or as its text, or PEM.')

/** Throws `invalid` for what is no bundle. */
export function readBundle(trustDomain: TrustDomain, value: Json, form: Form): Bundle {
  if (form === 'spiffe' && isObject(value)) return parseBundle(trustDomain, Buffer.from(JSON.stringify(value)))
  if (typeof value !== 'string') throw new Fault('invalid', 'bundle: expected a text')
  return form === 'spiffe' ? parseBundle(trustDomain, Buffer.from(value)) : bundleFromPem(trustDomain, value)
}

/** The bundle alone, as others read it. */
export function bundleReply(bundle: Bundle, form: Form): Reply {
  if (form === 'spiffe') return plain(formatBundle(bundle))
  return { kind: 'raw', status: 200, contentType: 'application/x-pem-file', body: Buffer.from(toPem(bundle.x509Authorities)) }
}

/** The authorities one by one; `tainted` are the ids or certificates (base64) of those that nothing new is to rest on. */
export function describeBundle(bundle: Bundle, tainted: ReadonlySet<string> = new Set()): JsonObject {
  return {
    trust_domain: bundle.trustDomain,
    x509_authorities: bundle.x509Authorities.map((der) => ({ asn1: der.toString('base64'), tainted: tainted.has(der.toString('base64')) })),
    jwt_authorities: describeKeys(bundle.jwtAuthorities, tainted),
    wit_authorities: describeKeys(bundle.witAuthorities, tainted),
    refresh_hint: bundle.refreshHint,
    sequence_number: bundle.sequence,
  }
}

function describeKeys(authorities: readonly TokenAuthority[], tainted: ReadonlySet<string>): JsonObject[] {
  return authorities.map(({ keyId, publicKey, expiresAt }) => ({
    key_id: keyId,
    public_key: publicKey.toString('base64'),
    expires_at: expiresAt === undefined ? null : new Date(expiresAt).toISOString(),
    tainted: tainted.has(keyId),
  }))
}

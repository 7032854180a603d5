// SPIFFE IDs and trust domain names (SPIFFE-ID.md §2): parsed strictly, never repaired.
import { Fault } from '../base/fault.ts'

declare const id: unique symbol
declare const name: unique symbol

/** `spiffe://<trust domain><path>`, valid as a whole; two are the same identity exactly when they are the same text. */
export type SpiffeId = string & { readonly [id]: true }

/** The name alone: `example.org`. */
export type TrustDomain = string & { readonly [name]: true }

/** Implementations must take IDs of this many bytes, and must not make longer ones (SPIFFE-ID.md §2.3). */
export const MAX_ID_BYTES = 2048
const MAX_TRUST_DOMAIN_BYTES = 255
const SCHEME = 'spiffe://'
const TRUST_DOMAIN = /^[a-z0-9._-]+$/
const SEGMENT = /^[a-zA-Z0-9._-]+$/

/**
 * Throws `invalid` for whatever is not a SPIFFE ID in every byte: upper case in scheme or trust domain, percent-encoding,
 * ports, user info, queries, empty and dot segments, a slash at the end.
 * @example parseSpiffeId('spiffe://example.org/web')
 */
export function parseSpiffeId(text: string): SpiffeId {
  if (text === '') throw new Fault('invalid', 'cannot be empty')
  if (!text.startsWith(SCHEME)) throw new Fault('invalid', 'scheme is missing or invalid')
  if (Buffer.byteLength(text) > MAX_ID_BYTES) throw new Fault('invalid', `a SPIFFE ID has at most ${MAX_ID_BYTES} bytes`)
  const slash = text.indexOf('/', SCHEME.length)
  const end = slash < 0 ? text.length : slash
  checkTrustDomain(text.slice(SCHEME.length, end))
  checkPath(text.slice(end))
  return text as SpiffeId
}

/** Takes a bare name, or the ID of the trust domain itself. */
export function parseTrustDomain(text: string): TrustDomain {
  if (text.startsWith(SCHEME)) return trustDomainOf(parseSpiffeId(text))
  checkTrustDomain(text)
  return text as TrustDomain
}

/** `path` is empty, or starts with a slash. Throws `invalid`. */
export function spiffeId(trustDomain: TrustDomain, path = ''): SpiffeId {
  return parseSpiffeId(SCHEME + trustDomain + path)
}

export function trustDomainOf(spiffe: SpiffeId): TrustDomain {
  const slash = spiffe.indexOf('/', SCHEME.length)
  return spiffe.slice(SCHEME.length, slash < 0 ? undefined : slash) as TrustDomain
}

/** Empty for a trust domain's own ID, otherwise with its leading slash. */
export function pathOf(spiffe: SpiffeId): string {
  const slash = spiffe.indexOf('/', SCHEME.length)
  return slash < 0 ? '' : spiffe.slice(slash)
}

/** Whether an ID's path lies below `prefix` (`/ns/team`), segment by segment; the empty prefix holds every path. */
export function isBelow(spiffe: SpiffeId, prefix: string): boolean {
  return prefix === '' || pathOf(spiffe).startsWith(`${prefix}/`)
}

/** Throws `invalid` for what is not a path of an ID: empty, or segments that each follow a slash. */
export function checkPath(path: string): void {
  if (path === '') return
  if (!path.startsWith('/')) throw new Fault('invalid', 'path must have a leading slash')
  if (path.endsWith('/')) throw new Fault('invalid', 'path cannot have a trailing slash')
  for (const segment of path.slice(1).split('/')) {
    if (segment === '') throw new Fault('invalid', 'path cannot contain empty segments')
    if (segment === '.' || segment === '..') throw new Fault('invalid', 'path cannot contain dot segments')
    if (!SEGMENT.test(segment)) throw new Fault('invalid', 'path segment characters are limited to letters, numbers, dots, dashes, and underscores')
  }
}

function checkTrustDomain(text: string): void {
  if (text === '') throw new Fault('invalid', 'trust domain is missing')
  if (!TRUST_DOMAIN.test(text)) {
    throw new Fault('invalid', 'trust domain characters are limited to lowercase letters, numbers, dots, dashes, and underscores')
  }
  if (text.length > MAX_TRUST_DOMAIN_BYTES) throw new Fault('invalid', `a trust domain name has at most ${MAX_TRUST_DOMAIN_BYTES} bytes`)
}

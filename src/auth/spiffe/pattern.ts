// Patterns of SPIFFE IDs: of one trust domain, segment by segment, so that none can be read in two ways.
import { Fault } from '../../base/fault.ts'
import { checkPath, parseTrustDomain, pathOf, type SpiffeId, type TrustDomain, trustDomainOf } from '../../crypto/spiffe-id.ts'

export interface IdPattern {
  readonly trustDomain: TrustDomain
  /** Each a segment as it must be, or undefined for any. */
  readonly segments: readonly (string | undefined)[]
  /** One segment or more may follow. */
  readonly open: boolean
}

const FORM = /^spiffe:\/\/([^/]*)(\/.*)$/

/**
 * `*` is any one segment, and a last `**` any one or more. Throws `invalid`.
 * @example parseIdPattern('spiffe://example.org/ns/*\/sa/web')
 */
export function parseIdPattern(text: string): IdPattern {
  const [, domain, path] = FORM.exec(text) ?? []
  if (domain === undefined || path === undefined) throw refuse(text, 'it must be spiffe://, a trust domain, and a path')
  const segments = path.slice(1).split('/')
  const open = segments.at(-1) === '**'
  const named = open ? segments.slice(0, -1) : segments
  for (const segment of named) {
    if (segment.includes('*') && segment !== '*') throw refuse(text, segment === '**' ? '** stands at the end only' : '* stands for a whole segment')
  }
  try {
    checkPath(named.map((segment) => `/${segment === '*' ? 'any' : segment}`).join(''))
    return { trustDomain: parseTrustDomain(domain), segments: named.map((segment) => (segment === '*' ? undefined : segment)), open }
  } catch (error) {
    throw error instanceof Fault ? refuse(text, error.message) : error
  }
}

export function isIdMatch({ trustDomain, segments, open }: IdPattern, id: SpiffeId): boolean {
  if (trustDomainOf(id) !== trustDomain) return false
  const path = pathOf(id).slice(1).split('/')
  if (open ? path.length <= segments.length : path.length !== segments.length) return false
  return segments.every((segment, at) => segment === undefined || segment === path[at])
}

function refuse(text: string, why: string): Fault {
  return new Fault('invalid', `invalid SPIFFE ID pattern ${JSON.stringify(text)}: ${why}`)
}

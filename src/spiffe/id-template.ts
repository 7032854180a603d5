// SPIFFE IDs made from what a login verified: whole segments and parts of them, each value checked as a segment before it is used.
import { Fault } from '../base/fault.ts'
import { parseSpiffeId, pathOf, type SpiffeId, type TrustDomain, trustDomainOf } from '../crypto/spiffe-id.ts'

/** What an ID may be made of. */
export interface Facts {
  readonly metadata: Readonly<Record<string, string>>
  readonly mountAccessor: string
}

const DIRECTIVE = /\{\{([^{}]*)\}\}/g
const KNOWN = /^(?:mount_accessor|metadata\.[\w.-]+)$/
const SEGMENT = /^[a-zA-Z0-9._-]+$/

/**
 * Throws `invalid` for a template that can't become an ID of `home`.
 * @example checkIdTemplate('spiffe://example.org/user/{{metadata.username}}', home)
 */
export function checkIdTemplate(template: string, home: TrustDomain): void {
  const directives = Array.from(template.matchAll(DIRECTIVE), ([, inner = '']) => inner.trim())
  const unknown = directives.find((one) => !KNOWN.test(one))
  if (unknown !== undefined) throw refuse(template, `{{${unknown}}} is not known; there are {{metadata.KEY}} and {{mount_accessor}}`)
  try {
    checkId(parseSpiffeId(template.replaceAll(DIRECTIVE, 'x')), home)
  } catch (error) {
    throw error instanceof Fault ? refuse(template, error.message) : error
  }
}

/** Throws `denied` where a value is missing, or is no segment of a path. */
export function fillIdTemplate(template: string, facts: Facts, home: TrustDomain): SpiffeId {
  const filled = template.replaceAll(DIRECTIVE, (_, inner: string) => {
    const name = inner.trim()
    const value = name === 'mount_accessor' ? facts.mountAccessor : own(facts.metadata, name.slice('metadata.'.length))
    if (value === undefined) throw new Fault('denied', `this token has no ${name}`)
    if (!SEGMENT.test(value)) throw new Fault('denied', `${name} of this token cannot be a part of a SPIFFE ID`)
    return value
  })
  const id = parseSpiffeId(filled)
  checkId(id, home)
  return id
}

function checkId(id: SpiffeId, home: TrustDomain): void {
  if (trustDomainOf(id) !== home) throw new Fault('invalid', `it is not of trust domain "${home}"`)
  if (pathOf(id) === '') throw new Fault('invalid', 'it has no path')
  if (/^\/spire(?:\/|$)/.test(pathOf(id))) throw new Fault('invalid', 'paths below /spire are reserved')
}

function own(record: Readonly<Record<string, string>>, key: string): string | undefined {
  return Object.hasOwn(record, key) ? record[key] : undefined
}

function refuse(template: string, why: string): Fault {
  return new Fault('invalid', `spiffe_id ${JSON.stringify(template)}: ${why}`)
}

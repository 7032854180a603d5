// The smallest change that would let a refused request pass: a rule to add, or what to ask differently.
import type { Capability } from '../contract/call.ts'
import type { AclRequest, Refusal } from './acl.ts'
import { BIT, capabilitiesOf, neededFor } from './capability.ts'
import type { Grants } from './merge.ts'
import { toPattern } from './pattern.ts'

export interface Remedy {
  /** One sentence. */
  readonly text: string
  /** A stanza that any of the policies may be given; it takes nothing away that they grant now. */
  readonly rule?: string
}

/** The rule that decides now. */
interface Deciding {
  readonly path: string
  readonly grants: Grants
  /** The policies that deny it. */
  readonly deniers: readonly string[]
}

export function remedyFor(request: AclRequest, refusal: Refusal, deciding: Deciding | undefined): Remedy {
  switch (refusal.why) {
    case 'no-rule':
      return grant(request, needs(request), 'give one of the policies a rule for this path')
    case 'capability':
      return widen(request, refusal.missing, deciding as Deciding)
    case 'denied':
      return undeny(request, deciding as Deciding)
    case 'wrapping':
      return { text: `ask for the answer to be wrapped${bounds(refusal.min, refusal.max)}` }
    case 'page':
      return { text: `ask for ${refusal.most} names at most, by the parameter "limit"` }
    case 'parameter-missing':
      return { text: `send the parameter ${JSON.stringify(refusal.parameter)}, which the rule asks for` }
    case 'parameter-denied':
      return { text: `leave out the parameter ${JSON.stringify(refusal.parameter)}, or send another value: the rule denies it` }
    case 'parameter-not-allowed':
      return {
        text: `leave out the parameter ${JSON.stringify(refusal.parameter)}, or send another value: it is not among those that the rule allows`,
      }
  }
}

function needs({ verb, creates, sudo }: AclRequest): Capability[] {
  return capabilitiesOf(BIT[neededFor(verb, creates)] | (sudo ? BIT.sudo : 0))
}

/** A rule for the very path adds up with the one that decides, if that is for the very path too; otherwise it replaces it there. */
function widen(request: AclRequest, missing: readonly Capability[], { path, grants }: Deciding): Remedy {
  if (path === bareOf(request)) return grant(request, missing, `give one of the policies what is missing on this path: ${missing.join(', ')}`)
  const all = capabilitiesOf(grants.bits | missing.reduce((bits, one) => bits | BIT[one], 0))
  const limited = hasTerms(grants) ? '; it comes without the terms of that rule, such as its parameters' : ''
  const text = `give one of the policies a rule for this path; in place of ${JSON.stringify(path)} it must grant all that is wanted here${limited}`
  return grant(request, all, text)
}

function undeny(request: AclRequest, { path, deniers: names }: Deciding): Remedy {
  const deniers = names.join(', ')
  if (path === bareOf(request)) return { text: `only without the deny on this path in ${deniers}: it goes before all that grants` }
  return grant(
    request,
    needs(request),
    `give one of the policies a rule for this path, if the deny on ${JSON.stringify(path)} in ${deniers} is not meant for it`,
  )
}

function grant(request: AclRequest, capabilities: readonly Capability[], text: string): Remedy {
  const path = bareOf(request)
  if (toPattern(path) || path.includes('{{') || path.includes('}}'))
    return { text: `${text}; its characters mean more in a rule, so none can be for it alone` }
  return { text, rule: `path ${JSON.stringify(path)} {\n  capabilities = ${JSON.stringify(capabilities).replaceAll(',', ', ')}\n}\n` }
}

function bareOf({ path }: AclRequest): string {
  return path.replace(/^\/+/, '')
}

function hasTerms({ allowed, denied, required, minWrapTtl, maxWrapTtl, paginationLimit }: Grants): boolean {
  return Boolean(allowed || denied || required.length > 0 || minWrapTtl || maxWrapTtl || paginationLimit)
}

function bounds(min: number, max: number): string {
  if (min > 0 && max > 0) return min > max ? `, which no time allows: at least ${min} and at most ${max} seconds` : ` for ${min} to ${max} seconds`
  return min > 0 ? ` for at least ${min} seconds` : ` for at most ${max} seconds`
}

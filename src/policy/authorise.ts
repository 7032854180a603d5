// The stage that settles whether a call may run: the only place where a call becomes Allowed.
import { Fault, invalidToken, permissionDenied } from '../base/fault.ts'
import type { Allowed, allowed as Mark, Grant, Known } from '../contract/call.ts'
import type { Op } from '../contract/module.ts'
import type { Token } from '../contract/token.ts'
import { neededFor } from './capability.ts'
import { Denial } from './denial.ts'
import type { Policies } from './policies.ts'
import type { TemplateIdentity } from './template.ts'

/** What stands behind a token: who its policies' templates speak of, and which policies that identity adds. */
export interface CallerIdentity {
  readonly identity: TemplateIdentity
  readonly policies: readonly string[]
}

const allowed: typeof Mark = Symbol('allowed') as typeof Mark

export type Authorise = (call: Known, creates: boolean) => Allowed

/**
 * Asks the ACL of the caller's policies. `policiesIn` takes a namespace: the policies of a token are those of the namespace
 * it was made in. Throws `denied` for all that isn't granted, be it routed or not.
 */
export function openAuthorise(
  policiesIn: (namespace: string) => Policies,
  identityOf: (caller: Token) => CallerIdentity | undefined = () => undefined,
): Authorise {
  /** The fault where no policy of the caller's lets it pass. */
  const byPolicy = (call: Known, caller: Token, creates: boolean): Allowed | Fault => {
    const path = seenFrom(caller, call.namespace, call.path)
    if (path === undefined) return permissionDenied()
    const known = identityOf(caller)
    const acl = policiesIn(caller.namespace).aclFor(known ? joined(caller, known) : caller.policies, known?.identity)
    const { verb, data, wrapTtl } = call
    const asked = { path, verb, creates, data, sudo: opOf(call)?.access === 'sudo', wrapTtl }
    const decision = acl.decide(asked)
    if (!decision.allowed) return new Denial(acl, asked, decision)
    const limited = decision.limit === undefined ? call : { ...call, data: { ...data, limit: decision.limit } }
    return allow(limited, { capability: decision.capability, policies: decision.policies })
  }

  return (call, creates) => {
    const op = opOf(call)
    const anyone = { capability: neededFor(call.verb, creates), policies: [] }
    if (op && (op.access === 'open' || op.always)) return allow(call, anyone)
    const { caller } = call
    const decided = caller ? byPolicy(call, caller, creates) : invalidToken()
    if (!(decided instanceof Fault)) return decided
    if (op?.access === 'share') return allow({ ...call, caller: undefined }, anyone)
    throw decided
  }
}

function opOf({ target }: Known): Op | undefined {
  return target.found === 'op' ? target.op : undefined
}

/** An identity never makes anyone root, whatever was written into it. */
function joined(caller: Token, { policies }: CallerIdentity): string[] {
  return [...caller.policies, ...policies.filter((name) => name !== 'root')]
}

/** A path of a namespace as the token's own namespace sees it; undefined where that is neither it nor one above. */
export function seenFrom({ namespace: home }: Pick<Token, 'namespace'>, namespace: string, path: string): string | undefined {
  const here = folder(namespace)
  const from = folder(home)
  return here.startsWith(from) ? here.slice(from.length) + path : undefined
}

function folder(namespace: string): string {
  return namespace === '' || namespace.endsWith('/') ? namespace : `${namespace}/`
}

function allow(call: Known, grant: Grant): Allowed {
  return { ...call, grant, [allowed]: true }
}

// The policies of a token made from a token: never more than the parent has, unless sudo or a role says so.
import { Fault } from '../base/fault.ts'
import { isGlobMatch } from '../base/glob.ts'
import { policyNames, UNASSIGNABLE } from '../base/policy-names.ts'
import type { CreateCall } from './create.ts'
import { restrictsPolicies, type TokenRole } from './role.ts'

type Call = Pick<CreateCall, 'input' | 'parent' | 'namespace' | 'role' | 'sudo'>

/** Sorted. Throws `invalid` with Vault's texts for what may not be given. */
export function choosePolicies(call: Call): string[] {
  const { input, parent, namespace, role } = call
  const chosen = role && restrictsPolicies(role) ? byRole(call, role) : byParent(call)
  const policies = chosen.filter((name) => !(input.no_default_policy && name === 'default'))
  const internal = policies.find((name) => UNASSIGNABLE.includes(name))
  if (internal !== undefined) throw new Fault('invalid', `cannot assign policy "${internal}"`)
  if (policies.includes('root') && namespace !== parent.namespace) {
    throw new Fault('invalid', 'root tokens may not be created from a parent namespace')
  }
  if (policies.includes('root') && !parent.policies.includes('root')) {
    throw new Fault('invalid', 'root tokens may not be created without parent token being root')
  }
  return policies
}

function byParent({ input, parent, namespace, role, sudo }: Call): string[] {
  if (namespace !== parent.namespace) return policyNames(input.policies, !input.no_default_policy)
  if (input.policies.length === 0) return policyNames(parent.policies)
  const wantsDefault = !input.no_default_policy && role?.noDefaultPolicy !== true
  if (sudo) return policyNames(input.policies, wantsDefault)
  if (!policyNames(input.policies).every((name) => parent.policies.includes(name))) {
    throw new Fault('invalid', 'child policies must be subset of parent')
  }
  return policyNames(input.policies, wantsDefault && parent.policies.includes('default'))
}

/** A role that names policies gives from those, whatever the parent has. */
function byRole({ input, parent, namespace }: Call, role: TokenRole): string[] {
  const withDefault = !input.no_default_policy && !role.noDefaultPolicy && !isDisallowed(role, 'default')
  const asked = input.policies.length > 0 ? policyNames(input.policies, withDefault) : []
  const allowed = policyNames(role.allowedPolicies, withDefault)
  const policies =
    asked.length > 0
      ? asked
      : role.allowedPolicies.length > 0 || role.allowedPoliciesGlob.length > 0
        ? allowed
        : policyNames(namespace === parent.namespace ? parent.policies : [], withDefault)
  if (role.allowedPolicies.length > 0 || role.allowedPoliciesGlob.length > 0) refuseOthers(policies, allowed, role.allowedPoliciesGlob)
  const disallowed = policies.find((name) => isDisallowed(role, name))
  if (disallowed !== undefined) throw new Fault('invalid', `token policy ${JSON.stringify(disallowed)} is disallowed by this role`)
  return policies
}

function refuseOthers(policies: readonly string[], allowed: readonly string[], globs: readonly string[]): void {
  if (policies.every((name) => allowed.includes(name) || globs.some((glob) => isGlobMatch(glob, name)))) return
  throw new Fault(
    'invalid',
    `token policies (${shown(policies)}) must be subset of the role's allowed policies (${shown(allowed)}) or glob policies (${shown(globs)})`,
  )
}

function isDisallowed({ disallowedPolicies, disallowedPoliciesGlob }: TokenRole, name: string): boolean {
  return disallowedPolicies.includes(name) || disallowedPoliciesGlob.some((glob) => isGlobMatch(glob, name))
}

/** As Go prints a list of quoted texts. */
function shown(names: readonly string[]): string {
  return `[${names.map((name) => JSON.stringify(name)).join(' ')}]`
}

// Making a token from a token: which policies, lifetime and rights the child may have (Vault API, "Create token").
import { bool, int, list, maybe, or, pairs, seconds, text, type Values } from '../base/fields.ts'
import { Fault } from '../base/fault.ts'
import { lifetime, type TtlBounds } from '../base/ttl.ts'
import type { Token } from '../contract/token.ts'
import { policyNames, UNASSIGNABLE } from '../base/policy-names.ts'
import type { NewToken } from './tokens.ts'

export const createInput = {
  id: or(text('Id of the token; needs sudo. Made at random otherwise.'), ''),
  policies: or(list('Policies of the token; those of the caller otherwise.'), []),
  meta: maybe(pairs('Metadata shown in audit records.')),
  no_parent: or(bool('Make an orphan; needs sudo.'), false),
  no_default_policy: or(bool('Leave the policy "default" out.'), false),
  renewable: or(bool('Whether the token can be renewed.'), true),
  ttl: or(seconds('How long the token lives.'), 0),
  lease: or(seconds('Old name of ttl.'), 0),
  explicit_max_ttl: or(seconds('An end that no renewal can move.'), 0),
  period: or(seconds('Renewals extend by this, without end; needs sudo.'), 0),
  num_uses: or(int('How many requests the token is good for; 0 is without limit.'), 0),
  display_name: or(text('Name shown in audit records, after "token-".'), ''),
  entity_alias: or(text('Not supported: entities are not offered.'), ''),
  type: or(text('"service"; batch tokens are not offered.'), 'service'),
}

export interface CreateCall {
  readonly input: Values<typeof createInput>
  readonly parent: Token
  readonly path: string
  /** Made through create-orphan, whose own policy allows it. */
  readonly orphan: boolean
  readonly sudo: boolean
  readonly bounds: TtlBounds
  readonly now: number
}

/** What the child will be. Throws `invalid` with Vault's texts where the caller may not make it. */
export function planToken(call: CreateCall): { spec: NewToken; warnings: readonly string[] } {
  refuse(call)
  const { input, parent } = call
  const policies = choosePolicies(call)
  const parentHash = call.orphan || input.no_parent ? undefined : parent.hash
  const { ttl, warnings } = chooseTtl(call, policies)
  const spec: NewToken = {
    parent: parentHash,
    policies,
    path: call.path,
    mountAccessor: '',
    displayName: displayName(input.display_name),
    metadata: input.meta,
    internal: undefined,
    ttl,
    explicitMaxTtl: input.explicit_max_ttl,
    period: input.period,
    numUses: input.num_uses,
    renewable: ttl > 0 && input.renewable,
    orphan: parentHash === undefined,
    boundCidrs: parentHash === undefined || ttl === 0 ? [] : parent.boundCidrs,
    entityId: parentHash === undefined ? '' : parent.entityId,
    role: '',
    namespace: parent.namespace,
  }
  return { spec, warnings }
}

function refuse({ input, parent, sudo }: CreateCall): void {
  const rules: readonly (readonly [boolean, string])[] = [
    [parent.numUses !== 0, 'restricted use token cannot generate child tokens'],
    [input.type === 'batch', 'batch tokens are not supported'],
    [!['', 'service', 'batch'].includes(input.type), "invalid 'token_type' value"],
    [input.entity_alias !== '', 'entity aliases are not supported'],
    [input.num_uses < 0, 'number of uses cannot be negative'],
    [input.id !== '' && !sudo, 'root or sudo privileges required to specify token id'],
    [/^(hvs\.|s\.)/.test(input.id), 'custom token ID cannot have the "hvs." or "s." prefix'],
    [/[.\s]/.test(input.id), "custom token ID cannot contain a '.' or white space"],
    [input.no_parent && !sudo, 'root or sudo privileges required to create orphan token'],
    [input.period > 0 && !sudo, 'root or sudo privileges required to create periodic token'],
  ]
  for (const [broken, message] of rules) if (broken) throw new Fault('invalid', message)
}

function choosePolicies({ input, parent, sudo }: CreateCall): string[] {
  const policies = policyNames(...requested(input, parent, sudo)).filter((name) => !(input.no_default_policy && name === 'default'))
  if (policies.includes('root') && !parent.policies.includes('root')) {
    throw new Fault('invalid', 'root tokens may not be created without parent token being root')
  }
  const internal = policies.find((name) => UNASSIGNABLE.includes(name))
  if (internal !== undefined) throw new Fault('invalid', `cannot assign policy "${internal}"`)
  return policies
}

function requested(input: CreateCall['input'], parent: Token, sudo: boolean): [readonly string[], boolean] {
  if (input.policies.length === 0) return [parent.policies, false]
  if (sudo) return [input.policies, !input.no_default_policy]
  if (!policyNames(input.policies, false).every((name) => parent.policies.includes(name))) {
    throw new Fault('invalid', 'child policies must be subset of parent')
  }
  return [input.policies, !input.no_default_policy && parent.policies.includes('default')]
}

function chooseTtl({ input, parent, bounds, now }: CreateCall, policies: readonly string[]): { ttl: number; warnings: readonly string[] } {
  const wanted = input.ttl || input.lease
  if (wanted > 0 || input.period > 0 || !policies.includes('root')) {
    return lifetime({ ttl: wanted, period: input.period, explicitMaxTtl: input.explicit_max_ttl, issuedAt: now }, bounds, now)
  }
  if (input.explicit_max_ttl === 0 && parent.expiresAt !== undefined) {
    throw new Fault('invalid', 'expiring root tokens cannot create non-expiring root tokens')
  }
  return { ttl: input.explicit_max_ttl, warnings: [] }
}

function displayName(wish: string): string {
  return wish === '' ? 'token' : `token-${wish}`.replace(/[^a-zA-Z0-9-]/g, '-').replace(/-$/, '')
}

// Making a token from a token: which kind, policies, lifetime and rights the child may have (Vault API, "Create token").
import { bool, type Field, int, list, maybe, or, pairs, secret, text, type Values } from '../base/fields.ts'
import { parseSeconds } from '../base/duration.ts'
import { Fault } from '../base/fault.ts'
import { policyNames } from '../base/policy-names.ts'
import type { Json } from '../base/json.ts'
import type { TtlBounds } from '../base/ttl.ts'
import { MAX_TOKEN_BYTES, type Token, type TokenType } from '../contract/token.ts'
import { choosePolicies } from './choose-policies.ts'
import { chooseTtl } from './choose-ttl.ts'
import { entityAliasFault, type TokenRole } from './role.ts'
import type { NewToken } from './tokens.ts'

/** A duration as sent: Vault reads it only after it has settled what kind of token it is for. */
const rawSeconds = (doc: string): Field<string> => or({ ...text(doc), kind: 'seconds' }, '')

/** Names as sent: a lone text is one of them, commas and all. */
const names = (doc: string): Field<string[]> => or({ ...list(doc), parse: toNames }, [])

function toNames(raw: Json): string[] {
  if (raw === '') return []
  return (Array.isArray(raw) ? raw : [raw]).map((one) => text('').parse(one))
}

export const createInput = {
  id: or(secret(text('Id of the token; needs sudo. Made at random otherwise.')), ''),
  policies: names('Policies of the token; those of the caller, or of the role, otherwise.'),
  meta: maybe(pairs('Metadata shown in audit records.')),
  no_parent: or(bool('Make an orphan; needs sudo.'), false),
  no_default_policy: or(bool('Leave the policy "default" out.'), false),
  renewable: or(bool('Whether the token can be renewed.'), true),
  ttl: rawSeconds('How long the token lives.'),
  lease: rawSeconds('Old name of ttl.'),
  explicit_max_ttl: rawSeconds('An end that no renewal can move.'),
  period: rawSeconds('Renewals extend by this, without end; needs sudo.'),
  num_uses: or(int('How many requests the token is good for; 0 is without limit.'), 0),
  display_name: or(text('Name shown in audit records, after "token-".'), ''),
  entity_alias: or(text('Not supported: entities are not offered.'), ''),
  type: or(text('"service" (the default) or "batch": a token that is not stored, nor renewed, nor revoked.'), ''),
}

export interface CreateCall {
  readonly input: Values<typeof createInput>
  readonly parent: Token
  /** Path of the namespace that the child will be of. */
  readonly namespace: string
  readonly path: string
  readonly role: TokenRole | undefined
  /** Made through create-orphan, whose own policy allows it. */
  readonly orphan: boolean
  readonly sudo: boolean
  readonly bounds: TtlBounds
  readonly now: number
}

/** What the child will be. Throws `invalid` with Vault's texts where the caller may not make it. */
export function planToken(call: CreateCall): { spec: NewToken; warnings: readonly string[] } {
  const { input, parent, role } = call
  refuseForeign(call)
  const type = chooseType(call)
  refuse(call, type)
  const policies = choosePolicies(call)
  if (type === 'batch' && policies.includes('root')) throw new Fault('invalid', 'batch tokens cannot be root tokens')
  const parentHash = chooseParent(call)
  const { ttl, period, explicitMaxTtl, warnings } = chooseTtl(call, type, policies)
  const spec: NewToken = {
    type,
    parent: parentHash,
    policies,
    path: role && role.pathSuffix !== '' ? `${call.path}/${role.pathSuffix}` : call.path,
    mountAccessor: '',
    displayName: displayName(input.display_name),
    metadata: input.meta,
    internal: undefined,
    ttl,
    explicitMaxTtl,
    period,
    numUses: leastUses(input.num_uses, role?.numUses ?? 0),
    renewable: type === 'service' && ttl > 0 && input.renewable && role?.renewable !== false,
    orphan: parentHash === undefined,
    boundCidrs: ttl === 0 ? [] : boundCidrs(call, parentHash),
    entityId: parentHash === undefined ? '' : parent.entityId,
    role: role?.name ?? '',
    namespace: call.namespace,
  }
  return { spec, warnings: [...(role && input.no_parent ? [NO_PARENT_IGNORED] : []), ...warnings] }
}

/** Into a namespace below, a token comes with the policies of that one, and never as its root. */
function refuseForeign({ input, parent, namespace, sudo }: CreateCall): void {
  if (namespace === parent.namespace) return
  if (!sudo) throw new Fault('invalid', 'root or sudo privileges required to directly generate a token in a child namespace')
  if (policyNames(input.policies).includes('root')) throw new Fault('invalid', 'root tokens may not be created from a parent namespace')
}

const NO_PARENT_IGNORED = "'no_parent' has no effect here: the role says whether its tokens have a parent"

/** What the role says, or leaves to the caller. */
function chooseType({ input, parent, role }: CreateCall): TokenType {
  if (parent.type === 'batch') throw new Fault('invalid', 'batch tokens cannot create more tokens')
  if (parent.numUses !== 0) throw new Fault('invalid', 'restricted use token cannot generate child tokens')
  if (role?.type === 'service' || role?.type === 'batch') return role.type
  if (input.type === '') return role?.type === 'default-batch' ? 'batch' : 'service'
  if (input.type !== 'service' && input.type !== 'batch') throw new Fault('invalid', "invalid 'token_type' value")
  return input.type
}

function refuse({ input, role, sudo }: CreateCall, type: TokenType): void {
  if (type === 'batch') refuseBatch(input, role)
  const alias = input.entity_alias === '' ? undefined : entityAliasFault(role, input.entity_alias)
  const rules: readonly (readonly [boolean, string])[] = [
    [input.num_uses < 0, 'number of uses cannot be negative'],
    [alias !== undefined, alias ?? ''],
    [input.id !== '' && !sudo, 'root or sudo privileges required to specify token id'],
    [input.id.startsWith('hvs.'), "custom token ID cannot have the 'hvs.' prefix"],
    [input.id.startsWith('s.'), "custom token ID cannot have the 's.' prefix"],
    [input.id.includes('.'), "custom token ID cannot have a '.' in the value"],
    [input.id.length > MAX_TOKEN_BYTES, `custom token ID is longer than the ${MAX_TOKEN_BYTES} bytes that a request can carry`],
    [/[^\x21-\x7e]/.test(input.id), 'custom token ID cannot have white space or characters other than ASCII'],
  ]
  for (const [broken, message] of rules) if (broken) throw new Fault('invalid', message)
}

/** Also by what a role would give it: a limit must not be lost because the caller asks for another kind of token. */
function refuseBatch(input: CreateCall['input'], role: TokenRole | undefined): void {
  const set: readonly (readonly [name: string, isSet: boolean])[] = [
    ['explicit_max_ttl', isSpan('explicit_max_ttl', input.explicit_max_ttl)],
    ['num_uses', input.num_uses !== 0 || (role?.numUses ?? 0) > 0],
    ['period', isSpan('period', input.period) || (role?.period ?? 0) > 0],
    ['id', input.id !== ''],
  ]
  const broken = set.find(([, isSet]) => isSet)
  if (broken) throw new Fault('invalid', `batch tokens cannot have ${JSON.stringify(broken[0])} set`)
}

function isSpan(name: string, raw: string): boolean {
  try {
    return parseSeconds(raw) !== 0
  } catch {
    throw new Fault('invalid', `'${name}' value could not be parsed`)
  }
}

function chooseParent({ input, parent, role, orphan, sudo }: CreateCall): string | undefined {
  if (role) return role.orphan ? undefined : parent.hash
  if (input.no_parent && !sudo) throw new Fault('invalid', 'root or sudo privileges required to create orphan token')
  return input.no_parent || orphan ? undefined : parent.hash
}

/** A role's own blocks replace those of the parent, even where it has none: a role may give more than the caller has. */
function boundCidrs({ parent, role }: CreateCall, parentHash: string | undefined): readonly string[] {
  if (role) return role.boundCidrs
  return parentHash === undefined ? [] : parent.boundCidrs
}

/** Zero is without limit. */
function leastUses(asked: number, ofRole: number): number {
  return asked === 0 || ofRole === 0 ? asked + ofRole : Math.min(asked, ofRole)
}

function displayName(wish: string): string {
  return wish === '' ? 'token' : `token-${wish}`.replace(/[^a-zA-Z0-9-]/g, '-').replace(/-$/, '')
}

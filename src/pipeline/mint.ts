// A login becomes a token, within the bounds of the mount it came through.
import { Fault } from '../base/fault.ts'
import { lifetime, type TtlBounds } from '../base/ttl.ts'
import type { Clock } from '../base/ports.ts'
import type { CanonPath } from '../base/path.ts'
import type { Mount } from '../contract/mount.ts'
import type { Reply } from '../contract/reply.ts'
import type { LoginGrant, MountTokenType, TokenLimits, TokenType } from '../contract/token.ts'
import { policyNames, UNASSIGNABLE } from '../base/policy-names.ts'
import type { NewToken, Tokens } from '../token/tokens.ts'

export interface MintDeps {
  readonly tokens: Pick<Tokens, 'mint'>
  readonly clock: Clock
  readonly bounds: (mount: Mount) => TtlBounds
  readonly policyExists: (namespace: string, name: string) => boolean
}

export function openMint(deps: MintDeps): (reply: Reply, mount: Mount, path: CanonPath) => Reply | Promise<Reply> {
  return async (reply, mount, path) => {
    if (reply.kind !== 'login') return reply
    const { spec, warnings } = planLogin(deps, reply.login, mount, path)
    const { id, token } = await deps.tokens.mint(spec)
    return { kind: 'auth', auth: { clientToken: id, token, identityPolicies: [] }, made: true, warnings: [...(reply.warnings ?? []), ...warnings] }
  }
}

/** The token that a login gives, before it is made. Throws `invalid`. */
export function planLogin(
  { clock, bounds, policyExists }: Omit<MintDeps, 'tokens'>,
  grant: LoginGrant,
  mount: Mount,
  path: CanonPath,
): { spec: NewToken; warnings: string[] } {
  const { limits } = grant
  const type = tokenType(mount.config.tokenType, limits.type)
  if (type === 'batch' && limits.numUses > 0) throw new Fault('invalid', 'batch tokens cannot have "num_uses" set')
  const policies = policyNames(grant.policies, !limits.noDefaultPolicy)
  if (policies.includes('root')) throw new Fault('invalid', 'auth methods cannot create root tokens')
  const internal = policies.find((name) => UNASSIGNABLE.includes(name))
  if (internal !== undefined) throw new Fault('invalid', `cannot assign policy "${internal}"`)
  const { ttl, warnings } = lifetime({ ...limits, issuedAt: clock.now() }, bounds(mount), clock.now())
  const spec: NewToken = {
    type,
    parent: undefined,
    policies,
    path,
    mountAccessor: mount.accessor,
    displayName: displayName(mount, grant.displayName),
    metadata: grant.metadata,
    internal: grant.internal,
    ttl,
    explicitMaxTtl: limits.explicitMaxTtl,
    period: limits.period,
    numUses: limits.numUses,
    renewable: type === 'service',
    orphan: true,
    boundCidrs: limits.boundCidrs,
    entityId: '',
    role: '',
    namespace: mount.namespace,
  }
  const absent = policies.filter((name) => !policyExists(mount.namespace, name)).map((name) => `Policy "${name}" does not exist`)
  return { spec, warnings: [...warnings, ...absent] }
}

/** The mount decides, unless it only has a default; then the role does, where it cares. */
function tokenType(ofMount: MountTokenType, ofRole: TokenLimits['type']): TokenType {
  if (ofMount === 'service' || ofMount === 'batch') return ofMount
  const wanted = ofRole === 'default' ? ofMount : ofRole
  return wanted === 'batch' || wanted === 'default-batch' ? 'batch' : 'service'
}

/** `userpass-ann` for ann of auth/userpass/. */
function displayName(mount: Mount, name: string): string {
  return `${mount.path.slice('auth/'.length, -1).replaceAll('/', '-')}-${name}`.replace(/-$/, '')
}

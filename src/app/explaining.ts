// What sys/policies/explain and sys/whoami need of the rooms, and of the other processes.
import { cidrContains } from '../base/cidr.ts'
import type { Trail } from '../audit/record.ts'
import type { ModuleOf } from '../modules.ts'
import type { Denials, Denied, UnknownToken } from '../pipeline/denials.ts'
import { seenFrom } from '../policy/authorise.ts'
import type { Policies } from '../policy/policies.ts'
import type { TemplateIdentity } from '../policy/template.ts'
import type { Held } from '../sys/explain.ts'
import type { SystemDeps } from '../sys/system.ts'
import { target } from '../tenancy/router.ts'
import type { Tokens } from '../token/tokens.ts'
import { openCallerIdentity } from './caller-identity.ts'
import type { Tenants } from './tenants.ts'

export interface ExplainingDeps {
  readonly tokens: Tokens
  readonly tenants: Tenants
  readonly denials: Denials
  readonly moduleOf: ModuleOf
  /** What the other processes know of a request that was refused. */
  readonly elsewhere: (id: string) => Promise<readonly Denied[]>
}

export function explaining({ tokens, tenants, denials, moduleOf, elsewhere }: ExplainingDeps): Pick<SystemDeps, 'explain' | 'whoami'> {
  const identityOf = openCallerIdentity(tenants)
  return {
    explain: {
      tokens,
      policiesOf: (token) => held(tenants.at(token.namespace).policies, token.policies, identityOf(token)?.identity),
      policiesNamed: (namespace, names) =>
        held(
          tenants.at(namespace).policies,
          names.map((name) => name.toLowerCase()),
        ),
      seen: seenFrom,
      asksSudo(namespace, verb, path) {
        const { tenant, path: inner } = tenants.below(namespace, path)
        const mount = tenant.mounts.match(inner)
        const module = mount && moduleOf(mount)
        const found = module && target(module, inner.slice(mount.path.length), verb)
        return found?.found === 'op' && found.op.access === 'sudo'
      },
      refused: async (id) => denials.get(id) ?? (await elsewhere(id))[0],
    },
    whoami: { mountByAccessor: (accessor, namespace) => tenants.at(namespace).mounts.byAccessor(accessor) },
  }
}

function held(policies: Policies, names: readonly string[], identity?: TemplateIdentity): Held {
  return { names, acl: policies.aclFor(names, identity), absent: names.filter((name) => policies.get(name) === undefined) }
}

/** Of a token that was sent and let nobody in. */
export function whyUnknown(tokens: Tokens): (trail: Trail) => UnknownToken {
  return ({ token, peer }) => {
    const found = token && tokens.find(token.reveal())
    return found && found.boundCidrs.length > 0 && !cidrContains(found.boundCidrs, peer.address) ? 'address' : 'unknown'
  }
}

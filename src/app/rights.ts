// What a token may do at a path of any namespace: its policies are those of its own, which sees paths from there on.
import type { Token } from '../contract/token.ts'
import type { Acl } from '../policy/acl.ts'
import { seenFrom } from '../policy/authorise.ts'
import { openCallerIdentity } from './caller-identity.ts'
import type { Tenants } from './tenants.ts'

export interface Rights {
  /** Sorted; ['root'] and ['deny'] stand alone. */
  capabilities(token: Token, namespace: string, path: string): readonly string[]
  isSudo(token: Token, namespace: string, path: string): boolean
  /** Whether it may hear of an event about a path. */
  hears(token: Token, namespace: string, path: string, type: string): boolean
  /** Whether it can do anything at all at or below a folder. */
  reaches(token: Token, namespace: string, folder: string): boolean
  /** All that its policies say, which see paths from its own namespace on. */
  aclOf(token: Token): Acl
}

export function openRights(tenants: Pick<Tenants, 'at'>): Rights {
  const identityOf = openCallerIdentity(tenants)
  const aclOf = (token: Token) => tenants.at(token.namespace).policies.aclFor(token.policies, identityOf(token)?.identity)

  function capabilities(token: Token, namespace: string, path: string): readonly string[] {
    const seen = seenFrom(token, namespace, path)
    return seen === undefined ? ['deny'] : aclOf(token).capabilities(seen)
  }

  return {
    aclOf,
    capabilities,
    isSudo: (token, namespace, path) => capabilities(token, namespace, path).some((one) => one === 'root' || one === 'sudo'),
    hears(token, namespace, path, type) {
      const seen = seenFrom(token, namespace, path)
      return seen !== undefined && aclOf(token).hears(seen, type)
    },
    reaches(token, namespace, folder) {
      const seen = seenFrom(token, namespace, folder)
      return seen !== undefined && aclOf(token).reaches(seen)
    },
  }
}

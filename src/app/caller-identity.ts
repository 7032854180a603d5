// Whom the templates of policies speak of: the SPIFFE ID of those who logged in by one.
import type { Token } from '../contract/token.ts'
import { parseSpiffeId } from '../crypto/spiffe-id.ts'
import type { CallerIdentity } from '../policy/authorise.ts'
import { toTemplateSpiffe } from '../policy/template.ts'
import type { Tenants } from './tenants.ts'

const NOBODY = { id: '', name: '', metadata: {}, aliases: [] }

/** Metadata counts only of tokens that a login itself gave: whoever makes a token from a token writes what they like there. */
export function openCallerIdentity(tenants: Pick<Tenants, 'at'>): (caller: Token) => CallerIdentity | undefined {
  /** The same token has the same identity, by which compiled policies are kept. */
  const known = new WeakMap<Token, CallerIdentity>()
  return (caller) => {
    const id = caller.metadata?.['spiffe_id']
    if (id === undefined || caller.mountAccessor === '') return undefined
    if (tenants.at(caller.namespace).mounts.byAccessor(caller.mountAccessor)?.type !== 'spiffe') return undefined
    const found = known.get(caller) ?? { identity: { entity: NOBODY, groups: [], spiffe: toTemplateSpiffe(parseSpiffeId(id)) }, policies: [] }
    known.set(caller, found)
    return found
  }
}

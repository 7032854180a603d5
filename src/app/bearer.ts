// JWT-SVIDs in the place of tokens: verified for each request, by the mounts that take them, and never stored.
import { admit, proveByToken } from '../auth/spiffe/login.ts'
import { settingsOf } from '../auth/spiffe/settings.ts'
import type { Trust } from '../auth/spiffe/trust.ts'
import { Fault } from '../base/fault.ts'
import type { CanonPath } from '../base/path.ts'
import type { Clock } from '../base/ports.ts'
import type { TtlBounds } from '../base/ttl.ts'
import type { Peer } from '../contract/call.ts'
import type { Mount } from '../contract/mount.ts'
import type { Namespace } from '../contract/namespace.ts'
import type { Token } from '../contract/token.ts'
import type { Bearer } from '../pipeline/authenticate.ts'
import { planLogin } from '../pipeline/mint.ts'
import type { Namespaces } from '../tenancy/namespaces.ts'
import type { Tokens } from '../token/tokens.ts'
import type { Tenants } from './tenants.ts'

export interface BearerDeps {
  readonly tenants: Tenants
  readonly namespaces: Pick<Namespaces, 'above'>
  readonly tokens: Pick<Tokens, 'passing'>
  readonly trust: Trust
  readonly clock: Clock
  readonly bounds: (mount: Mount) => TtlBounds
}

export function openBearer(deps: BearerDeps): Bearer {
  const { tenants, namespaces, clock, trust } = deps

  /** Those of the namespace itself, then those of the ones above it, whose tokens reach into it. */
  function* mountsFrom(namespace: Namespace): Generator<Mount> {
    for (let at: Namespace | undefined = namespace; at; at = namespaces.above(at.id)) {
      yield* tenants
        .of(at)
        .mounts.list('auth')
        .filter(({ type, moving }) => type === 'spiffe' && moving === undefined)
    }
  }

  async function ask(mount: Mount, proof: string, peer: Peer): Promise<Token> {
    const place = { store: tenants.storeOf(mount, undefined), clock }
    const proven = proveByToken(place, proof, trust)
    const grant = await admit(place, proven, '', peer, trust)
    if (grant.limits.numUses > 0) throw new Fault('denied', 'the uses of a proof cannot be counted')
    const unlimited = { ...grant, limits: { ...grant.limits, type: 'batch', period: 0, explicitMaxTtl: 0 } as const }
    const { spec } = planLogin({ ...deps, policyExists: () => true }, unlimited, mount, `${mount.path}login` as CanonPath)
    const now = clock.now()
    return deps.tokens.passing(proof, spec, Math.max(Math.min(proven.expiresAt, now + spec.ttl * 1000), now + 1_000))
  }

  return async ({ tenant, peer }, proof) => {
    for (const mount of mountsFrom(tenant)) {
      if (!settingsOf(tenants.storeOf(mount, undefined)).bearer) continue
      try {
        return await ask(mount, proof, peer)
      } catch (error) {
        if (!(error instanceof Fault)) throw error // another mount may take it
      }
    }
    return undefined
  }
}

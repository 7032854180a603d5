// What an auth mount says when one of its tokens is to be renewed.
import type { Ports } from '../base/ports.ts'
import type { TtlBounds } from '../base/ttl.ts'
import type { CanonPath } from '../base/path.ts'
import type { Mount } from '../contract/mount.ts'
import type { Token } from '../contract/token.ts'
import type { ModuleOf } from '../modules.ts'
import type { TokenModuleDeps } from '../token/module.ts'
import type { Tenants } from './tenants.ts'

export interface RenewalDeps {
  readonly tenants: Pick<Tenants, 'at'>
  readonly moduleOf: ModuleOf
  readonly bounds: (mount: Mount) => TtlBounds
  readonly ports: Pick<Ports, 'clock' | 'random'>
}

/** Undefined for tokens that no auth mount gave, which keep what they were made with. */
export function openRenewal({ tenants, moduleOf, bounds, ports }: RenewalDeps): TokenModuleDeps['renewal'] {
  return (token: Token) => {
    const { mounts } = tenants.at(token.namespace)
    const mount = mounts.byAccessor(token.mountAccessor)
    const renew = mount && moduleOf(mount)?.renew
    if (!mount || !renew) return undefined
    const ctx = {
      ...ports,
      store: mounts.storeOf(mount),
      mount,
      bounds: bounds(mount),
      request: { id: '', verb: 'write' as const, path: token.path as CanonPath, peer: { address: '', port: 0 }, wrapTtl: undefined },
      data: {},
      caller: token,
      warn: () => {},
    }
    return { wish: renew(ctx, token), bounds: bounds(mount) }
  }
}

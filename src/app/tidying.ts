// Looking for what is left of dead tokens, in the background of the process that was asked to; the log says what was found.
import type { Log } from '../base/log.ts'
import type { Timers } from '../base/ports.ts'
import { children } from '../store/folder.ts'
import type { Store } from '../store/store.ts'
import type { Tenant } from '../sys/tenant.ts'
import type { Cemetery } from '../token/bury.ts'
import { tidy } from '../token/tidy.ts'
import type { Tokens } from '../token/tokens.ts'
import type { Tenants } from './tenants.ts'

export interface TidyingDeps {
  readonly store: Store
  readonly tokens: Tokens
  readonly tenants: Pick<Tenants, 'at'>
  readonly cemetery: Cemetery
  readonly timers: Timers
  readonly log: Log
}

/** Starts it for a namespace, by its path; false where it is under way in this process. */
export function openTidying({ store, tokens, tenants, cemetery, timers, log }: TidyingDeps): (namespace: string) => boolean {
  let running = false

  function owners({ mounts }: Tenant, after: string, limit: number): string[] {
    const mount = mounts.at('cubbyhole/')
    if (!mount) return []
    const page = after === '' ? { limit } : { after: `${after}/`, limit }
    return Array.from(children(mounts.storeOf(mount), '', page), (name) => name.slice(0, -1))
  }

  async function run(tenant: Tenant): Promise<void> {
    try {
      const living = (hash: string) => tokens.byHash(hash)
      const own = { namespaceId: tenant.namespace.id, owners: (after: string, limit: number) => owners(tenant, after, limit) }
      const found = await tidy({ store, ...own, living, end: (token) => tokens.revoke(token), cemetery, turn: timers.turn })
      log.info('tokens are tidy', { ...found })
    } catch (error) {
      log.error('tokens could not be tidied', {}, error)
    } finally {
      running = false
    }
  }

  return (namespace) => {
    if (running) return false
    running = true
    void run(tenants.at(namespace))
    return true
  }
}

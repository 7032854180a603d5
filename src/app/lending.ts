// What lends and takes back, put together: the lease room, with the mounts and tokens that leases depend on.
import type { Ports } from '../base/ports.ts'
import type { Log } from '../base/log.ts'
import type { TtlBounds } from '../base/ttl.ts'
import type { Mount } from '../contract/mount.ts'
import { type Due, openDue } from '../lease/due.ts'
import { type Lender, openGiveBack } from '../lease/give-back.ts'
import { INDEX, type Lease } from '../lease/lease.ts'
import { type Leases, openLeases } from '../lease/leases.ts'
import { openLeave } from '../lease/leave.ts'
import { type Lend, openLend } from '../lease/lend.ts'
import { openQuotas } from '../lease/quotas.ts'
import { openRenew } from '../lease/renew.ts'
import { openTidy } from '../lease/tidy.ts'
import type { ModuleOf } from '../modules.ts'
import type { Follower } from '../store/follow.ts'
import { dataPrefix, namespaceIdOf, namespacePrefix } from '../store/layout.ts'
import type { Store } from '../store/store.ts'
import { view } from '../store/view.ts'
import { within } from '../store/within.ts'
import type { OverviewDeps } from '../sys/lease-overview.ts'
import type { LeaseQuotaDeps } from '../sys/lease-quotas.ts'
import type { LeaseMeter } from '../telemetry/metrics.ts'
import { type Gone, openGone, type Vacate } from '../tenancy/gone.ts'
import { isServing } from '../tenancy/mounts.ts'
import type { Namespaces } from '../tenancy/namespaces.ts'
import { ids } from '../token/index-keys.ts'
import { openTokenLeases, type TokenLeases } from '../token/leases.ts'
import type { Tokens } from '../token/tokens.ts'
import type { Tenants } from './tenants.ts'

export interface LendingDeps {
  readonly ports: Ports
  readonly log: Log
  readonly meter: LeaseMeter
  /** Behind the barrier, whole. */
  readonly store: Store
  readonly follower: Follower
  readonly namespaces: Namespaces
  readonly tenants: Tenants
  readonly tokens: Tokens
  readonly moduleOf: ModuleOf
  readonly bounds: (mount: Mount) => TtlBounds
}

export interface Lending {
  readonly leases: Leases
  readonly lend: Lend
  readonly due: Due
  /** For mounts that move. */
  readonly vacate: Vacate
  /** Mounts that left. */
  readonly gone: Gone
  /** What the system paths need. */
  readonly paths: OverviewDeps & LeaseQuotaDeps
  /** Tells the meter how many leases there are. */
  measure(): void
}

export function openLending(deps: LendingDeps): Lending {
  const { ports, log, meter, store, follower, namespaces, tenants, tokens, moduleOf, bounds } = deps
  const { clock, random, timers } = ports
  const namespaceOf = ({ namespaceId }: Mount) => namespaceId
  const quotas = openQuotas(store, (id) => namespaces.above(id)?.id)
  const leases = openLeases({
    store,
    clock,
    random,
    quotas,
    namespaceOf,
    holderAlive: (tx, hash) => ids.get(tx, hash) !== undefined && tokens.byHash(hash) !== undefined,
    mountAlive: (tx, mount) => isServing(within(tx, namespacePrefix(mount.namespaceId)), mount),
  })
  const vacate: Vacate = async (mount, awaited) => {
    if (mount.class === 'auth' && !(await endTokens(tokens, tokenLeases, mount))) return false
    return (await leave(mount, awaited)) === 0
  }
  const gone = openGone({ store, follower, clock, vacate })
  const mountOf = ({ id, mount }: Pick<Lease, 'id' | 'mount'>) => tenants.byId(namespaceIdOf(id))?.mounts.byUuid(mount) ?? gone.find(mount)
  const lenderOf = (lease: Pick<Lease, 'id' | 'mount'>): Lender | undefined => {
    const mount = mountOf(lease)
    const module = mount && moduleOf(mount)
    return module && { module, ctx: { store: view(store, dataPrefix(mount.slice)), mount, clock, random, bounds: bounds(mount) } }
  }
  const giveBack = openGiveBack({ store, leases, lenderOf, clock, random, timers, log, meter })
  const tokenLeases = openTokenLeases(store, tokens)
  const leave = openLeave({ store, leases, quotas, giveBack, clock, namespaceOf })
  const renew = openRenew({ leases, lenderOf, clock, timers, meter })
  const tidy = openTidy({ leases, holderKnown: (hash) => ids.get(store, hash) !== undefined, clock, timers, log })
  const irrevocable = follower.cache(INDEX.stuck, () => Iterator.from(store.keys({ prefix: INDEX.stuck })).reduce((count) => count + 1, 0))
  return {
    leases,
    lend: openLend({ leases, bounds, clock, timers, meter }),
    due: openDue({ store, follower, giveBack, clock, timers, log }),
    vacate,
    gone,
    paths: {
      leases,
      tokenLeases,
      tokens,
      renew,
      giveBack,
      tidy,
      quotas,
      namespaceOf,
      namespacesFrom: (mount) => [mount.namespaceId, ...namespaces.list({ path: mount.namespace }, 'all').map(({ id }) => id)],
      accessorOf: (lease) => mountOf(lease)?.accessor,
      below: (path) => tenants.below('', path),
    },
    measure: () => meter.level(leases.count(), irrevocable()),
  }
}

/** Tokens that one step ends; they stopped working when their mount left. */
const AT_ONCE = 2_000

/** Ends the tokens that came through a mount, and so what they hold; false where a step was not enough. */
async function endTokens(tokens: Pick<Tokens, 'revoke'>, leases: TokenLeases, mount: Mount): Promise<boolean> {
  let ended = 0
  for (let page = leases.under(mount.namespaceId, mount.path); page.length > 0; page = leases.under(mount.namespaceId, mount.path, page.at(-1))) {
    for (const id of page) {
      const token = leases.stored(id)
      if (token?.mountAccessor !== mount.accessor) continue
      await tokens.revoke(token)
      if (++ended === AT_ONCE) return false
    }
  }
  return true
}

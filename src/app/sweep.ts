// Due work of the whole server: what expired, what is being removed, and what the mounts themselves have to tidy.
import type { Clock } from '../base/ports.ts'
import { type Namespace, ROOT } from '../contract/namespace.ts'
import type { ModuleOf } from '../modules.ts'
import type { Store } from '../store/store.ts'
import type { NamespaceSealPort } from '../sys/namespace-seals.ts'
import type { Migrations } from '../tenancy/migrations.ts'
import { sweepNamespaces } from '../tenancy/namespace-removal.ts'
import type { Namespaces } from '../tenancy/namespaces.ts'
import type { Tokens } from '../token/tokens.ts'
import type { Lending } from './lending.ts'
import type { Tenants } from './tenants.ts'

export interface SweepDeps {
  readonly store: Store
  readonly namespaces: Namespaces
  readonly tenants: Tenants
  readonly tokens: Tokens
  readonly migrations: Migrations
  readonly lending: Pick<Lending, 'gone' | 'leases' | 'measure'>
  readonly namespaceSeals: Pick<NamespaceSealPort, 'seal'>
  readonly moduleOf: ModuleOf
}

const TOKENS_AT_ONCE = 500
/** Milliseconds that expired tokens may take before all else has its turn. */
const EXPIRY_MS = 2_000
/** Milliseconds that removals may take before the rest is left for the next time. */
const REMOVAL_MS = 500
/** Namespaces whose mounts are visited each time, besides the root. */
const NAMESPACES_AT_ONCE = 20

export function openSweep(deps: SweepDeps, clock: Clock): () => Promise<void> {
  const { store, tokens, migrations, lending, namespaceSeals } = deps
  const { gone, leases } = lending
  const forgetLeases = (id: string) => leases.forgetAll(id)
  const forgetKeys = (id: string) => namespaceSeals.seal([id])
  const sweepMounts = openMountSweep(deps, clock)
  return async () => {
    // What tokens hold ends with them, so a wave of them must not take minutes.
    const inTime = within(clock, EXPIRY_MS)
    while ((await tokens.sweep(TOKENS_AT_ONCE)) === TOKENS_AT_ONCE) if (!inTime()) break
    lending.measure()
    await migrations.sweep()
    const more = within(clock, REMOVAL_MS)
    await sweepNamespaces({ store, clock, more, gone, forgetLeases, forgetKeys, endTokens: (id) => tokens.revokeAll(id, more) })
    await gone.sweep(more)
    await sweepMounts()
  }
}

/** Says yes for so many milliseconds from now on. */
function within(clock: Clock, ms: number): () => boolean {
  const end = clock.monotonic() + ms
  return () => clock.monotonic() <= end
}

/** The root's mounts each time, and those of a few namespaces in turn, however many there are. */
function openMountSweep({ namespaces, tenants, moduleOf }: SweepDeps, clock: Clock): () => Promise<void> {
  let after = ''

  async function sweep(namespace: Namespace): Promise<void> {
    const { mounts } = tenants.of(namespace)
    for (const mount of [...mounts.list('secret'), ...mounts.list('auth')]) await moduleOf(mount)?.sweep?.(mounts.storeOf(mount), clock.now(), mount)
  }

  return async () => {
    await sweep(ROOT)
    const turn = namespaces.page(after, NAMESPACES_AT_ONCE)
    after = turn.length < NAMESPACES_AT_ONCE ? '' : (turn.at(-1)?.path ?? '')
    for (const namespace of turn) if (!namespace.doomed && !namespaces.isSealed(namespace)) await sweep(namespace)
  }
}

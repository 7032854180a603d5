// The rooms of an unsealed server, each given what it needs of the others; made when the keys come, dropped when they go.
import { lockoutRules } from '../auth/lockout-rule.ts'
import type { Trust } from '../auth/spiffe/trust.ts'
import type { CanonPath } from '../base/path.ts'
import type { TtlBounds } from '../base/ttl.ts'
import type { Answer } from '../contract/answer.ts'
import type { Received } from '../contract/call.ts'
import type { Mount } from '../contract/mount.ts'
import { ROOT } from '../contract/namespace.ts'
import { openPasswords } from '../crypto/password.ts'
import { secretKey } from '../crypto/secret-key.ts'
import { builtIn, type ModuleOf } from '../modules.ts'
import { openAdmit } from '../pipeline/admit.ts'
import { openAuthenticate } from '../pipeline/authenticate.ts'
import { type Denials, type Denied, openDenials } from '../pipeline/denials.ts'
import { openHandle } from '../pipeline/handle.ts'
import { openLendStage } from '../pipeline/lend.ts'
import { openMint } from '../pipeline/mint.ts'
import { openRoute } from '../pipeline/route.ts'
import { openRun } from '../pipeline/run.ts'
import { checkWrapping } from '../pipeline/unwrap.ts'
import { openWrap } from '../pipeline/wrap.ts'
import { openAuthorise } from '../policy/authorise.ts'
import { openBackups } from '../seal/share-backup.ts'
import { isSettlingDue } from '../seal/share-sets.ts'
import { openRotation, type Rotation } from '../seal/rotation.ts'
import type { Limiter } from '../quota/limiter.ts'
import { openQuotas, type Quotas } from '../quota/quotas.ts'
import { type Follower, follow } from '../store/follow.ts'
import { decode } from '../store/records.ts'
import { namespacePrefix } from '../store/layout.ts'
import { openSpace, type Space } from '../store/space.ts'
import type { Store } from '../store/store.ts'
import { type Cors, type CorsSettings, openCorsSettings } from '../sys/cors.ts'
import { type EventHub, openEventHub } from '../sys/event-hub.ts'
import { noteVersion } from '../sys/history.ts'
import type { AuditState } from '../sys/state.ts'
import { systemModule } from '../sys/system.ts'
import type { Gone } from '../tenancy/gone.ts'
import { type Migrations, openMigrations } from '../tenancy/migrations.ts'
import { type Namespaces, openNamespaces } from '../tenancy/namespaces.ts'
import { openSlices } from '../tenancy/slices.ts'
import { tokenModule } from '../token/module.ts'
import { openTokens, type Tokens } from '../token/tokens.ts'
import { explaining, whyUnknown } from './explaining.ts'
import { isInForce, limiting, locate, moveWith } from './limiting.ts'
import { openWrapping, type Wrapping } from '../token/wrapping.ts'
import { type Audit, openAudit } from './audit.ts'
import type { KernelDeps } from './kernel.ts'
import { CLUSTER, FIRST_MOUNTS, TOKEN_HASH_KEY } from './layout.ts'
import { helpReply } from './documents.ts'
import { answerPlace, guardedStore, idsWithin, isAlive, keyHolder, keyRotation, namespacing, openCemetery, tendNamespaces } from './namespacing.ts'
import { operating } from './operating.ts'
import { openRenewal } from './renewal.ts'
import { type Lending, openLending } from './lending.ts'
import { openRights } from './rights.ts'
import type { RingUsage } from './ring-usage.ts'
import { openSweep } from './sweep.ts'
import { openBearer } from './bearer.ts'
import { openCallerIdentity } from './caller-identity.ts'
import { Tenants } from './tenants.ts'
import { openSnapshots } from './snapshots.ts'
import { timed } from './timed.ts'
import type { Spiffe } from '../spiffe/rooms.ts'
import { openHome, openTrust } from './trust.ts'
import { loggersOf, openPartOf, openTrustDomains, type TrustDomains } from './trust-domains.ts'
import { openTidying } from './tidying.ts'

export interface Unsealed {
  readonly cluster: Cluster
  handle(received: Received): Promise<Answer>
  /** A request that was refused here, by its id. */
  denied(id: string): Denied | undefined
  sweep(): Promise<void>
  expire(): Promise<void>
  auditState(): AuditState
  /** Which web pages may call the API. */
  cors(): Cors | undefined
  /** The trust domain that is mounted, if any. */
  spiffe(): Spiffe | undefined
  forgetNamespaces(): void
  reopen(): void
  close(): Promise<void>
}

export interface Cluster {
  readonly name: string
  readonly id: string
}

/** What outlives a seal besides: counts of requests, which are no secret. */
export interface UnsealedDeps extends KernelDeps {
  readonly limiter: Limiter
  readonly ringUsage: RingUsage
}

/** What the parts below share. */
export interface Parts {
  /** Behind the barrier, whole. */
  readonly store: Store
  /** The root's part of it. */
  readonly space: Space
  readonly namespaces: Namespaces
  readonly tenants: Tenants
  readonly tokens: Tokens
  readonly wrapping: Wrapping
  readonly audit: Audit
  readonly migrations: Migrations
  readonly rotation: Rotation
  readonly quotas: Quotas
  readonly denials: Denials
  readonly lending: Lending
  readonly cors: CorsSettings
  readonly events: EventHub
  readonly follower: Follower
  readonly trustDomains: TrustDomains
  /** The trust domain of the server; undefined where none is mounted. */
  readonly home: () => Spiffe | undefined
  readonly trust: Trust
  readonly moduleOf: ModuleOf
  readonly bounds: (mount: Mount) => TtlBounds
}

/** `barrier` is the store behind the server's barrier. */
export function openUnsealed(deps: UnsealedDeps, barrier: Store): Unsealed {
  const inside = guardedStore(barrier, deps, () => parts.namespaces)
  const follower = follow(inside)
  const parts: Parts = openParts(deps, inside, follower)
  const { audit, quotas } = parts
  const cluster = decode<Cluster>(need(inside, CLUSTER))
  const sweep = openSweep({ ...parts, namespaceSeals: deps.namespaceSeals }, deps.ports.clock)
  return {
    cluster,
    handle: openLine(deps, parts, follower),
    denied: parts.denials.get,
    async sweep() {
      follower.sync()
      await sweep()
      await quotas.sweep((rule) => isInForce(parts, rule))
      await parts.rotation.sweep()
      audit.sweep()
      await noteVersion(parts.space.store, deps.ports.clock)
      if (isSettlingDue(deps.store, deps.keyring, deps.ports.clock.now())) await deps.seal.settle()
      await tendNamespaces(deps, inside)
    },
    async expire() {
      follower.sync()
      await parts.lending.due.beat()
    },
    auditState: audit.state,
    cors() {
      follower.sync()
      return parts.cors.current()
    },
    spiffe: parts.home,
    forgetNamespaces: follower.forget,
    reopen: () => audit.devices.reopen(),
    async close() {
      parts.events.close()
      parts.trustDomains.close()
      await audit.close()
    },
  }
}

function openParts(deps: UnsealedDeps, inside: Store, follower: Follower): Parts {
  const { ports, log } = deps
  const { clock, random } = ports
  const takeSlice = openSlices(inside)
  const hasKeys = (id: string) => deps.rings.of(id) !== undefined
  const namespaces = openNamespaces({ store: inside, follower, takeSlice, random, mounts: FIRST_MOUNTS, hasKeys })
  const gone: Pick<Gone, 'empty'> = { empty: (mount, awaited) => lending.gone.empty(mount, awaited) }
  const tenants = new Tenants({ store: inside, follower, namespaces, takeSlice, gone, clock, random })
  const bounds = (mount: Mount) => boundsOf(mount, deps)
  const tokens = openTokens({
    store: inside,
    follower,
    ...ports,
    namespaces: { idOf: (path) => namespaces.at(path)?.id, alive: (id) => isAlive(namespaces, id) },
    hashKey: secretKey(need(inside, TOKEN_HASH_KEY)),
    mountAlive: (token) => tenants.mountAlive(token),
    cemetery: (hash) => lending.leases.endHeldBy(hash).then(() => wipe(hash)),
  })
  const wipe = openCemetery(namespaces, tenants)
  const wrapping = openWrapping({ tokens, store: inside, place: (hash) => answerPlace(namespaces, tenants, hash) })
  const space = openSpace(inside, follower, namespacePrefix(ROOT.id))
  const audit = openAudit(deps, space)
  const migrations = openMigrations({ store: inside, clock, random, beforeMove: (mount) => lending.vacate(mount, false), afterMove: moveWith })
  const { store, keyring, seal } = deps
  const rotation = openRotation({ inside, store, keyring, clock, unspent: seal.unspent, rotate: seal.rotate })
  const lending = openLending({
    ports,
    log,
    meter: deps.metrics.leases,
    store: inside,
    follower,
    namespaces,
    tenants,
    tokens,
    bounds,
    moduleOf: (mount) => moduleOf(mount),
  })
  const quotas = openQuotas(space)
  const denials = openDenials(whyUnknown(tokens))
  const cors = openCorsSettings(space)
  const events = openEventHub(inside, log)
  const { fetchBundle: fetch, limiter } = deps
  const { upstream, attestationRate } = deps
  const trustDomains = openTrustDomains(ports, { store: inside, follower, tenants, namespaces, log, fetch, upstream, attestationRate, limiter })
  const home = openHome(tenants, trustDomains.of)
  const own = { trustDomains, home, trust: openTrust(home), cors, events, follower, store: inside, space, namespaces, tenants, tokens, wrapping }
  const parts = { ...own, migrations, audit, rotation, quotas, denials, lending, bounds }
  const moduleOf = openModules(deps, parts)
  return { ...parts, moduleOf }
}

function boundsOf({ config }: Mount, { maxLeaseTtl, defaultLeaseTtl }: UnsealedDeps): TtlBounds {
  const maxTtl = config.maxLeaseTtl || maxLeaseTtl
  return { maxTtl, defaultTtl: Math.min(config.defaultLeaseTtl || defaultLeaseTtl, maxTtl) }
}

function openBuiltIns({ ports, lockout, server }: UnsealedDeps, { trustDomains, home, trust, namespaces }: Omit<Parts, 'moduleOf'>) {
  const namespaceAt = (path: string) => namespaces.at(`${path}/`)
  const spiffe = { roomsOf: trustDomains.of, partOf: openPartOf(home), namespaceAt, loggers: loggersOf(server) }
  return builtIn({ passwords: openPasswords(ports.random), lockoutRule: lockoutRules(lockout), spiffe, trust })
}

/** Built-in modules, and the two that need the rooms themselves. */
function openModules(deps: UnsealedDeps, parts: Omit<Parts, 'moduleOf'>): ModuleOf {
  const { store, namespaces, tenants, tokens, wrapping, migrations, audit, rotation, lending, bounds } = parts
  const builtins = openBuiltIns(deps, parts)
  const tenant = ({ mount }: { mount: Mount }) => tenants.at(mount.namespace)
  const below = ({ mount }: { mount: Mount }, path: CanonPath) => tenants.below(mount.namespace, path)
  const rights = openRights(tenants)
  const policyExists = (namespace: string, name: string) => tenants.policyExists(namespace, name)
  const moduleOf: ModuleOf = (mount) => {
    if (mount.class === 'system' && mount.type === 'system') return system
    return mount.class === 'auth' && mount.type === 'token' ? token : (deps.modules?.(mount) ?? builtins.moduleOf(mount))
  }
  const system = systemModule({
    state: { seal: deps.seal, clock: deps.ports.clock, storageType: deps.storageType, cluster: () => undefined, audit: () => undefined },
    keys: { rotationOf: keyRotation(deps, store, namespaces, rotation), holderOf: keyHolder(deps, namespaces), backups: openBackups(store) },
    mounts: { tenant, moduleOf, bounds, systemMax: deps.maxLeaseTtl },
    tenant,
    namespaces: namespacing(deps, store, namespaces, rights),
    capabilities: { tokens, capabilities: rights.capabilities },
    audit,
    auditView: { view: audit.view, idsOf: ({ mount }) => idsWithin(namespaces, mount.namespace) },
    remount: { migrations, below },
    wrapping,
    ui: {
      tenant,
      below,
      children: ({ mount }) => namespaces.names(mount.namespace),
      find: (id) => tokens.find(id),
      reaches: rights.reaches,
      aclOf: rights.aclOf,
    },
    ...limiting({ ...parts, ports: deps.ports, moduleOf, tenant }),
    ...explaining({ ...parts, moduleOf, elsewhere: deps.denied ?? (async () => []) }),
    ...operating({
      ...parts,
      ports: deps.ports,
      server: deps.server,
      rights,
      tenant,
      moduleOf,
      kinds: builtins.kinds,
      snapshots: openSnapshots(deps),
    }),
    leases: lending.paths,
  })
  const token = tokenModule({
    tokens,
    isSudo: rights.isSudo,
    bounds: (namespace) => bounds(tenants.at(namespace).mounts.at('auth/token/') as Mount),
    policyExists,
    renewal: openRenewal({ tenants, moduleOf, bounds, ports: deps.ports }),
    tidy: openTidying({ store, tokens, tenants, cemetery: openCemetery(namespaces, tenants), timers: deps.ports.timers, log: deps.log }),
  })
  return moduleOf
}

function openLine(deps: UnsealedDeps, parts: Parts, follower: Follower): (received: Received) => Promise<Answer> {
  const { namespaces, tenants, tokens, wrapping, audit, quotas, denials, moduleOf, bounds } = parts
  const { clock, random } = deps.ports
  return openHandle({
    settle: () => void follower.sync(),
    admit: openAdmit({
      quotas,
      limiter: deps.limiter,
      locate: ({ namespace, path }) => locate(parts, namespace, path),
      moduleOf,
      storeOf: (mount) => tenants.storeOf(mount, undefined),
      random,
      exceeded: deps.metrics.rateLimited,
    }),
    route: openRoute({
      resolve: (header, path) => namespaces.resolve(header, path),
      homeOf(token) {
        const found = tokens.find(token.reveal())
        return found && namespaces.at(found.namespace)
      },
      isSealed: (namespace) => namespaces.isSealed(namespace),
      lockOf: (namespace) => namespaces.lockOf(namespace),
      match: (namespace, path) => tenants.of(namespace).mounts.match(path),
      moduleOf,
    }),
    checkWrapping: (routed) => checkWrapping(wrapping, routed),
    authenticate: openAuthenticate(tokens, openBearer({ ...parts, clock })),
    authorise: openAuthorise((namespace) => tenants.at(namespace).policies, openCallerIdentity(tenants)),
    ready: timed(openRun({ clock, random, storeOf: (mount, caller) => tenants.storeOf(mount, caller), boundsOf: bounds }), clock, deps.metrics),
    help: helpReply,
    mint: openMint({ tokens, clock, bounds, policyExists: (namespace, name) => tenants.policyExists(namespace, name) }),
    lending: openLendStage({ ...parts.lending, clock }),
    wrap: openWrap(wrapping),
    made: deps.metrics.tokenMade,
    spend: (token) => tokens.revoke(token),
    record: audit.record,
    denied: denials.add,
    log: deps.log,
  })
}

function need(store: Store, key: string): Buffer {
  const entry = store.get(key)
  if (!entry) throw new Error(`${key} is missing from the store`)
  return entry.value
}

// The rooms of an unsealed server, each given what it needs of the others; made when the keys come, dropped when they go.
import type { TtlBounds } from '../base/ttl.ts'
import type { Answer } from '../contract/answer.ts'
import type { Received } from '../contract/call.ts'
import type { Mount } from '../contract/mount.ts'
import type { Token } from '../contract/token.ts'
import { openPasswords } from '../crypto/password.ts'
import { secretKey } from '../crypto/secret-key.ts'
import { cubbyholePrefix } from '../engines/cubbyhole.ts'
import { builtIn, type ModuleOf } from '../modules.ts'
import { openAuthenticate } from '../pipeline/authenticate.ts'
import { openHandle } from '../pipeline/handle.ts'
import { openLendStage } from '../pipeline/lend.ts'
import { openMint } from '../pipeline/mint.ts'
import { openRoute } from '../pipeline/route.ts'
import { openRun } from '../pipeline/run.ts'
import { checkWrapping } from '../pipeline/unwrap.ts'
import { openWrap } from '../pipeline/wrap.ts'
import { openAuthorise } from '../policy/authorise.ts'
import { openPolicies, type Policies } from '../policy/policies.ts'
import { openRotation, type Rotation } from '../seal/rotation.ts'
import { clear } from '../store/clear.ts'
import { type Follower, follow } from '../store/follow.ts'
import { decode } from '../store/records.ts'
import { openSpace, type Space } from '../store/space.ts'
import type { Store } from '../store/store.ts'
import { catalogPaths } from '../sys/catalog.ts'
import { historyPaths, noteVersion } from '../sys/history.ts'
import type { AuditState } from '../sys/state.ts'
import { systemModule } from '../sys/system.ts'
import { type Mounts, openMounts } from '../tenancy/mounts.ts'
import { tokenModule } from '../token/module.ts'
import type { Cemetery } from '../token/bury.ts'
import { openTokens, type Tokens } from '../token/tokens.ts'
import { openWrapping, type Wrapping } from '../token/wrapping.ts'
import { type Audit, openAudit } from './audit.ts'
import type { KernelDeps } from './kernel.ts'
import { CLUSTER, ROOT_NAMESPACE, TOKEN_HASH_KEY } from './layout.ts'
import { helpReply, morePaths } from './documents.ts'
import { type Lending, openLending } from './lending.ts'
import { openRenewal } from './renewal.ts'
import { timed } from './timed.ts'
import { openTidying } from './tidying.ts'

export interface Unsealed {
  readonly cluster: Cluster
  handle(received: Received): Promise<Answer>
  sweep(): Promise<void>
  /** Takes back what is due; resolves when that is over, which may take as long as a target takes. */
  expire(): Promise<void>
  auditState(): AuditState
  reopen(): void
  close(): Promise<void>
}

export interface Cluster {
  readonly name: string
  readonly id: string
}

/** What the parts below share. */
export interface Parts {
  readonly space: Space
  readonly mounts: Mounts
  readonly policies: Policies
  readonly tokens: Tokens
  readonly wrapping: Wrapping
  readonly audit: Audit
  readonly rotation: Rotation
  readonly lending: Lending
  readonly moduleOf: ModuleOf
  readonly bounds: (mount: Mount) => TtlBounds
}

const SWEEP_PAGE = 500

/** `inside` is the store behind the barrier. */
export function openUnsealed(deps: KernelDeps, inside: Store): Unsealed {
  const follower = follow(inside)
  const parts = openParts(deps, inside, follower)
  const { space, mounts, tokens, audit, rotation, lending, moduleOf } = parts
  const cluster = decode<Cluster>(need(space.store, CLUSTER))
  return {
    cluster,
    handle: openLine(deps, parts, follower),
    async sweep() {
      follower.sync()
      await mounts.sweep()
      await tokens.sweep(SWEEP_PAGE)
      lending.measure()
      for (const mount of [...mounts.list('secret'), ...mounts.list('auth')]) {
        await moduleOf(mount)?.sweep?.(mounts.storeOf(mount), deps.ports.clock.now())
      }
      await rotation.sweep()
      audit.sweep()
      await noteVersion(space.store, deps.ports.clock)
    },
    async expire() {
      follower.sync()
      await lending.due.beat()
    },
    auditState: audit.state,
    reopen: () => audit.devices.reopen(),
    close: () => audit.close(),
  }
}

function openParts(deps: KernelDeps, inside: Store, follower: Follower): Parts {
  const { ports, log } = deps
  const { clock, random } = ports
  const space = openSpace(inside, follower, ROOT_NAMESPACE)
  const mounts = openMounts(space, random, (mount, awaited) => lending.vacate(mount, awaited))
  const bounds = (mount: Mount): TtlBounds => {
    const maxTtl = mount.config.maxLeaseTtl || deps.maxLeaseTtl
    return { maxTtl, defaultTtl: Math.min(mount.config.defaultLeaseTtl || deps.defaultLeaseTtl, maxTtl) }
  }
  const tokens = openTokens({
    space,
    clock,
    random,
    hashKey: secretKey(need(space.store, TOKEN_HASH_KEY)),
    mountAlive: (accessor) => mounts.byAccessor(accessor) !== undefined,
    async cemetery(hash) {
      await lending.leases.endHeldBy(hash)
      await wipe(hash)
    },
  })
  const wipe = openCemetery(mounts)
  const wrapping = openWrapping({
    tokens,
    store: space.store,
    place: (hash) => mounts.placeOf(mounts.at('cubbyhole/') as Mount, `${cubbyholePrefix({ hash })}response`),
  })
  const audit = openAudit(deps, space)
  const { store, keyring, seal } = deps
  const rotation = openRotation({ inside, store, keyring, clock, unspent: seal.unspent, rotate: seal.rotate })
  const meter = deps.metrics.leases
  const lending = openLending({ ports, log, meter, store: inside, follower, space, mounts, tokens, bounds, moduleOf: (mount) => moduleOf(mount) })
  const parts = { space, mounts, policies: openPolicies(space, clock), tokens, wrapping, audit, rotation, lending, bounds }
  const moduleOf = openModules(deps, parts)
  return { ...parts, moduleOf }
}

/** Built-in modules, and the two that need the rooms themselves. */
function openModules(deps: KernelDeps, parts: Omit<Parts, 'moduleOf'>): ModuleOf {
  const { space, mounts, policies, tokens, wrapping, audit, rotation, lending, bounds } = parts
  const builtins = builtIn({ passwords: openPasswords(deps.ports.random) })
  const capabilities = (token: Token, path: string) => policies.aclFor(token.policies).capabilities(path)
  const moduleOf: ModuleOf = (mount) => {
    if (mount.class === 'system' && mount.type === 'system') return system
    return mount.class === 'auth' && mount.type === 'token' ? token : (deps.modules?.(mount) ?? builtins.moduleOf(mount))
  }
  const system = systemModule({
    state: { seal: deps.seal, clock: deps.ports.clock, storageType: deps.storageType, cluster: () => undefined, audit: () => undefined },
    keys: { rotation, rotate: () => deps.seal.rotate() },
    mounts: { mounts, moduleOf, bounds },
    policies,
    capabilities: { tokens, capabilities },
    audit,
    wrapping,
    ui: { mounts, find: (id) => tokens.find(id), reaches: (caller, prefix) => policies.aclFor(caller.policies).reaches(prefix) },
    server: deps.server,
    random: deps.ports.random,
    leases: lending.paths,
    more: [...catalogPaths(builtins.kinds), ...historyPaths(space.store), ...morePaths({ mounts, moduleOf })],
  })
  const token = tokenModule({
    tokens,
    isSudo: (caller, path) => capabilities(caller, path).some((one) => one === 'root' || one === 'sudo'),
    bounds: () => bounds(mounts.at('auth/token/') as Mount),
    policyExists: (name) => policies.get(name) !== undefined,
    renewal: openRenewal({ mounts, moduleOf, bounds, ports: deps.ports }),
    tidy: openTidying({ store: space.store, tokens, mounts, cemetery: openCemetery(mounts), timers: deps.ports.timers, log: deps.log }),
  })
  return moduleOf
}

function openLine(deps: KernelDeps, parts: Parts, follower: Follower): (received: Received) => Promise<Answer> {
  const { mounts, policies, tokens, wrapping, audit, moduleOf, bounds } = parts
  const { clock, random } = deps.ports
  return openHandle({
    settle: () => void follower.sync(),
    route: openRoute({ match: mounts.match, moduleOf }),
    checkWrapping: (routed) => checkWrapping(wrapping, routed),
    authenticate: openAuthenticate(tokens),
    authorise: openAuthorise(() => policies),
    ready: timed(openRun({ clock, random, storeOf: mounts.storeOf, boundsOf: bounds }), clock, deps.metrics),
    help: helpReply,
    mint: openMint({ tokens, clock, bounds, policyExists: (name) => policies.get(name) !== undefined }),
    lending: openLendStage({ ...parts.lending, clock }),
    wrap: openWrap(wrapping),
    made: deps.metrics.tokenMade,
    spend: (token) => tokens.revoke(token),
    record: audit.record,
    log: deps.log,
  })
}

/** Wipes the cubbyholes of the dead. */
function openCemetery(mounts: Mounts): Cemetery {
  return async (hash) => {
    const mount = mounts.at('cubbyhole/')
    if (mount) await clear(mounts.storeOf(mount), cubbyholePrefix({ hash }))
  }
}

function need(store: Store, key: string): Buffer {
  const entry = store.get(key)
  if (!entry) throw new Error(`${key} is missing from the store`)
  return entry.value
}

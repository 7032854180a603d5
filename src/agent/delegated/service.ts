// SPIRE's delegated identity API: who is trusted with it gets the identities of other workloads, to act in their place.
import { pathOf, spiffeId, type SpiffeId, trustDomainOf } from '../../crypto/spiffe-id.ts'
import { exportSigningKey } from '../../crypto/signing-key.ts'
import { type Call, GrpcError, type Services, STATUS, feed, unary } from '../../wire/grpc.ts'
import type { Of } from '../../wire/protobuf.ts'
import type { AgentEntry } from '../entry.ts'
import type { Process } from '../processes.ts'
import { federatedFor, type Held, holder, noIdentity, svidsFor } from '../workload/holdings.ts'
import { byTrustDomain, jwksOf, jwtTokenFor, onlyChanged, x509Of } from '../workload/service.ts'
import { attestCaller, subscribe, type SubscriptionDeps } from '../workload/subscription.ts'
import * as wire from './messages.ts'

export interface DelegatedDeps extends SubscriptionDeps {
  /** Identities that may use it. */
  readonly delegates: readonly SpiffeId[]
  /** A process by its number. Throws where there is none. */
  readonly processOfPid: (pid: number) => Process
}

export function delegatedServices(deps: DelegatedDeps): Services {
  return {
    [wire.SERVICE]: {
      SubscribeToX509SVIDs: feed(wire.X509SvidsRequest, wire.X509SvidsResponse, (call, request) => x509Svids(deps, call, request)),
      SubscribeToX509Bundles: feed(wire.X509BundlesRequest, wire.X509BundlesResponse, (call) =>
        onlyChanged(
          wire.X509BundlesResponse,
          bundles(deps, call, () => ({ caCertificates: byTrustDomain(deps.agent.trusts.all(), x509Of) })),
        ),
      ),
      FetchJWTSVIDs: unary(wire.JwtSvidsRequest, wire.JwtSvidsResponse, (call, request) => jwtSvids(deps, call, request)),
      SubscribeToJWTBundles: feed(wire.JwtBundlesRequest, wire.JwtBundlesResponse, (call) =>
        onlyChanged(
          wire.JwtBundlesResponse,
          bundles(deps, call, () => ({ bundles: byTrustDomain(deps.agent.trusts.all(), jwksOf) })),
        ),
      ),
    },
  }
}

type Asked = Pick<Of<typeof wire.X509SvidsRequest>, 'selectors' | 'pid'>

async function* x509Svids(deps: DelegatedDeps, call: Call, asked: Asked): AsyncGenerator<Partial<Of<typeof wire.X509SvidsResponse>>> {
  const { agent } = deps
  checkDelegate(deps, await attestCaller(deps, call))
  const target = openTarget(deps, asked)
  const { hold, release } = holder(agent)
  try {
    yield* subscribe(deps, call, async (caller) => {
      checkDelegate(deps, caller)
      const entries = delegable(deps, await target.selectors())
      hold(entries)
      const held = entries.length === 0 ? [] : await svidsFor(agent, entries)
      return { x509Svids: held.map(toSvid), federatesWith: federatedFor(agent, entries).map(({ bundle }) => spiffeId(bundle.trustDomain)) }
    })
  } finally {
    release()
    target.close()
  }
}

function bundles<T>(deps: DelegatedDeps, call: Call, compose: () => T): AsyncGenerator<T> {
  return subscribe(deps, call, async (caller) => {
    checkDelegate(deps, caller)
    return compose()
  })
}

async function jwtSvids(
  deps: DelegatedDeps,
  call: Call,
  { audience, ...asked }: Of<typeof wire.JwtSvidsRequest>,
): Promise<Partial<Of<typeof wire.JwtSvidsResponse>>> {
  if (audience.length === 0 || audience.includes('')) throw new GrpcError(STATUS.invalid, 'audience must be specified')
  checkDelegate(deps, await attestCaller(deps, call))
  const target = openTarget(deps, asked)
  try {
    const entries = delegable(deps, await target.selectors())
    if (entries.length === 0) throw noIdentity()
    return { svids: await Promise.all(entries.map((entry) => toJwt(deps, entry, audience))) }
  } finally {
    target.close()
  }
}

async function toJwt({ agent }: DelegatedDeps, entry: AgentEntry, audience: readonly string[]) {
  const { token, issuedAt, expiresAt } = await jwtTokenFor(agent, entry, audience)
  return { token, id: idMessage(entry.spiffeId), expiresAt: expiresAt / 1000, issuedAt: issuedAt / 1000, hint: entry.hint }
}

function toSvid({ entry, svid }: Held) {
  const x509Svid = { certChain: [...svid.chain], id: idMessage(svid.id), expiresAt: Math.floor(svid.expiresAt / 1000), hint: entry.hint }
  return { x509Svid, x509SvidKey: exportSigningKey(svid.key) }
}

const idMessage = (id: SpiffeId) => ({ trustDomain: trustDomainOf(id), path: pathOf(id) })

/** Throws `denied` for who is nobody, or nobody who may. */
function checkDelegate({ agent, delegates }: DelegatedDeps, caller: ReadonlySet<string>): void {
  const entries = agent.matching(caller)
  if (entries.length === 0) throw noIdentity()
  if (!entries.some(({ spiffeId: id }) => delegates.includes(id)))
    throw new GrpcError(STATUS.denied, 'caller not configured as an authorized delegate')
}

/** Identities that administer a server, or sign for others, are handed to nobody else. */
function delegable({ agent }: DelegatedDeps, selectors: ReadonlySet<string>): AgentEntry[] {
  return agent.matching(selectors).filter(({ admin, downstream }) => !admin && !downstream)
}

interface Target {
  /** Throws `unavailable` where a process can't be attested, or not any more. */
  selectors(): Promise<ReadonlySet<string>>
  close(): void
}

/** Whose identities are asked for: given by selectors that the delegate vouches for, or a process to be attested. */
function openTarget({ attest, processOfPid }: DelegatedDeps, { selectors, pid }: Asked): Target {
  if (selectors.length > 0 === (pid !== 0)) throw new GrpcError(STATUS.invalid, 'must provide either selectors or non-zero PID, but not both')
  if (pid === 0) {
    if (selectors.some(({ type, value }) => !type || !value)) throw new GrpcError(STATUS.invalid, 'could not parse provided selectors')
    const given = new Set(selectors.map(({ type, value }) => `${type}:${value}`))
    return { selectors: async () => given, close() {} }
  }
  const found = processOrNone(processOfPid, pid)
  return { selectors: () => attest(found), close: () => found.close() }
}

function processOrNone(processOfPid: DelegatedDeps['processOfPid'], pid: number): Process {
  try {
    return processOfPid(pid)
  } catch {
    throw new GrpcError(STATUS.unavailable, 'workload attestation failed')
  }
}

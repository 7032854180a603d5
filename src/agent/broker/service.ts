// The SPIFFE Broker API: what a workload is entitled to, for a broker that acts in its place and refers to it.
import { type Call, feed, GrpcError, type Services, STATUS, unary } from '../../wire/grpc.ts'
import type { Of } from '../../wire/protobuf.ts'
import type { Agent } from '../agent.ts'
import type { AgentEntry } from '../entry.ts'
import { uniqueHints } from '../workload/hints.ts'
import { holder } from '../workload/holdings.ts'
import { checkJwtRequest, jwtBundlesFor, jwtsFor, onlyChanged, x509BundlesFor, x509For } from '../workload/service.ts'
import { follow, type SubscriptionDeps } from '../workload/subscription.ts'
import { type AccessDeps, admit, permit } from './access.ts'
import * as wire from './messages.ts'
import { kindOf } from './reference.ts'
import { refusal } from './refusals.ts'
import { openWorkload, type Workload, type WorkloadDeps } from './workloads.ts'

export interface BrokerDeps extends AccessDeps, WorkloadDeps, Pick<SubscriptionDeps, 'timers'> {
  readonly agent: Agent
  /** Whether a workload that has no identity is entitled to the bundle of this trust domain. */
  readonly allowUnauthenticatedVerifiers: boolean
}

type Request = Of<typeof wire.X509SvidRequest>

/** Callers are to be admitted before; streams look again whether they still are. */
export function brokerServices(deps: BrokerDeps): Services {
  return {
    [wire.SERVICE]: {
      SubscribeToX509SVID: feed(wire.X509SvidRequest, wire.X509SvidResponse, (call, request) =>
        onlyChanged(wire.X509SvidResponse, x509Svids(deps, call, request)),
      ),
      SubscribeToX509Bundles: feed(wire.X509BundlesRequest, wire.X509BundlesResponse, (call, request) =>
        onlyChanged(wire.X509BundlesResponse, bundles(deps, call, request, x509BundlesFor)),
      ),
      FetchJWTSVID: unary(wire.JwtSvidRequest, wire.JwtSvidResponse, (call, request) => jwtSvids(deps, call, request)),
      SubscribeToJWTBundles: feed(wire.JwtBundlesRequest, wire.JwtBundlesResponse, (call, request) =>
        onlyChanged(wire.JwtBundlesResponse, bundles(deps, call, request, jwtBundlesFor)),
      ),
    },
  }
}

async function* x509Svids(deps: BrokerDeps, call: Call, request: Request): AsyncGenerator<Partial<Of<typeof wire.X509SvidResponse>>> {
  const { agent } = deps
  const { hold, release } = holder(agent)
  try {
    yield* referenced(deps, call, request, async (selectors) => {
      const entries = entitled(agent, selectors)
      hold(entries)
      return x509For(agent, entries)
    })
  } finally {
    release()
  }
}

function bundles<T>(deps: BrokerDeps, call: Call, request: Request, given: (agent: Agent, entries: readonly AgentEntry[]) => T): AsyncGenerator<T> {
  const { agent, allowUnauthenticatedVerifiers } = deps
  return referenced(deps, call, request, async (selectors) =>
    given(agent, allowUnauthenticatedVerifiers ? brokered(agent, selectors) : entitled(agent, selectors)),
  )
}

async function jwtSvids(
  deps: BrokerDeps,
  call: Call,
  { reference, audience, spiffeId: asked }: Of<typeof wire.JwtSvidRequest>,
): Promise<Partial<Of<typeof wire.JwtSvidResponse>>> {
  const workload = open(deps, call, reference)
  try {
    checkJwtRequest(audience, asked)
    const entries = entitled(deps.agent, await workload.look()).filter(({ spiffeId: id }) => asked === '' || id === asked)
    if (entries.length === 0) throw notEntitled()
    const answer = await jwtsFor(deps.agent, entries, audience)
    await workload.look() // a server may take its time, and a workload end meanwhile
    return answer
  } finally {
    workload.close()
  }
}

/** Yields what `compose` makes of the selectors of the workload that is referred to, until it is gone or the broker may ask no more. */
async function* referenced<T>(
  deps: BrokerDeps,
  call: Call,
  { reference }: Request,
  compose: (selectors: ReadonlySet<string>) => Promise<T>,
): AsyncGenerator<T, void, undefined> {
  const workload = open(deps, call, reference)
  const look = async () => {
    admit(deps, call)
    return workload.look()
  }
  try {
    yield* follow(deps, call, look, compose)
  } finally {
    workload.close()
  }
}

function open(deps: BrokerDeps, call: Call, reference: Partial<Of<typeof wire.WorkloadReference>> | undefined): Workload {
  const { kind, read } = kindOf(reference)
  permit(admit(deps, call), kind)
  if (!deps.agent.ready()) throw new GrpcError(STATUS.unavailable, 'the agent has heard nothing from its server yet')
  return openWorkload(deps, read())
}

/** Identities that administer a server, or sign for others, are handed to nobody else. */
function brokered(agent: Agent, selectors: ReadonlySet<string>): AgentEntry[] {
  return uniqueHints(agent.matching(selectors).filter(({ admin, downstream }) => !admin && !downstream))
}

/** Throws `denied` where there is none. */
function entitled(agent: Agent, selectors: ReadonlySet<string>): AgentEntry[] {
  const entries = brokered(agent, selectors)
  if (entries.length === 0) throw notEntitled()
  return entries
}

const notEntitled = (): GrpcError => refusal('notEntitled', 'no identity issued')

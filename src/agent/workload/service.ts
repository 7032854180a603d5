// The SPIFFE Workload API: identities and bundles for whoever a process turns out to be.
import { formatJwks } from '../../crypto/bundle.ts'
import { parseSpiffeId, spiffeId } from '../../crypto/spiffe-id.ts'
import { exportSigningKey } from '../../crypto/signing-key.ts'
import { type Call, GrpcError, type Services, STATUS, feed, unary } from '../../wire/grpc.ts'
import type { Message, Of } from '../../wire/protobuf.ts'
import type { Agent } from '../agent.ts'
import type { AgentEntry } from '../entry.ts'
import type { GivenJwt } from '../server/api.ts'
import type { Trust } from '../trust.ts'
import { uniqueHints } from './hints.ts'
import { federatedFor, type Held, holder, noIdentity, ownTrust, svidsFor } from './holdings.ts'
import * as wire from './messages.ts'
import { attestCaller, subscribe, type SubscriptionDeps } from './subscription.ts'
import { inWords, validateJwt, type ValidationDeps } from './validate.ts'
import { fetchWit, witBundles } from './wit.ts'

export interface WorkloadApiDeps extends SubscriptionDeps, ValidationDeps {
  /** Whether who has no identity gets the bundle of this trust domain. */
  readonly allowUnauthenticatedVerifiers: boolean
}

export function workloadServices(deps: WorkloadApiDeps): Services {
  return {
    [wire.SERVICE]: {
      FetchX509SVID: feed(wire.X509SvidRequest, wire.X509SvidResponse, (call) =>
        admitted(call, () => onlyChanged(wire.X509SvidResponse, fetchX509(deps, call))),
      ),
      FetchX509Bundles: feed(wire.X509BundlesRequest, wire.X509BundlesResponse, (call) =>
        admitted(call, () => onlyChanged(wire.X509BundlesResponse, bundles(deps, call, x509BundlesFor))),
      ),
      FetchJWTSVID: unary(wire.JwtSvidRequest, wire.JwtSvidResponse, async (call, request) => admitted(call, () => fetchJwt(deps, call, request))),
      FetchJWTBundles: feed(wire.JwtBundlesRequest, wire.JwtBundlesResponse, (call) =>
        admitted(call, () => onlyChanged(wire.JwtBundlesResponse, bundles(deps, call, jwtBundlesFor))),
      ),
      FetchWITSVID: feed(wire.WitSvidRequest, wire.WitSvidResponse, (call, { spiffeId: asked }) =>
        admitted(call, () => onlyChanged(wire.WitSvidResponse, fetchWit(deps, call, asked))),
      ),
      FetchWITBundles: feed(wire.WitBundlesRequest, wire.WitBundlesResponse, (call) =>
        admitted(call, () => onlyChanged(wire.WitBundlesResponse, witBundles(deps, call, deps.allowUnauthenticatedVerifiers))),
      ),
      ValidateJWTSVID: unary(wire.ValidateRequest, wire.ValidateResponse, async (call, request) =>
        admitted(call, () => validate(deps, call, request)),
      ),
    },
  }
}

/** A browser or a proxy can be made to send a request, and not this header with it (SPIFFE_Workload_Endpoint.md §6.2). */
function admitted<T>(call: Call, run: () => T): T {
  if (call.metadata(wire.HEADER) !== 'true') throw new GrpcError(STATUS.invalid, 'security header missing from request')
  return run()
}

async function* fetchX509(deps: WorkloadApiDeps, call: Call): AsyncGenerator<X509Given> {
  const { agent } = deps
  const { hold, release } = holder(agent)
  try {
    yield* subscribe(deps, call, async (selectors) => {
      const entries = uniqueHints(agent.matching(selectors))
      if (entries.length === 0) throw noIdentity()
      hold(entries)
      return x509For(agent, entries)
    })
  } finally {
    release()
  }
}

type X509Given = Partial<Of<typeof wire.X509SvidResponse>>

/** All that these entries come to. Throws `unavailable` where there is no SVID for any of them yet. */
export async function x509For(agent: Agent, entries: readonly AgentEntry[]): Promise<X509Given> {
  const held = await svidsFor(agent, entries)
  const own = ownTrust(agent)
  const bundle = x509Of(own)
  const federatedBundles = byTrustDomain(federatedFor(agent, entries), x509Of)
  return { svids: held.map((one) => toSvid(one, bundle)), crl: [...own.lists.crls], federatedBundles }
}

function toSvid({ entry, svid }: Held, bundle: Buffer) {
  return {
    spiffeId: svid.id,
    x509Svid: Buffer.concat([...svid.chain]),
    x509SvidKey: exportSigningKey(svid.key),
    bundle,
    hint: entry.hint,
  }
}

export const x509Of = ({ bundle }: Trust): Buffer => Buffer.concat([...bundle.x509Authorities])
export const jwksOf = ({ bundle }: Trust): Buffer => Buffer.from(JSON.stringify(formatJwks(bundle.jwtAuthorities)))

/** Keyed by the ID of each trust domain. */
export function byTrustDomain(trusts: readonly Trust[], of: (trust: Trust) => Buffer): Record<string, Buffer> {
  return Object.fromEntries(trusts.map((trust) => [spiffeId(trust.bundle.trustDomain), of(trust)]))
}

function bundles<T>(deps: WorkloadApiDeps, call: Call, given: (agent: Agent, entries: readonly AgentEntry[]) => T): AsyncGenerator<T> {
  const { agent, allowUnauthenticatedVerifiers } = deps
  return subscribe(deps, call, async (selectors) => {
    const entries = agent.matching(selectors)
    if (entries.length === 0 && !allowUnauthenticatedVerifiers) throw noIdentity()
    return given(agent, entries)
  })
}

/** The own bundle, and those of the trust domains that these entries federate with. */
const bundlesFor = (agent: Agent, entries: readonly AgentEntry[], of: (trust: Trust) => Buffer): { bundles: Record<string, Buffer> } => ({
  bundles: byTrustDomain([ownTrust(agent), ...federatedFor(agent, entries)], of),
})

export const x509BundlesFor = (agent: Agent, entries: readonly AgentEntry[]): Partial<Of<typeof wire.X509BundlesResponse>> => ({
  crl: [...ownTrust(agent).lists.crls],
  ...bundlesFor(agent, entries, x509Of),
})

export const jwtBundlesFor = (agent: Agent, entries: readonly AgentEntry[]): Partial<Of<typeof wire.JwtBundlesResponse>> =>
  bundlesFor(agent, entries, jwksOf)

/** Leaves out what says the same as what was sent before. */
export async function* onlyChanged<T>(message: Message<T>, values: AsyncIterable<Partial<T>>): AsyncGenerator<Partial<T>> {
  let before: Buffer | undefined
  for await (const value of values) {
    const bytes = message.encode(value)
    if (before?.equals(bytes)) continue
    before = bytes
    yield value
  }
}

async function fetchJwt(
  deps: WorkloadApiDeps,
  call: Call,
  { audience, spiffeId: asked }: Of<typeof wire.JwtSvidRequest>,
): Promise<Partial<Of<typeof wire.JwtSvidResponse>>> {
  checkJwtRequest(audience, asked)
  const entries = uniqueHints(deps.agent.matching(await attestCaller(deps, call))).filter(({ spiffeId: id }) => asked === '' || id === asked)
  if (entries.length === 0) throw noIdentity()
  return jwtsFor(deps.agent, entries, audience)
}

/** Throws `invalid`. */
export function checkJwtRequest(audience: readonly string[], asked: string): void {
  if (audience.length === 0 || audience.includes('')) throw new GrpcError(STATUS.invalid, 'audience must be specified')
  if (asked !== '') inWords(() => parseSpiffeId(asked), 'invalid requested SPIFFE ID: ')
}

/** A token for each entry. Throws `unavailable` where the server gives none. */
export async function jwtsFor(
  agent: Agent,
  entries: readonly AgentEntry[],
  audience: readonly string[],
): Promise<Partial<Of<typeof wire.JwtSvidResponse>>> {
  const svids = entries.map(async (entry) => ({
    spiffeId: entry.spiffeId,
    svid: (await jwtTokenFor(agent, entry, audience)).token,
    hint: entry.hint,
  }))
  return { svids: await Promise.all(svids) }
}

/** Throws `unavailable` where the server gives none. */
export async function jwtTokenFor({ jwt }: Agent, entry: AgentEntry, audience: readonly string[]): Promise<GivenJwt> {
  try {
    return await jwt.get(entry, audience)
  } catch (error) {
    if (!(error instanceof GrpcError)) throw error
    throw new GrpcError(STATUS.unavailable, `could not fetch JWT-SVID: ${error.message}`)
  }
}

async function validate(
  deps: WorkloadApiDeps,
  call: Call,
  { audience, svid }: Of<typeof wire.ValidateRequest>,
): Promise<Partial<Of<typeof wire.ValidateResponse>>> {
  if (audience === '') throw new GrpcError(STATUS.invalid, 'audience must be specified')
  if (svid === '') throw new GrpcError(STATUS.invalid, 'svid must be specified')
  const entries = deps.agent.matching(await attestCaller(deps, call))
  const { id, claims } = validateJwt(deps, [ownTrust(deps.agent), ...federatedFor(deps.agent, entries)], svid, audience)
  return { spiffeId: id, claims }
}

// Envoy's secret discovery, version 3: certificates and bundles for a proxy, again whenever they change.
import { createHash } from 'node:crypto'
import type { Log } from '../../base/log.ts'
import type { Random } from '../../base/ports.ts'
import { type Call, GrpcError, type Services, STATUS, stream, unary } from '../../wire/grpc.ts'
import type { Of } from '../../wire/protobuf.ts'
import type { AgentEntry } from '../entry.ts'
import { holder, noIdentity } from '../workload/holdings.ts'
import { attestCaller, subscribe, type SubscriptionDeps } from '../workload/subscription.ts'
import { type Bell, bell } from '../bell.ts'
import * as wire from './messages.ts'
import { type NamedSecret, type SecretsOptions, secretsFor } from './secrets.ts'

export interface SdsDeps extends SubscriptionDeps, SecretsOptions {
  readonly random: Random
  readonly log: Log
  /** Whether proxies get flat lists of authorities, unless they ask otherwise. */
  readonly plainValidation: boolean
}

export function sdsServices(deps: SdsDeps): Services {
  return {
    [wire.SERVICE]: {
      StreamSecrets: stream(wire.DiscoveryRequest, wire.DiscoveryResponse, (call, requests) => streamSecrets(deps, call, requests)),
      FetchSecrets: unary(wire.DiscoveryRequest, wire.DiscoveryResponse, (call, request) => fetchSecrets(deps, call, request)),
      DeltaSecrets: stream(wire.DeltaRequest, wire.DeltaResponse, (call, requests) => deltaSecrets(deps, call, requests)),
    },
  }
}

type Request = Of<typeof wire.DiscoveryRequest>
type Response = Partial<Of<typeof wire.DiscoveryResponse>>
type Node = Request['node']

const NONCE_BYTES = 8

async function* streamSecrets(deps: SdsDeps, call: Call, requests: AsyncIterable<Request>): AsyncGenerator<Response> {
  let asked: { readonly names: readonly string[]; readonly node: Node } | undefined
  let sent = { nonce: '', version: 0, content: '' }
  const heard = listen(requests, (request) => {
    checkType(request.typeUrl)
    tellOfRefusal(deps.log, request)
    if (sent.nonce !== '' && request.responseNonce !== sent.nonce) return // about an answer that is not the last one
    asked = { names: namesOf(request.resourceNames), node: request.node ?? asked?.node }
  })
  yield* held(deps, call, heard, async (entries) => {
    if (!asked) return undefined
    const secrets = await secretsOf(deps, entries, asked.names, asked.node)
    const content = [asked.names.join(), ...secrets.map(versionOf)].join(' ')
    if (content === sent.content) return undefined
    sent = { content, version: sent.version + 1, nonce: nonce(deps) }
    return { ...responseOf(secrets), versionInfo: String(sent.version), nonce: sent.nonce }
  })
}

async function fetchSecrets(deps: SdsDeps, call: Call, { resourceNames, typeUrl, node }: Request): Promise<Response> {
  checkType(typeUrl)
  return responseOf(await secretsOf(deps, entriesOf(deps, await attestCaller(deps, call)), namesOf(resourceNames), node))
}

type DeltaRequest = Of<typeof wire.DeltaRequest>

/** Only what changed is sent; of a name that there is nothing for, that it is gone. */
async function* deltaSecrets(
  deps: SdsDeps,
  call: Call,
  requests: AsyncIterable<DeltaRequest>,
): AsyncGenerator<Partial<Of<typeof wire.DeltaResponse>>> {
  const names = new Set<string>()
  /** By name, the version that the proxy has; '' where it was told that there is none. */
  const known = new Map<string, string>()
  let node: Node
  let begun = false
  let everything = false
  const heard = listen(requests, (request) => {
    checkType(request.typeUrl)
    tellOfRefusal(deps.log, request)
    const { resourceNamesSubscribe: subscribe, resourceNamesUnsubscribe: unsubscribe } = request
    node = request.node ?? node
    if (!begun) for (const [name, version] of Object.entries(request.initialResourceVersions)) known.set(name, version)
    everything = begun ? everything && !unsubscribe.includes('*') : subscribe.length === 0
    everything ||= subscribe.includes('*')
    begun = true
    for (const name of unsubscribe) {
      names.delete(name)
      known.delete(name)
    }
    for (const name of namesOf(subscribe)) {
      if (!names.has(name)) names.add(name)
      else known.delete(name) // asked for once more: it is sent once more
    }
  })
  yield* held(deps, call, heard, async (entries) => {
    if (!begun) return undefined
    const options = { ...deps, plain: isPlain(deps, node) }
    const all = everything ? await secretsFor(deps.agent, entries, [], options) : []
    const secrets = [...all, ...(names.size > 0 ? await secretsFor(deps.agent, entries, [...names], options) : [])]
    const fresh = secrets.filter((one) => known.get(one.name) !== versionOf(one))
    const there = new Set(secrets.map(({ name }) => name))
    const removed = [...new Set([...names, ...known.keys()])].filter((name) => !there.has(name) && known.get(name) !== '')
    if (fresh.length + removed.length === 0) return undefined
    for (const one of fresh) known.set(one.name, versionOf(one))
    for (const name of removed) known.set(name, '')
    const resources = fresh.map((one) => ({ name: one.name, version: versionOf(one), resource: anyOf(one) }))
    return { typeUrl: wire.SECRET_TYPE, nonce: nonce(deps), resources, removedResources: removed }
  })
}

/** The stream to a proxy: what it was given stays in use until it hangs up. */
async function* held<T>(
  deps: SdsDeps,
  call: Call,
  heard: Heard,
  compose: (entries: readonly AgentEntry[]) => Promise<T | undefined>,
): AsyncGenerator<T> {
  const { hold, release } = holder(deps.agent)
  const answer = (selectors: ReadonlySet<string>) => {
    heard.check()
    const entries = entriesOf(deps, selectors)
    hold(entries)
    return compose(entries)
  }
  try {
    yield* subscribe(deps, call, async (selectors) => answer(selectors), heard.news)
  } finally {
    release()
  }
}

interface Heard {
  readonly news: Pick<Bell, 'listen'>
  /** Throws what was wrong with a request. */
  check(): void
}

/** Takes requests as they come. */
function listen<T>(requests: AsyncIterable<T>, take: (request: T) => void): Heard {
  const news = bell()
  let problem: unknown
  void (async () => {
    try {
      for await (const request of requests) {
        take(request)
        news.ring()
      }
    } catch (error) {
      problem = error
      news.ring()
    }
  })()
  return {
    news,
    check() {
      if (problem !== undefined) throw problem
    },
  }
}

async function secretsOf(deps: SdsDeps, entries: readonly AgentEntry[], asked: readonly string[], node: Node): Promise<NamedSecret[]> {
  const secrets = await secretsFor(deps.agent, entries, asked, { ...deps, plain: isPlain(deps, node) })
  const missing = asked.filter((name) => !secrets.some((one) => one.name === name)).sort()
  if (missing.length === 0) return secrets
  throw new GrpcError(
    STATUS.invalid,
    `workload is not authorized for the requested identities [${missing.map((name) => JSON.stringify(name)).join(' ')}]`,
  )
}

function entriesOf({ agent }: SdsDeps, selectors: ReadonlySet<string>): AgentEntry[] {
  const entries = agent.matching(selectors)
  if (entries.length === 0) throw noIdentity()
  return entries
}

/** The last Envoy without the SPIFFE validator. */
const WITHOUT = { major: 1, minor: 17 }
const OVERRIDE = 'disable_spiffe_cert_validation'

function isPlain({ plainValidation }: SdsDeps, node: Node): boolean {
  const said = node?.metadata?.[OVERRIDE]
  const { majorNumber: major = 0, minorNumber: minor = 0 } = node?.userAgentBuildVersion?.version ?? { majorNumber: WITHOUT.major + 1 }
  if (major < WITHOUT.major || (major === WITHOUT.major && minor <= WITHOUT.minor)) return true
  if (said === true || said === 'true') return true
  return said === false || said === 'false' ? false : plainValidation
}

const namesOf = (names: readonly string[]): string[] => [...new Set(names.filter((name) => name !== '' && name !== '*'))]
const versionOf = ({ bytes }: NamedSecret): string => createHash('sha256').update(bytes).digest('hex').slice(0, 32)
const anyOf = ({ bytes }: NamedSecret) => ({ typeUrl: wire.SECRET_TYPE, value: bytes })
const responseOf = (secrets: readonly NamedSecret[]): Response => ({ typeUrl: wire.SECRET_TYPE, resources: secrets.map(anyOf) })
const nonce = ({ random }: SdsDeps): string => random.bytes(NONCE_BYTES).toString('hex')

function checkType(typeUrl: string): void {
  if (typeUrl !== '' && typeUrl !== wire.SECRET_TYPE) throw new GrpcError(STATUS.invalid, `there are no resources of type "${typeUrl}" here`)
}

function tellOfRefusal(log: Log, { errorDetail }: Pick<Request, 'errorDetail'>): void {
  if (errorDetail) log.warn('a proxy did not take its secrets', { reason: errorDetail.message })
}

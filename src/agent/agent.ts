// The agent: proves its node to a server, holds what its workloads are entitled to, and keeps all of it fresh.
import { Fault } from '../base/fault.ts'
import type { Log } from '../base/log.ts'
import type { Clock, Random, Timers } from '../base/ports.ts'
import type { TrustDomain } from '../crypto/spiffe-id.ts'
import { type Bell, type Sleeper, sleeper } from './bell.ts'
import type { Ending } from './denial.ts'
import type { AgentEntry } from './entry.ts'
import type { Identity } from './identity.ts'
import { spread } from './jitter.ts'
import type { JwtSvids } from './jwt-svids.ts'
import type { Keeping } from './keeping.ts'
import { postStatus } from './server/api.ts'
import { type Dial, isAway, type Link, openLink } from './server/link.ts'
import { type News, openNews } from './news.ts'
import { Standing, type StandingDeps } from './standing.ts'
import { State, type StateDeps } from './state.ts'
import type { AgentMeter } from '../telemetry/agent-metrics.ts'
import { GrpcError } from '../wire/grpc.ts'
import { openTrusts, type Trusts } from './trusts.ts'
import type { WitSvids } from './wit-svids.ts'
import type { X509Svids } from './x509-svids.ts'

export interface AgentSettings
  extends Pick<StandingDeps, 'trustDomain' | 'addresses' | 'attestation' | 'bootstrap'>,
    Pick<StateDeps, 'workloadKeyType' | 'mostX509' | 'mostJwt'> {
  /** Milliseconds between looks at a server that doesn't tell what changes. */
  readonly syncInterval: number
  readonly version: string
}

export interface AgentDeps {
  readonly clock: Clock
  readonly timers: Timers
  readonly random: Random
  readonly dial: Dial
  readonly keeping: Keeping
  readonly log: Log
  readonly meter: Pick<AgentMeter, 'looked' | 'made' | 'notMade'>
}

export interface Agent {
  readonly trustDomain: TrustDomain
  /** Whether it knows its entries, from the server or from before a restart. */
  ready(): boolean
  /** Milliseconds since it was in line with its server, or began. */
  syncAge(): number
  /** What it proves itself by; undefined as long as it has nothing, and once that ran out. */
  identity(): Identity | undefined
  /** Entries that describe a workload with these selectors, by entry id. */
  matching(selectors: ReadonlySet<string>): AgentEntry[]
  /** Every entry that it may act for. */
  entries(): Iterable<AgentEntry>
  readonly trusts: Pick<Trusts, 'own' | 'of' | 'all'>
  readonly x509: Pick<X509Svids, 'get' | 'need' | 'hold' | 'all'>
  readonly jwt: Pick<JwtSvids, 'get' | 'held' | 'size'>
  readonly wit: Pick<WitSvids, 'get' | 'need' | 'hold' | 'all'>
  /** Rings after entries, SVIDs or bundles changed. */
  readonly changes: Pick<Bell, 'listen'>
  /** Resolves when it cannot go on, with why. */
  readonly ended: Promise<Ending>
  stop(): Promise<void>
}

/** Begins at once; what was kept on disk is served before the server has answered. */
export function startAgent(settings: AgentSettings, deps: AgentDeps): Agent {
  const { trustDomain, addresses } = settings
  const { clock, timers, keeping, meter } = deps
  const trusts = openTrusts(trustDomain, keeping)
  const link = openLink({ addresses, dial: deps.dial, timers })
  const shared = { ...settings, ...deps, trusts, link }
  const standing = new Standing(shared)
  const state = new State(shared)
  const { promise: ended, resolve: end } = Promise.withResolvers<Ending>()
  const rest = sleeper()
  const news = openNews({ ...deps, link, wake: rest.wake })
  const look = looker({ standing, state, link, news, version: settings.version })
  let lookedAt = clock.monotonic()

  async function keepInLine(): Promise<void> {
    await look()
    lookedAt = clock.monotonic()
    meter.looked(true)
  }

  /** True where it has to end. */
  function failed(error: unknown): boolean {
    meter.looked(false)
    const ending = standing.judge(error)
    if (!ending) return false
    if (ending.outcast) for (const one of [standing, trusts, state]) one.forget()
    end(ending)
    return true
  }

  const looking = keepLooking(keepInLine, failed, settings.syncInterval, rest, deps)
  return {
    trustDomain,
    ready: () => state.ready(),
    syncAge: () => clock.monotonic() - lookedAt,
    identity: () => standing.identity(),
    matching: (selectors) => state.matching(selectors),
    entries: () => state.entries(),
    trusts,
    x509: state.x509,
    jwt: state.jwt,
    wit: state.wit,
    changes: state.changes,
    ended,
    async stop() {
      const over = looking.stop()
      news.stop()
      link.close()
      await over
    },
  }
}

interface LookerDeps {
  readonly standing: Standing
  readonly state: State
  readonly link: Link
  readonly news: News
  readonly version: string
}

/** One look at the server: attested, told who asks, and in line with it. */
function looker({ standing, state, link, news, version }: LookerDeps): () => Promise<void> {
  let told = false
  return async () => {
    await standing.ensure()
    if (!told) await link.ask((client, options) => postStatus(client, version, options))
    told = true
    if (!news.due()) return state.refresh()
    news.looking()
    try {
      await state.synchronise(() => standing.present())
    } catch (error) {
      news.missed()
      throw error
    }
    news.looked()
  }
}

function tell(log: Log, error: unknown, failures: number): void {
  if (isAway(error)) log.warn('the server is away', { reason: (error as Error).message, failures })
  else if (error instanceof GrpcError || error instanceof Fault) log.warn('synchronisation failed', { reason: error.message, failures })
  else log.error('synchronisation failed', { failures }, error)
}

/** The longest pause between tries while the server is away, in milliseconds. */
const LONGEST_PAUSE = 60_000
const MOST_DOUBLINGS = 10
/** Parts of a pause by which it may be shorter or longer: agents that lost their server together come back one by one. */
const SPREAD = { well: 0.1, failing: 0.5 }

/** Again and again, ever more rarely while it fails; `failed` says when to give up. */
function keepLooking(
  look: () => Promise<void>,
  failed: (error: unknown) => boolean,
  interval: number,
  rest: Sleeper,
  { timers, random, log }: Pick<AgentDeps, 'timers' | 'random' | 'log'>,
): { stop(): Promise<void> } {
  let stopped = false

  async function run(): Promise<void> {
    for (let failures = 0; !stopped; ) {
      try {
        await look()
        failures = 0
      } catch (error) {
        if (stopped || failed(error)) return
        failures++
        tell(log, error, failures)
      }
      const pause = Math.min(interval * 2 ** Math.min(Math.max(failures - 1, 0), MOST_DOUBLINGS), Math.max(LONGEST_PAUSE, interval))
      const cancel = timers.after(pause * (1 + spread(random) * (failures > 0 ? SPREAD.failing : SPREAD.well)), rest.wake)
      if (!stopped) await rest.sleep()
      cancel()
    }
  }

  const running = run()
  return {
    stop() {
      stopped = true
      rest.wake()
      return running
    },
  }
}

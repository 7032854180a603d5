// A trust domain in this process: a server that agents can reach, and agents of it whose time and disk a test has in its hands.
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Agent, type AgentDeps, type AgentSettings, startAgent } from '../agent/agent.ts'
import type { Ending } from '../agent/denial.ts'
import { joinToken } from '../agent/attestation.ts'
import { type Drawer, openKeeping } from '../agent/keeping.ts'
import { dialer } from '../app/agent-dial.ts'
import { listenSpire, type SpireListener } from '../app/spire-listener.ts'
import { silent } from '../base/log.ts'
import { parseTrustDomain, type SpiffeId } from '../crypto/spiffe-id.ts'
import { noMeter } from '../telemetry/agent-metrics.ts'
import { handTimers, type HandTimers, type SettableClock, stillTimers } from './clock.ts'
import { until } from './until.ts'
import { openWorld, type World } from './world.ts'

/** Everything lives for twelve hours, and the clock begins eight before now: TLS looks at the real one, and half a life can still pass. */
const LIFE = 12 * 3_600
const EARLIER = 8 * 3_600_000

export interface TrustDomainWorld {
  readonly world: World
  readonly clock: SettableClock
  readonly listener: SpireListener
  /** A folder that is gone when this is closed. */
  readonly folder: string
  /** Settings of an agent that has a join token of its own. */
  settings(more?: Partial<AgentSettings>): Promise<AgentSettings>
  /** Makes an entry below the agent; returns its id. */
  entry(parent: SpiffeId | string, path: string, selectors: string, more?: object): Promise<string>
  close(): Promise<void>
}

export async function openTrustDomain(): Promise<TrustDomainWorld> {
  const world = await openWorld()
  const folder = mkdtempSync(join(tmpdir(), 'signet-agent-'))
  world.clock.set(Date.now() - EARLIER)
  await world.ok('write', 'sys/mounts/spiffe', { type: 'spiffe' })
  const lives = { authority_ttl: LIFE * 6, agent_ttl: LIFE, x509_svid_ttl: LIFE, jwt_svid_ttl: LIFE }
  await world.ok('write', 'spiffe/config', { trust_domain: 'example.org', ...lives })
  const listener = await listenSpire('127.0.0.1:0', world.kernel, { clock: world.clock, random: { bytes: randomBytes }, timers: stillTimers }, silent)
  return {
    world,
    clock: world.clock,
    listener,
    folder,
    async settings(more = {}) {
      const { token } = (await world.ok('write', 'spiffe/join-tokens', { ttl: 600, spiffe_id: 'spiffe://example.org/node' })).data
      return {
        trustDomain: parseTrustDomain('example.org'),
        addresses: [`127.0.0.1:${listener.port}`],
        attestation: joinToken(() => token),
        bootstrap: () => world.kernel.spiffe()?.authorities.bundle().x509Authorities ?? [],
        workloadKeyType: 'ec-p256',
        syncInterval: 5_000,
        mostX509: 1_000,
        mostJwt: 1_000,
        version: 'test',
        ...more,
      }
    },
    async entry(parent, path, selectors, more = {}) {
      const entry = { parent_id: parent, spiffe_id: `spiffe://example.org${path}`, selectors, ...more }
      return (await world.ok('write', 'spiffe/entries', entry)).data.id
    },
    async close() {
      await listener.close()
      await world.close()
      rmSync(folder, { recursive: true })
    },
  }
}

export interface AgentInHand {
  readonly agent: Agent
  readonly timers: HandTimers
  /** Lets the agent look at its server again and again, until this holds. */
  looking(what: string, holds: () => boolean | Promise<boolean>): Promise<void>
  /** The same, until it cannot go on. */
  ending(): Promise<Ending>
}

export const CACHE_KEY = randomBytes(32)

export function agentOf({ clock }: TrustDomainWorld, settings: AgentSettings, drawer: Drawer, more: Partial<AgentDeps> = {}): AgentInHand {
  const timers = handTimers()
  const random = { bytes: (size: number) => randomBytes(size) }
  const keeping = openKeeping(drawer, CACHE_KEY, random, silent)
  const agent = startAgent(settings, {
    clock,
    timers,
    random,
    dial: dialer(settings.trustDomain, clock),
    keeping,
    log: silent,
    meter: noMeter,
    ...more,
  })
  const looking = (what: string, holds: () => boolean | Promise<boolean>) =>
    until(what, () => {
      timers.fire(PAUSE)
      return holds()
    })
  let over = false
  void agent.ended.then(() => (over = true))
  const ending = async () => {
    await looking('it ends', () => over)
    return agent.ended
  }
  return { agent, timers, looking, ending }
}

/** Longer than the pause between two looks, even after some that failed; shorter than a call may take. */
const PAUSE = 25_000

export interface MemoryDrawer extends Drawer {
  readonly files: Map<string, Buffer>
}

export function memoryDrawer(): MemoryDrawer {
  const files = new Map<string, Buffer>()
  return { files, read: (name) => files.get(name), write: (name, bytes) => void files.set(name, bytes), remove: (name) => void files.delete(name) }
}

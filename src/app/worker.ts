// A worker process: serves requests over the shared store with the keys that the supervisor gives it.
import { join } from 'node:path'
import type { MetricObject } from 'prom-client'
import type { Log } from '../base/log.ts'
import type { Limiter, Spent } from '../quota/limiter.ts'
import type { Denied } from '../pipeline/denials.ts'
import { Keyring } from '../seal/keyring.ts'
import { Rings } from '../seal/rings.ts'
import { Failure } from '../cli/failure.ts'
import type { Store } from '../store/store.ts'
import type { InFlight, ServerPort } from '../sys/server.ts'
import type { NamespaceSealPort } from '../sys/namespace-seals.ts'
import type { SealPort, SealStatus } from '../sys/state.ts'
import { type Levels, type Logs, openLogs } from '../telemetry/log.ts'
import { type Metrics, openMetrics } from '../telemetry/metrics.ts'
import { type Channel, openChannel } from './channel.ts'
import type { Config } from './config/config.ts'
import { nodeFolder } from './files.ts'
import { harden } from './hardening.ts'
import { endNow, endOnBugs } from './last-words.ts'
import type { GenerateRootAction, RekeyAction } from '../seal/key-steps.ts'
import type { NamespaceKeys, NamespaceStepCall, NamespaceTerm } from './namespace-sealers.ts'
import { ports } from './ports.ts'
import type { StartProblem } from './members.ts'
import type { Settings } from './running.ts'
import { openServerPort } from './server-port.ts'
import { openSelf } from './self.ts'
import { openServing, type Serving } from './serving.ts'
import type { GenerateRootCall, Joined, RekeyCall } from './seal-duty.ts'
import { stageOnDisk } from './staging.ts'
import { openWorkerStore } from './storage.ts'

async function work(config: Config): Promise<void> {
  const settings = { config }
  const logs = openLogs({ level: config.logLevel, format: config.logFormat, clock: ports.clock, write: (line) => process.stderr.write(line) })
  const { log } = logs
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => {}) // the supervisor passes on what they mean
  process.once('disconnect', endNow) // the supervisor is gone
  endOnBugs(log)
  const store = await openWorkerStore(config.storagePath, log)
  const keyring = new Keyring()
  const rings = new Rings()
  const metrics = openMetrics(openSelf())
  const started = Promise.withResolvers<Serving>()
  const supervisor = openChannel(wire, handlers({ keyring, rings, store, metrics, logs, settings, serving: started.promise }), log)
  const joined = await supervisor.call<Joined | undefined>('join')
  if (joined) take(keyring, joined.keys, joined.active)
  for (const ring of joined?.rings ?? []) openRing(rings, ring)
  logs.setLevels((await supervisor.call<Settings>('settings')).levels)
  const server = serverOf(supervisor, logs, settings)
  const stage = () => stageOnDisk(config.storagePath, ports, (folder) => supervisor.call('restore', folder))
  const audit = { spools: nodeFolder(join(config.storagePath, 'audit-spool')), print: (text: string) => supervisor.call<void>('print', text) }
  const denied = (id: string) => supervisor.call<Denied[]>('denied', id)
  const seals = { keyring, seal: sealOf(supervisor), rings, namespaceSeals: namespaceSealsOf(supervisor) }
  const deps = { store, storageType: 'lmdb', ...seals, log, metrics, server, denied, stage, settings: config, ...audit }
  const serving = await openServing(deps).catch((error) => fail(supervisor, error))
  started.resolve(serving)
  await supervisor.call('started')
  shareLimits(serving.kernel.limiter, (spent) => supervisor.call('spent', { by: process.pid, spent }))
  for (const { host, port } of serving.listeners) log.info('listening', { host, port, pid: process.pid })
}

/** Tells why this worker can't serve, and ends. */
async function fail(supervisor: Channel, error: unknown): Promise<never> {
  if (!(error instanceof Failure)) throw error
  await supervisor.call('failed', { message: error.message, hints: error.hints } satisfies StartProblem)
  process.exit(1)
}

const wire = {
  send: (message: unknown) => void process.send?.(message, undefined, {}, () => {}),
  receive: (listener: (message: unknown) => void) => void process.on('message', listener),
}

interface Parts {
  readonly keyring: Keyring
  readonly rings: Rings
  readonly store: Store
  readonly metrics: Metrics
  readonly logs: Logs
  readonly settings: { config: Config }
  readonly serving: Promise<Serving>
}

/** What the supervisor may tell a worker. */
function handlers({ keyring, rings, store, metrics, logs, settings, serving }: Parts) {
  const { log } = logs
  return {
    keys(bytes: Uint8Array) {
      take(keyring, bytes)
      metrics.unsealed(true)
    },
    /** A worker that can't take a new term would soon fail to read what others write: it ends, and another joins. */
    extend(bytes: Uint8Array) {
      if (!keyring.sealed) orEnd(log, () => keyring.extend(bytes))
      bytes.fill(0)
    },
    activate(term: number) {
      if (!keyring.sealed) orEnd(log, () => keyring.activate(term))
    },
    unspent: async (term: number) => (await serving).kernel.unspent(term),
    unspentOf: async ({ id, term }: NamespaceTerm) => (await serving).kernel.unspentOf(id, term),
    openRing: (keys: NamespaceKeys) => openRing(rings, keys),
    async closeRings(ids: readonly string[]) {
      for (const id of ids) rings.close(id)
      const { kernel } = await serving
      kernel.forgetNamespaces()
      for (const id of ids) rings.close(id)
    },
    async wipe() {
      keyring.wipe()
      rings.closeAll()
      metrics.unsealed(false)
      const { kernel } = await serving
      const forgotten = kernel.forget()
      keyring.wipe()
      await forgotten
    },
    lead: async () => (await serving).lead(),
    async reload({ config, levels }: Settings) {
      settings.config = config
      logs.setLevels(levels)
      const served = await serving
      served.reload(config.listeners)
    },
    levels: (levels: Levels) => logs.setLevels(levels),
    inFlight: async () => (await serving).kernel.inFlight(),
    async stop() {
      await (await serving).close()
      await store.close()
      process.off('disconnect', endNow)
      process.once('disconnect', () => process.exit(0))
    },
    async spent({ by, spent }: { by: number; spent: readonly Spent[] }) {
      if (by !== process.pid) (await serving).kernel.limiter.hear(spent)
    },
    denied: async (id: string) => (await serving).kernel.denied(id),
    snapshot: () => metrics.snapshot(),
  }
}

const SHARE_MS = 50

/** Tells the other workers what clients spent of rate limits here, where they spent anything. */
function shareLimits(limiter: Pick<Limiter, 'news'>, tell: (spent: readonly Spent[]) => Promise<void>): void {
  let telling = false
  ports.timers.every(SHARE_MS, () => {
    const spent = telling ? [] : limiter.news()
    if (spent.length === 0) return
    telling = true
    const told = () => {
      telling = false
    }
    tell(spent).then(told, told)
  })
}

function take(keyring: Keyring, bytes: Uint8Array, active?: number): void {
  keyring.load(bytes, active)
  bytes.fill(0)
}

function openRing(rings: Rings, { id, keys, active }: NamespaceKeys): void {
  rings.open(id, keys, active)
  keys.fill(0)
}

function orEnd(log: Log, run: () => void): void {
  try {
    run()
  } catch (error) {
    log.error('the keyring does not fit the one of the supervisor; this process ends', {}, error)
    endNow()
  }
}

/** All processes as one, by way of the supervisor. */
function serverOf(supervisor: Channel, logs: Logs, settings: { readonly config: Config }): ServerPort {
  return openServerPort({
    logs,
    configuration: () => settings.config,
    snapshots: () => supervisor.call<MetricObject[][]>('snapshots'),
    inFlight: () => supervisor.call<readonly InFlight[]>('inFlight'),
    setLevels: (levels) => supervisor.call('setLevels', levels),
  })
}

function sealOf(supervisor: Channel): SealPort {
  return {
    status: () => supervisor.call<SealStatus>('status'),
    init: (request) => supervisor.call<Buffer>('init', request),
    backends: () => supervisor.call('backends'),
    unseal: (body) => sendBody(body, () => supervisor.call<SealStatus>('unseal', body)),
    seal: () => supervisor.call('seal'),
    rotate: (only) => supervisor.call('rotate', only),
    rotateRoot: () => supervisor.call('rotateRoot'),
    settle: () => supervisor.call('settle'),
    unspent: (term) => supervisor.call('unspent', term),
    rekey: (target, step) => sendBody(step.body, () => supervisor.call('rekey', { target, step } satisfies RekeyCall)),
    generateRoot: (step) => sendBody(step.body, () => supervisor.call('generateRoot', step satisfies GenerateRootCall)),
  }
}

/** The message is copied when it is sent, so the body can be wiped at once. What comes back is a plain typed array. */
async function sendBody<T>(body: Buffer, send: () => Promise<T>): Promise<T> {
  const answer = send()
  body.fill(0)
  return answer
}

function namespaceSealsOf(supervisor: Channel): NamespaceSealPort {
  return {
    status: (id) => supervisor.call('namespaceStatus', id),
    unseal: (id, share) => sendBody(share, () => supervisor.call<SealStatus>('namespaceUnseal', { id, share })),
    reset: (id) => supervisor.call('namespaceReset', id),
    seal: (ids) => supervisor.call('namespaceSeal', ids),
    rotate: (id, only) => supervisor.call('namespaceRotate', { id, only }),
    unspent: (id, term) => supervisor.call('namespaceUnspent', { id, term } satisfies NamespaceTerm),
    rotateRoot: (id) => supervisor.call('namespaceRotateRoot', id),
    rekey: (id, step) => sendBody(step.body, () => supervisor.call('namespaceRekey', { id, step } satisfies NamespaceStepCall<RekeyAction>)),
    generateRoot: (id, step) =>
      sendBody(step.body, () => supervisor.call('namespaceGenerateRoot', { id, step } satisfies NamespaceStepCall<GenerateRootAction>)),
    settle: (id) => supervisor.call('namespaceSettle', id),
  }
}

harden()
await work(JSON.parse(process.argv[2] as string) as Config)

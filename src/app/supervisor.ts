// The supervisor: holds the seal, keeps the workers alive and tells them what to do. It serves no request itself.
import cluster from 'node:cluster'
import { availableParallelism } from 'node:os'
import type { MetricObject } from 'prom-client'
import { Failure } from '../cli/failure.ts'
import { Keyring } from '../seal/keyring.ts'
import { openSealer, type Sealer } from '../seal/sealer.ts'
import type { Store } from '../store/store.ts'
import type { InFlight } from '../sys/server.ts'
import type { SealPort } from '../sys/state.ts'
import type { Levels, Logs } from '../telemetry/log.ts'
import type { Config } from './config/config.ts'
import { harden } from './hardening.ts'
import { endOnBugs } from './last-words.ts'
import { openMembers, type Members } from './members.ts'
import { ports } from './ports.ts'
import { openRunning, type Running } from './running.ts'
import { openSealPort } from './seal-port.ts'
import { untilStopped } from './signals.ts'
import { openStorage } from './storage.ts'
import { openSupervisorMetrics, type SupervisorMetrics } from './supervisor-metrics.ts'
import { checkTls } from './tls.ts'

/** What a worker gets that joins an unsealed server. */
export interface Joined {
  readonly keys: Uint8Array
  readonly active: number
}

export interface Supervised {
  readonly config: Config
  readonly logs: Logs
  /** Reads the configuration again. Throws a Failure where it is wrong. */
  readonly reread: () => Config
}

/** Runs until it is told to stop; resolves to the exit code. Throws a Failure where it can't start. */
export async function supervise({ config, logs, reread }: Supervised): Promise<number> {
  const { log } = logs
  const { refusals, warnings } = harden()
  if (refusals.length > 0) throw new Failure(1, `this process may not hold keys: ${refusals.join('; ')}`, { hints: [UNSAFE] })
  for (const warning of warnings) log.warn(warning)
  endOnBugs(log)
  for (const { tls } of config.listeners) if (tls) checkTls(tls)
  const storage = await openStorage(config.storagePath, log)
  try {
    return await run({ config, logs, reread }, storage.store)
  } finally {
    await storage.close()
  }
}

const UNSAFE = 'start it without those options of Node: they show its memory to others'

async function run({ config, logs, reread }: Supervised, store: Store): Promise<number> {
  const { log } = logs
  const keyring = new Keyring()
  if (!keyring.locked) log.warn('memory for keys could not be locked; keep swap off or encrypted')
  const sealer = openSealer(store, keyring, ports)
  const changed = (now: Config) => cluster.setupPrimary({ exec: workerEntry(), args: [JSON.stringify(now)], serialization: 'advanced' })
  const metrics = openSupervisorMetrics(
    () => running.settings().config,
    () => members.count,
  )
  const members = openMembers(log, metrics.workerReplaced, (all) => ({ ...sealHandlers(sealer, all), ...treeHandlers(all, metrics, () => running) }))
  const running = openRunning({ config, reread, logs, members, changed })
  changed(config)
  for (let n = config.workers ?? availableParallelism(); n > 0; n--) members.start()
  await members.started
  await untilStopped(() => void running.reload())
  log.info('stopping: running requests are answered first')
  await members.stop()
  sealer.seal()
  return 0
}

/** What a worker may ask of all the others. */
function treeHandlers(members: Members, metrics: SupervisorMetrics, running: () => Running) {
  return {
    settings: () => running().settings(),
    setLevels: (levels: Partial<Levels>) => running().setLevels(levels),
    inFlight: async () => (await members.ask<readonly InFlight[]>('inFlight')).flat(),
    print: (text: string) => ports.print(text),
    snapshots: async () => [...(await members.ask<MetricObject[]>('snapshot')), await metrics.snapshot()],
    /** What the workers know of a request that one of them refused. */
    denied: async (id: string) => (await members.ask<unknown>('denied', id)).filter((one) => one !== undefined),
    /** What clients spent of rate limits at one worker, for all the others. */
    spent: (news: unknown) => members.tell('spent', news),
  }
}

/** What a worker may ask of the seal. */
function sealHandlers(sealer: Sealer, members: Members) {
  const seal: SealPort = openSealPort(sealer, ports, {
    unsealed: () => withKeys(sealer, (keys) => members.tell('keys', keys)),
    sealed: () => members.tell('wipe'),
    extended: (keys) => members.tell('extend', keys),
    activated: (term) => members.tell('activate', term),
    unspent: async (term) => sum(await members.ask<number>('unspent', term)),
  })
  return {
    /** The keys and the term that seals, where the server is unsealed. */
    join: (): Joined | undefined => (sealer.activeTerm === 0 ? undefined : { keys: sealer.exportKeyring(), active: sealer.activeTerm }),
    status: () => seal.status(),
    init: ({ shares, threshold }: { shares: number; threshold: number }) => seal.init(shares, threshold),
    unseal: (body: Uint8Array) => seal.unseal(Buffer.from(body.buffer, body.byteOffset, body.length)),
    seal: () => seal.seal(),
    rotate: (only: number | undefined) => seal.rotate(only),
    unspent: (term: number) => seal.unspent(term),
  }
}

function sum(counts: readonly number[]): number {
  return counts.reduce((total, one) => total + one, 0)
}

async function withKeys(sealer: Sealer, use: (keys: Buffer) => Promise<void>): Promise<void> {
  const keys = sealer.exportKeyring()
  try {
    await use(keys)
  } finally {
    keys.fill(0)
  }
}

/** Beside this file, in the form that this file has: source or built. */
function workerEntry(): string {
  const extension = import.meta.filename.endsWith('.ts') ? 'ts' : 'js'
  return new URL(`./worker.${extension}`, import.meta.url).pathname
}

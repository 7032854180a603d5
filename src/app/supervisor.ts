// The supervisor: holds the seal, keeps the workers alive and tells them what to do. It serves no request itself.
import cluster from 'node:cluster'
import { availableParallelism } from 'node:os'
import type { MetricObject } from 'prom-client'
import { barrier } from '../seal/barrier.ts'
import { Keyring } from '../seal/keyring.ts'
import type { SealSet } from '../seal/seal-set.ts'
import type { Store } from '../store/store.ts'
import type { InFlight } from '../sys/server.ts'
import type { Levels, Logs } from '../telemetry/log.ts'
import { clearSocket } from './admin-socket.ts'
import type { Config } from './config/config.ts'
import { hardenOrRefuse } from './hardening.ts'
import { endOnBugs } from './last-words.ts'
import { openMembers, type Members } from './members.ts'
import { type NamespaceTerm, namespaceSealHandlers, openNamespaceSealers } from './namespace-sealers.ts'
import { ports } from './ports.ts'
import { openRunning, type Running } from './running.ts'
import { openBySealsAndTend, sealHandlers, sum } from './seal-duty.ts'
import { openSealParts } from './seal-parts.ts'
import { openSeals, type SealStanza } from './seals.ts'
import { untilStopped } from './signals.ts'
import { commitStaged } from './staging.ts'
import { openStorage } from './storage.ts'
import { openSupervisorMetrics, type SupervisorMetrics } from './supervisor-metrics.ts'
import { checkTls } from './tls.ts'

export interface Supervised {
  readonly config: Config
  /** Not a part of the configuration, which every worker is given. */
  readonly seals: readonly SealStanza[]
  readonly logs: Logs
  /** Reads the configuration again. Throws a Failure where it is wrong. */
  readonly reread: () => Config
}

/** Runs until it is told to stop; resolves to the exit code. Throws a Failure where it can't start. */
export async function supervise({ config, seals, logs, reread }: Supervised): Promise<number> {
  const { log } = logs
  hardenOrRefuse(log)
  endOnBugs(log)
  for (const { tls } of config.listeners) if (tls) checkTls(tls)
  if (config.spiffe?.adminSocket) await clearSocket(config.spiffe.adminSocket.path)
  const opened = openSeals(seals, { ...ports, env: process.env, log })
  let reload = (): void => {}
  const stopped = untilStopped(() => reload())
  for (let restored = true; restored; ) {
    const storage = await openStorage(config.storagePath, log)
    const onReload = (how: () => void): void => {
      reload = how
    }
    try {
      restored = await run({ config, logs, reread, stopped, onReload }, storage.store, opened)
    } finally {
      await storage.close()
    }
  }
  return 0
}

interface Serving extends Omit<Supervised, 'seals'> {
  readonly stopped: Promise<void>
  /** Takes what SIGHUP does from now on. */
  readonly onReload: (how: () => void) => void
}

/** Until it is told to stop; or, which is true then, a snapshot is to take the place of the database. */
async function run({ config, logs, reread, stopped, onReload }: Serving, store: Store, seals: SealSet): Promise<boolean> {
  const { log } = logs
  const keyring = new Keyring()
  if (!keyring.locked) log.warn('memory for keys could not be locked; keep swap off or encrypted')
  const parts = openSealParts(store, keyring, ports, log, seals)
  const changed = (now: Config) => cluster.setupPrimary({ exec: workerEntry(), args: [JSON.stringify(now)], serialization: 'advanced' })
  const inside = barrier(store, keyring, ports.random)
  const metrics = openSupervisorMetrics(
    () => running.settings().config,
    () => members.count,
    () => parts.tending.health,
  )
  const restored = Promise.withResolvers<true>()
  const members = openMembers(log, metrics.workerReplaced, (all) => {
    const namespaces = openNamespaceSealers(inside, ports, {
      opened: (keys) => all.tell('openRing', keys),
      closed: (ids) => all.tell('closeRings', ids),
      unspent: async (id, term) => sum(await all.ask<number>('unspentOf', { id, term } satisfies NamespaceTerm)),
    })
    return {
      ...sealHandlers(parts, all, namespaces),
      ...namespaceSealHandlers(namespaces),
      ...treeHandlers(all, metrics, () => running),
      /** Answered while every worker is sealed and none has ended: who asked for it is answered before the restart. */
      async restore(folder: string) {
        namespaces.forget()
        parts.sealer.seal()
        await all.tell('wipe')
        commitStaged(config.storagePath, folder)
        log.info('a snapshot is restored: the server starts anew, sealed')
        restored.resolve(true)
      },
    }
  })
  const running = openRunning({ config, reread, logs, members, changed })
  changed(config)
  for (let n = config.workers ?? availableParallelism(); n > 0; n--) members.start()
  await members.started
  const stopTending = await openBySealsAndTend(parts, members, log)
  onReload(() => void running.reload())
  const again = await Promise.race([stopped.then(() => false), restored.promise])
  if (!again) log.info('stopping: running requests are answered first')
  stopTending()
  await members.stop()
  parts.sealer.seal()
  keyring.close()
  return again
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

/** Beside this file, in the form that this file has: source or built. */
function workerEntry(): string {
  const extension = import.meta.filename.endsWith('.ts') ? 'ts' : 'js'
  return new URL(`./worker.${extension}`, import.meta.url).pathname
}

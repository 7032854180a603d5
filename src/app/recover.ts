// `signet server -recovery`: one process that holds the storage and serves what repairs need, until it is told to stop.
import { Failure } from '../cli/failure.ts'
import { readSealConfig } from '../seal/key-records.ts'
import { Keyring } from '../seal/keyring.ts'
import { GRACE_MS, openDoor, reloadDoors } from './doors.ts'
import { hardenOrRefuse } from './hardening.ts'
import { endOnBugs } from './last-words.ts'
import { openPgp } from './openpgp.ts'
import { ports } from './ports.ts'
import { openRecovery } from './recovery.ts'
import { openRunning } from './running.ts'
import { openSealParts, type SealParts } from './seal-parts.ts'
import { openSeals } from './seals.ts'
import { allAt } from '../telemetry/log.ts'
import { untilStopped } from './signals.ts'
import { openStorage } from './storage.ts'
import type { Supervised } from './supervisor.ts'
import { checkTls } from './tls.ts'

/** Runs until it is told to stop; resolves to the exit code. Throws a Failure where it can't start. */
export async function recover({ config, seals, logs, reread }: Supervised): Promise<number> {
  const { log } = logs
  logs.setLevels(allAt(heard(config).logLevel))
  hardenOrRefuse(log)
  endOnBugs(log)
  for (const { tls } of config.listeners) if (tls) checkTls(tls)
  const opened = openSeals(seals, { ...ports, env: process.env, log })
  const { store, close } = await openStorage(config.storagePath, log)
  const keyring = new Keyring()
  try {
    const { sealer } = openSealParts(store, keyring, ports, log, opened)
    assertOpenable(sealer, readSealConfig(store)?.shares ?? 0)
    const handle = openRecovery({ store, keyring, sealer, ports, pgp: openPgp, storageType: 'lmdb', log })
    const doors = await Promise.all(config.listeners.map((listener) => openDoor(listener, { handle, log })))
    const members = { tell: async () => reloadDoors(doors, running.settings().config.listeners, log) }
    const running = openRunning({ config, reread: () => heard(reread()), logs, members, changed: () => {} })
    for (const { listener } of doors) log.info('listening in recovery mode', { host: listener.host, port: listener.port, pid: process.pid })
    await untilStopped(() => void running.reload())
    await Promise.all(doors.map(({ listener }) => listener.close(GRACE_MS)))
    return 0
  } finally {
    keyring.close()
    await close()
  }
}

/** The log is all that tells of what was done: it is written whatever level the configuration has. */
function heard<C extends Pick<Supervised['config'], 'logLevel'>>(config: C): C {
  return config.logLevel === 'warn' || config.logLevel === 'error' ? { ...config, logLevel: 'info' } : config
}

/** Whether anybody could ever make a token. */
function assertOpenable(sealer: SealParts['sealer'], shares: number): void {
  const { initialized, migration } = sealer.status()
  if (!initialized) throw new Failure(1, 'the storage is not initialized: there is nothing to recover')
  if (shares === 0) throw new Failure(1, 'nobody holds recovery shares, which a recovery token is made with', { hints: [MAKE_SHARES] })
  if (migration) throw new Failure(1, 'a seal migration is pending', { hints: ['configure the seals as they were before it'] })
}

const MAKE_SHARES = 'a server that serves makes them: signet operator rekey -init -target=recovery'

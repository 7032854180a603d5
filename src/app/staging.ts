// Where a snapshot is made ready to replace everything: in memory, or as a database beside the one in use.
import { closeSync, existsSync, fsyncSync, openSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { Fault } from '../base/fault.ts'
import { uuid } from '../base/ids.ts'
import type { Ports } from '../base/ports.ts'
import { readSealConfig } from '../seal/key-records.ts'
import type { SnapshotRecord } from '../snapshot/format.ts'
import { openLmdb } from '../store/lmdb.ts'
import { memory } from '../store/memory.ts'
import type { Store } from '../store/store.ts'

export interface Staging {
  put(records: readonly SnapshotRecord[]): Promise<void>
  /** After the last record. Throws `invalid` for what no server could be started from. */
  settle(): Promise<void>
  /** Takes the place of what is there, in one step, and seals the server. */
  finish(): Promise<void>
  drop(): Promise<void>
}

/** For a store in memory: `seal` makes everyone forget their keys. */
export function stageInMemory(store: Store, ports: Pick<Ports, 'timers'>, seal: () => Promise<void>): Staging {
  const next = memory(ports)
  return {
    ...into(next),
    async finish() {
      await seal()
      const gone = Array.from(store.keys({ prefix: '' }), (key) => ({ key, value: undefined }))
      await store.commit({ ops: [...gone, ...next.range({ prefix: '' })] })
      await next.close()
    },
    drop: () => next.close(),
  }
}

/** Of its name as long as it isn't whole. */
const UNFINISHED = 'restore-'
/** Once it has this name, the next start takes it for the database. */
const RESTORED = 'restored'

/** For a database in a folder: `switchOver` seals the server, calls what it is given, and starts everything anew. */
export async function stageOnDisk(
  path: string,
  ports: Pick<Ports, 'timers' | 'random'>,
  switchOver: (folder: string) => Promise<void>,
): Promise<Staging> {
  const folder = `${UNFINISHED}${uuid(ports.random)}`
  const at = join(path, folder)
  const next = await openLmdb({ path: at, timers: ports.timers, logLimit: 1, onUnknown: () => {} })
  return {
    ...into(next),
    async finish() {
      await next.close()
      await switchOver(folder)
    },
    async drop() {
      await next.close()
      rmSync(at, { recursive: true, force: true })
    },
  }
}

function into(next: Store): Pick<Staging, 'put' | 'settle'> {
  return {
    put: async (records) => void (await next.commit({ ops: records })),
    async settle() {
      if (!readSealConfig(next)) throw new Fault('invalid', 'failed to read snapshot: it is of a server that was not initialised')
    },
  }
}

/** From here on the snapshot is what there is, whatever happens. */
export function commitStaged(path: string, folder: string): void {
  if (!isStaged(folder)) throw new Error(`${folder} is not a folder that a snapshot was made ready in`)
  renameSync(join(path, folder), join(path, RESTORED))
  syncFolder(path)
}

/** Before the database is opened: puts a restored one in its place, and clears what restores left that were cut short. */
export function takeRestored(path: string): void {
  const restored = join(path, RESTORED)
  if (existsSync(join(restored, DATABASE))) {
    renameSync(join(restored, DATABASE), join(path, DATABASE))
    syncFolder(path)
  }
  rmSync(restored, { recursive: true, force: true })
  for (const folder of readdirSync(path).filter(isStaged)) rmSync(join(path, folder), { recursive: true, force: true })
}

const DATABASE = 'data.mdb'

function isStaged(folder: string): boolean {
  return /^restore-[0-9a-f-]{36}$/.test(folder)
}

function syncFolder(path: string): void {
  const folder = openSync(path, 'r')
  fsyncSync(folder)
  closeSync(folder)
}

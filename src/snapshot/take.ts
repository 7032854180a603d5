// Taking a snapshot while writes go on: the store is read page by page, and what changed meanwhile once more at the end.
import { createHash } from 'node:crypto'
import { formatTime } from '../base/duration.ts'
import { Fault } from '../base/fault.ts'
import type { Clock, Timers } from '../base/ports.ts'
import { Gap, type Key, type Revision, type Store } from '../store/store.ts'
import { encodeRecord, META, PART_BYTES, partName, printSums, SEALED_SUMS, type SnapshotMeta, type SnapshotRecord, SUMS } from './format.ts'
import { gzipped } from './gzip.ts'
import { tarEnd, tarEntry } from './tar.ts'

export interface TakeDeps {
  /** The whole store, outside the barrier. */
  readonly store: Store
  readonly clock: Clock
  readonly timers: Timers
  /** Seals the checksums under the present keys. */
  readonly seal: (sums: Buffer) => Buffer
  readonly version: string
}

/** The bytes of a snapshot of one revision: the one at which its last record is read. Throws `unavailable` where writes outrun it. */
export function takeSnapshot(deps: TakeDeps): AsyncIterable<Buffer> {
  return gzipped(archive(deps))
}

async function* archive({ store, clock, timers, seal, version }: TakeDeps): AsyncGenerator<Buffer> {
  const sums = new Map<string, string>()
  const mtime = Math.floor(clock.now() / 1000)
  const entry = (name: string, content: Buffer): Buffer => tarEntry({ name, content }, mtime)
  const summed = (name: string, content: Buffer): Buffer => {
    sums.set(name, createHash('sha256').update(content).digest('hex'))
    return entry(name, content)
  }
  const cut = { revision: 0 }
  let part = 0
  for await (const content of parts(consistent(store, timers, cut))) yield summed(partName(part++), content)
  const taken = formatTime(clock.now())
  const meta: SnapshotMeta = { Version: 1, ID: `signet-${cut.revision}`, Index: cut.revision, Term: 1, Signet: { format: 1, taken, version } }
  yield summed(META, Buffer.from(JSON.stringify(meta)))
  const list = printSums(sums)
  yield entry(SUMS, list)
  yield entry(SEALED_SUMS, seal(list))
  yield tarEnd()
}

const PAGE = 256

/**
 * Every record, those of keys that changed while it went on again, the last as it stands: together what the store held at
 * `cut.revision`. Changes are followed all the while, so that the log needn't reach back to the beginning.
 */
async function* consistent(store: Store, timers: Timers, cut: { revision: Revision }): AsyncGenerator<SnapshotRecord> {
  const changed = new Set<Key>()
  let seen = store.revision
  const follow = (): void => {
    const newest = store.revision
    for (const { keys } of changesSince(store, seen)) for (const key of keys) changed.add(key)
    seen = newest
  }
  const stop = timers.every(FOLLOW_MS, () => ignoringGaps(follow))
  try {
    for (let after: Key | undefined; ; ) {
      const page = [...store.range({ prefix: '', limit: PAGE, ...(after === undefined ? {} : { after }) })]
      yield* page
      after = page.at(-1)?.key
      if (page.length < PAGE || after === undefined) break
      await timers.turn()
    }
    follow()
    cut.revision = seen
    // Without an await in between, this is one view of the store.
    yield* [...changed].map((key) => ({ key, value: store.get(key)?.value }))
  } finally {
    stop()
  }
}

/** Often enough to be done with a change long before the log forgets it. */
const FOLLOW_MS = 100

function changesSince(store: Store, seen: Revision) {
  try {
    return [...store.changesSince(seen)]
  } catch (error) {
    if (error instanceof Gap) throw new Fault('unavailable', 'more was written than a snapshot can follow; try again')
    throw error
  }
}

/** A gap will still be there when the snapshot itself asks. */
function ignoringGaps(run: () => void): void {
  try {
    run()
  } catch (error) {
    if (!(error instanceof Fault)) throw error
  }
}

async function* parts(records: AsyncIterable<SnapshotRecord>): AsyncGenerator<Buffer> {
  let held: Buffer[] = []
  let size = 0
  for await (const record of records) {
    const encoded = encodeRecord(record)
    held.push(encoded)
    size += encoded.length
    if (size < PART_BYTES) continue
    yield Buffer.concat(held, size)
    held = []
    size = 0
  }
  yield Buffer.concat(held, size)
}
